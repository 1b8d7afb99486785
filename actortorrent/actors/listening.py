"""Listening sockets: one port, over IPv4 and, where there is any, IPv6.

Two sockets rather than one that does both: not every system lets an IPv6 socket take
IPv4 connections, and those that do show their peers under odd addresses.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable

from actortorrent.errors import UsageError
from actortorrent.wire.addresses import Address

CUSTOMARY_PORTS = range(6881, 6890)  # BEP 3
BACKLOG = 256  # that wait to be accepted: a crowd must not keep others out for a second
ANY_PORT_TRIES = 10  # a port free for IPv4 may be taken for IPv6

_WILDCARDS = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104 - peers are anywhere
_NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT))


def open_listeners(port: int | None, bind: str | None) -> tuple[socket.socket, ...]:
    """Listen on one port, of one address of ours or of all.

    Args:
        port: 1 to 65535, 0 for any that is free, None for 6881 to 6889 or else any.
        bind: an IP address of this machine, None for all.

    Raises:
        UsageError: if that port or address cannot be listened on.
    """
    hosts = _hosts(bind)
    ports = (*CUSTOMARY_PORTS, *[0] * ANY_PORT_TRIES) if port is None else _tries(port)
    failure: OSError | None = None
    for candidate in ports:
        try:
            return _listen_on(hosts, candidate)
        except OSError as error:
            failure = error
            if error.errno != errno.EADDRINUSE:
                break
    where = f"port {port}" if port else "any port"
    if bind is not None:
        where += f" of {bind}"
    reason = failure.strerror if failure is not None else "no port to try"
    raise UsageError(f"cannot listen on {where}: {reason}", hint="choose another address or port")


def accept_some(listener: socket.socket, most: int) -> Iterable[tuple[socket.socket, Address]]:
    """Yield connections that wait, at most so many.

    Raises:
        OSError: if the process may open no more sockets.
    """
    for _ in range(most):
        try:
            sock, address = listener.accept()
        except (BlockingIOError, InterruptedError):
            return
        except ConnectionError:  # given up before we came to it
            continue
        yield sock, Address(address[0], address[1])


def _tries(port: int) -> tuple[int, ...]:
    return (port,) if port else (0,) * ANY_PORT_TRIES


def _hosts(bind: str | None) -> tuple[tuple[socket.AddressFamily, str], ...]:
    if bind is None:
        return _WILDCARDS if socket.has_ipv6 else _WILDCARDS[:1]
    return ((socket.AF_INET6 if ":" in bind else socket.AF_INET, bind),)


def _listen_on(
    hosts: tuple[tuple[socket.AddressFamily, str], ...], port: int
) -> tuple[socket.socket, ...]:
    """Listen on the same port of each; go without IPv6 where the machine has none."""
    listeners: list[socket.socket] = []
    try:
        for family, host in hosts:
            try:
                listeners.append(_open_listener(family, host, port))
            except OSError as error:
                if not listeners or error.errno not in _NO_IPV6:
                    raise
            port = listeners[0].getsockname()[1]
    except OSError:
        for listener in listeners:
            listener.close()
        raise
    return tuple(listeners)


def _open_listener(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere it would let two programs share a port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
