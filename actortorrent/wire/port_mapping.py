"""What one asks a router for: that connections from outside reach a port of ours.

Two small protocols over UDP, both on port 5351 of the router: PCP (RFC 6887), and
NAT-PMP (RFC 6886), which came before it. A router that knows only the older one says so in
answer to the newer. (UPnP, the third way, is a library's business.)
"""

from __future__ import annotations

import ipaddress
import struct
from enum import IntEnum

from msgspec import Struct

from actortorrent.errors import PortMappingError

ROUTER_PORT = 5351
NONCE_BYTES = 12
MAX_REPLY_BYTES = 1100  # PCP's limit

_NAT_PMP_REQUEST = struct.Struct("!BBHHHI")
_NAT_PMP_REPLY = struct.Struct("!BBHIHHI")
_PCP_REQUEST = struct.Struct("!BBHI16s")
_PCP_REPLY = struct.Struct("!BBBBII12x")
_PCP_MAP = struct.Struct(f"!{NONCE_BYTES}sB3xHH16s")
_NAT_PMP, _PCP = 0, 2  # versions
_PCP_MAP_CODE = 1
_IS_REPLY = 0x80


class Transport(IntEnum):
    """What is carried to the port, by its number in IP."""

    TCP = 6
    UDP = 17


class MappingRequest(Struct, frozen=True):
    """Ask for a port to be reached from outside.

    Attributes:
        internal_port: ours, 1 to 65535.
        external_port: the router's that we would like.
        lifetime_seconds: for how long; 0 takes a mapping back.
    """

    transport: Transport
    internal_port: int
    external_port: int
    lifetime_seconds: int

    def __str__(self) -> str:
        return f"{self.transport.name} port {self.internal_port}"


class MappingGranted(Struct, frozen=True):
    """Say what the router does for us: for how long, and on which port of its own."""

    external_port: int
    lifetime_seconds: int
    external_host: str = ""  # where it was told


def nat_pmp_request(request: MappingRequest) -> bytes:
    """Write a request in NAT-PMP (RFC 6886, 3.3)."""
    code = 2 if request.transport is Transport.TCP else 1
    external_port = request.external_port if request.lifetime_seconds else 0
    ports = (request.internal_port, external_port)
    return _NAT_PMP_REQUEST.pack(_NAT_PMP, code, 0, *ports, request.lifetime_seconds)


def read_nat_pmp_reply(data: bytes, request: MappingRequest) -> MappingGranted | None:
    """Read an answer in NAT-PMP; return None if it answers something else.

    Raises:
        PortMappingError: if the router refuses.
    """
    if len(data) != _NAT_PMP_REPLY.size:
        return None
    version, code, result, _, internal, external, lifetime = _NAT_PMP_REPLY.unpack(data)
    expected = _IS_REPLY | nat_pmp_request(request)[1]
    if (version, code, internal) != (_NAT_PMP, expected, request.internal_port):
        return None
    _check_result(result)
    return MappingGranted(external, lifetime)


def pcp_request(request: MappingRequest, our_host: str, nonce: bytes) -> bytes:
    """Write a request in PCP (RFC 6887, 7.1 and 11.1).

    Args:
        request: what is asked for.
        our_host: our IP address, as the router sees it.
        nonce: 12 bytes; who renews or takes back a mapping says the same again.
    """
    ours = ipaddress.ip_address(our_host)
    external_port = request.external_port if request.lifetime_seconds else 0
    any_host = _as_16_bytes(ipaddress.ip_address("::" if ours.version == 6 else "0.0.0.0"))  # noqa: S104
    head = _PCP_REQUEST.pack(_PCP, _PCP_MAP_CODE, 0, request.lifetime_seconds, _as_16_bytes(ours))
    return head + _PCP_MAP.pack(
        nonce, request.transport, request.internal_port, external_port, any_host
    )


def read_pcp_reply(data: bytes, request: MappingRequest, nonce: bytes) -> MappingGranted | None:
    """Read an answer in PCP; return None if it answers something else.

    Raises:
        PortMappingError: if the router refuses.
    """
    if not _PCP_REPLY.size + _PCP_MAP.size <= len(data) <= MAX_REPLY_BYTES:
        return None
    version, code, _, result, lifetime, _ = _PCP_REPLY.unpack_from(data)
    theirs, transport, internal, external, host = _PCP_MAP.unpack_from(data, _PCP_REPLY.size)
    is_ours = (theirs, transport, internal) == (nonce, request.transport, request.internal_port)
    if (version, code) != (_PCP, _IS_REPLY | _PCP_MAP_CODE) or not is_ours:
        return None
    _check_result(result)
    return MappingGranted(external, lifetime, _readable(host))


def speaks_only_nat_pmp(data: bytes) -> bool:
    """Say whether a router's answer to PCP is that it knows NAT-PMP alone (RFC 6887, appendix A)."""
    is_long_enough = len(data) >= 4
    return is_long_enough and data[0] == _NAT_PMP and data[2:4] == b"\0\1"


def _check_result(result: int) -> None:
    if result:
        raise PortMappingError(f"expected a mapping, found that the router refuses (code {result})")


def _as_16_bytes(host: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bytes:
    return host.packed if host.version == 6 else bytes(10) + b"\xff\xff" + host.packed


def _readable(packed: bytes) -> str:
    host = ipaddress.IPv6Address(packed)
    return str(host.ipv4_mapped or host)
