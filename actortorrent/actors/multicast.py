"""Sockets that hear a multicast group, and call to it, on some interfaces of this machine.

One socket a kind of IP hears for all interfaces, and several programs share the port; each
interface has one of its own to call with. What cannot be opened is left out: a machine may
lack IPv6, and an interface may know no multicast.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

from msgspec import Struct

from actortorrent.actors.interfaces import OwnAddress
from actortorrent.wire.addresses import Address

_IPV4_ALL, _IPV6_ALL = (
    49,
    29,
)  # IP_MULTICAST_ALL and IPV6_MULTICAST_ALL, of <linux/in.h>, <linux/in6.h>


class Caller(Struct, frozen=True):
    """A socket that calls to a group on one interface."""

    sock: socket.socket
    group: Address

    def call(self, datagram: bytes) -> bool:
        """Send a datagram to the group; say whether it went."""
        try:
            self.sock.sendto(datagram, (self.group.host, self.group.port))
        except OSError:  # the interface is down, or there is no room now
            return False
        return True


def open_hearing(group: Address, addresses: Sequence[OwnAddress]) -> socket.socket | None:
    """Return a socket that hears a group on the interfaces of these addresses, if any can."""
    family = socket.AF_INET6 if group.is_ipv6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM)
    except OSError:
        return None
    try:
        _share_port(sock)
        if group.is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        _hear_only(sock, group)
        sock.setblocking(False)
        joined = [_join(sock, group, address) for address in addresses]
        if any(joined):
            return sock
    except OSError:
        pass
    sock.close()
    return None


def _hear_only(sock: socket.socket, group: Address) -> None:
    """Take the group's port, and what is sent to the group, where the system can tell it apart."""
    if sys.platform == "linux":  # or what other programs have joined elsewhere came here, too
        level = socket.IPPROTO_IPV6 if group.is_ipv6 else socket.IPPROTO_IP
        with suppress(OSError):
            sock.setsockopt(level, _IPV6_ALL if group.is_ipv6 else _IPV4_ALL, 0)
    sock.bind((group.host if os.name == "posix" else "", group.port))


def _share_port(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _join(sock: socket.socket, group: Address, address: OwnAddress) -> bool:
    packed = socket.inet_pton(sock.family, group.host)
    try:
        if group.is_ipv6:
            membership = packed + struct.pack("@I", address.interface_index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
        else:
            membership = packed + socket.inet_aton(address.host)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except OSError:  # already joined by another address of it, or it knows no multicast
        return False
    return True


def open_callers(group: Address, addresses: Iterable[OwnAddress]) -> list[Caller]:
    """Return what calls to a group from each of these addresses, as far as it can be opened."""
    callers = []
    for address in addresses:
        sock = _open_caller(group, address)
        if sock is not None:
            callers.append(Caller(sock, group))
    return callers


def _open_caller(group: Address, address: OwnAddress) -> socket.socket | None:
    family = socket.AF_INET6 if group.is_ipv6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM)
    except OSError:
        return None
    try:
        if group.is_ipv6:
            index = address.interface_index
            sock.bind((address.host, 0, 0, index if address.is_link_local else 0))
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        else:
            sock.bind((address.host, 0))
            ours = socket.inet_aton(address.host)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, ours)
        sock.setblocking(False)
    except OSError:
        sock.close()
        return None
    return sock
