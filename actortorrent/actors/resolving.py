"""Names of hosts into addresses, and which addresses are local.

A look-up can hang for long in the C library and nothing can end it: so only threads
made for one call do it, and nobody waits for those.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable

from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address

MAX_ADDRESSES = 8  # of one host

Resolve = Callable[[str, int], tuple[Address, ...]]


def resolve(host: str, port: int) -> tuple[Address, ...]:
    """Return a host's addresses, best first as the system sorts them; blocks.

    Raises:
        TrackerError: if there are none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise TrackerError(f"no address found for the host {ascii(host)[1:-1]}") from None
    unique = dict.fromkeys(Address(str(entry[4][0]), port) for entry in found)
    return tuple(unique)[:MAX_ADDRESSES]


def reachable_from(bind: str | None, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    """Return the addresses of the same kind, IPv4 or IPv6, as our own address `bind`.

    Raises:
        TrackerError: if there are none.
    """
    if bind is None:
        return addresses
    same_kind = tuple(address for address in addresses if address.is_ipv6 == (":" in bind))
    if not same_kind:
        raise TrackerError(f"it has no address that can be reached from {bind}")
    return same_kind


def is_local(address: Address) -> bool:
    """Say whether an IP address is not one of the public internet."""
    ip = ipaddress.ip_address(address.host)
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ip.sixtofour or ip
    return not ip.is_global or ip.is_multicast


def make_socket(kind: socket.SocketKind, to: Address, bind: str | None) -> socket.socket:
    """Return a socket of the right family for `to`, bound to our own address if one is given."""
    family = socket.AF_INET6 if to.is_ipv6 else socket.AF_INET
    sock = socket.socket(family, kind)
    if bind is not None:
        try:
            sock.bind((bind, 0))
        except OSError:
            sock.close()
            raise
    return sock


def explain_os_error(error: OSError) -> str:
    """Say in a few words why a connection failed."""
    if isinstance(error, TimeoutError) or error.errno is None:
        return "no connection in time"
    return f"no connection: {os.strerror(error.errno).lower()}"
