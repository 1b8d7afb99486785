"""Requests to a router, byte by byte, and its answers."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import PortMappingError
from actortorrent.wire.port_mapping import (
    MAX_REPLY_BYTES,
    MappingGranted,
    MappingRequest,
    Transport,
    nat_pmp_request,
    pcp_request,
    read_nat_pmp_reply,
    read_pcp_reply,
    speaks_only_nat_pmp,
)

NONCE = bytes(range(12))
ASKED = MappingRequest(Transport.TCP, 6881, 6881, 3600)
ports = st.integers(1, 65_535)
requests = st.builds(
    MappingRequest, st.sampled_from(Transport), ports, ports, st.integers(0, 2**32 - 1)
)


def nat_pmp_reply(request: MappingRequest, result: int = 0, external: int = 4000) -> bytes:
    """Answer as RFC 6886, 3.3 says."""
    code = 128 + (2 if request.transport is Transport.TCP else 1)
    return struct.pack("!BBHIHHI", 0, code, result, 99, request.internal_port, external, 1800)


def pcp_reply(request: MappingRequest, result: int = 0, external: int = 4000) -> bytes:
    """Answer as RFC 6887, 7.2 and 11.1 say."""
    head = struct.pack("!BBBBII12x", 2, 0x81, 0, result, 1800, 99)
    host = ipaddress.IPv6Address("::ffff:192.0.2.7").packed
    return head + struct.pack(
        "!12sB3xHH16s", NONCE, request.transport, request.internal_port, external, host
    )


def test_a_request_in_nat_pmp_is_as_the_rfc_draws_it() -> None:
    assert nat_pmp_request(ASKED).hex() == "0002" + "0000" + "1ae1" + "1ae1" + "00000e10"
    udp = MappingRequest(Transport.UDP, 1, 2, 3)
    assert nat_pmp_request(udp).hex() == "0001" + "0000" + "0001" + "0002" + "00000003"


def test_to_take_a_mapping_back_is_to_ask_for_no_port_and_no_time() -> None:
    back = MappingRequest(Transport.TCP, 6881, 6881, 0)
    assert nat_pmp_request(back).hex() == "0002" + "0000" + "1ae1" + "0000" + "00000000"
    assert pcp_request(back, "10.0.0.2", NONCE)[42:44] == b"\0\0"


def test_a_request_in_pcp_is_as_the_rfc_draws_it() -> None:
    written = pcp_request(ASKED, "10.0.0.2", NONCE).hex()
    head = "02" + "01" + "0000" + "00000e10" + "00000000000000000000ffff0a000002"
    any_host = "00000000000000000000ffff00000000"
    assert written == head + NONCE.hex() + "06" + "000000" + "1ae1" + "1ae1" + any_host
    assert pcp_request(ASKED, "2001:db8::2", NONCE)[-16:] == bytes(16)


@given(requests)
def test_what_is_granted_is_read(request: MappingRequest) -> None:
    granted = MappingGranted(4000, 1800)
    assert read_nat_pmp_reply(nat_pmp_reply(request), request) == granted
    by_pcp = MappingGranted(4000, 1800, "192.0.2.7")
    assert read_pcp_reply(pcp_reply(request), request, NONCE) == by_pcp
    longer = pcp_reply(request) + bytes(MAX_REPLY_BYTES - 60)
    assert read_pcp_reply(longer, request, NONCE) == by_pcp
    assert read_pcp_reply(longer + b"\0", request, NONCE) is None


@given(requests, requests)
def test_answers_to_others_are_passed_over(request: MappingRequest, other: MappingRequest) -> None:
    is_same = (request.transport, request.internal_port) == (other.transport, other.internal_port)
    assert (read_nat_pmp_reply(nat_pmp_reply(other), request) is not None) == is_same
    assert (read_pcp_reply(pcp_reply(other), request, NONCE) is not None) == is_same
    assert read_pcp_reply(pcp_reply(request), request, bytes(12)) is None


@pytest.mark.parametrize("result", [1, 2, 5, 13])
def test_a_refusal_is_told_with_its_code(result: int) -> None:
    with pytest.raises(PortMappingError, match=f"code {result}"):
        read_nat_pmp_reply(nat_pmp_reply(ASKED, result), ASKED)
    with pytest.raises(PortMappingError, match=f"code {result}"):
        read_pcp_reply(pcp_reply(ASKED, result), ASKED, NONCE)


@given(st.binary(max_size=80))
def test_garbage_is_passed_over(data: bytes) -> None:
    assert read_nat_pmp_reply(b"\xff" + data, ASKED) is None
    assert read_pcp_reply(b"\xff" + data, ASKED, NONCE) is None
    assert not speaks_only_nat_pmp(b"\xff" + data)
    assert not speaks_only_nat_pmp(data[:3])


def test_a_router_that_knows_only_the_older_protocol_is_understood() -> None:
    assert speaks_only_nat_pmp(bytes.fromhex("0080000100000063"))
    assert speaks_only_nat_pmp(bytes.fromhex("0000000100000063"))
    assert not speaks_only_nat_pmp(pcp_reply(ASKED))
