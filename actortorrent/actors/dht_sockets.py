"""The DHT's sockets: one port, over IPv4 and, where there is any, IPv6.

Nothing here waits: a datagram that cannot be sent now is as good as lost on the way, and
KRPC is made for that.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from actortorrent.errors import UsageError
from actortorrent.wire.addresses import MAX_PORT, Address
from actortorrent.wire.krpc_reading import MAX_DATAGRAM_BYTES

ANY_PORT_TRIES = 10  # a port free for IPv4 may be taken for IPv6
_WILDCARDS = ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::"))  # noqa: S104 - nodes are anywhere
_NO_IPV6 = frozenset((errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT))


def open_udp_sockets(port: int, bind: str | None) -> tuple[socket.socket, ...]:
    """Return a socket of each kind of IP that there is, on one port.

    Args:
        port: 1 to 65535, which is taken if it is free; 0: any.
        bind: an IP address of this machine, None for all.

    Raises:
        UsageError: if there is no port to be had.
    """
    failure: OSError | None = None
    for candidate in (*(port,) * bool(port), *(0,) * ANY_PORT_TRIES):
        try:
            return _open_on(candidate, bind)
        except OSError as error:
            failure = error
            if error.errno != errno.EADDRINUSE:
                break
    where = f" of {bind}" if bind is not None else ""
    reason = failure.strerror if failure is not None else "no port is free"
    raise UsageError(f"cannot receive datagrams on any port{where}: {reason}")


def receive_some(sock: socket.socket, most: int) -> Iterator[tuple[bytes, Address]]:
    """Yield datagrams that are here, so many at most; one that is too long comes cut off."""
    for _ in range(most):
        try:
            packet, sender = sock.recvfrom(MAX_DATAGRAM_BYTES + 1)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:  # what was sent earlier did not arrive (Windows says so here)
            continue
        if 0 < sender[1] <= MAX_PORT:
            yield packet, Address(sender[0], sender[1])


def send(sock: socket.socket, packet: bytes, address: Address) -> bool:
    """Send a datagram; say whether it went."""
    try:
        sock.sendto(packet, (address.host, address.port))
    except OSError:  # no way leads there, or there is no room now
        return False
    return True


def _open_on(port: int, bind: str | None) -> tuple[socket.socket, ...]:
    sockets: list[socket.socket] = []
    try:
        for family, host in _hosts(bind):
            try:
                sockets.append(_open(family, host, port))
            except OSError as error:
                if not sockets or error.errno not in _NO_IPV6:
                    raise
            port = sockets[0].getsockname()[1]
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return tuple(sockets)


def _hosts(bind: str | None) -> tuple[tuple[socket.AddressFamily, str], ...]:
    if bind is None:
        return _WILDCARDS if socket.has_ipv6 else _WILDCARDS[:1]
    return ((socket.AF_INET6 if ":" in bind else socket.AF_INET, bind),)


def _open(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock
