from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import UsageError
from actortorrent.wire.addresses import (
    Address,
    pack_compact,
    parse_address,
    unpack_compact_ipv4,
    unpack_compact_ipv6,
)

PORTS = st.integers(1, 65_535)
IPV4 = st.builds(Address, st.ip_addresses(v=4).map(str), PORTS)
IPV6 = st.builds(Address, st.ip_addresses(v=6).map(str), PORTS)


# --- as people write them -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.3.4:6881", Address("1.2.3.4", 6881)),
        ("seed.example.org:1", Address("seed.example.org", 1)),
        ("localhost:65535", Address("localhost", 65_535)),
        ("[::1]:80", Address("::1", 80)),
        ("[fe80::1%eth0]:80", Address("fe80::1%eth0", 80)),
    ],
)
def test_a_host_and_a_port_are_an_address(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3.4",
        ":80",
        "1.2.3.4:",
        "1.2.3.4:0",
        "1.2.3.4:65536",
        "1.2.3.4:123456789012345678901234567890",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:80a",
        "1.2.3.4: 80",
        "1.2.3.4:٨٠",  # digits, but not ours
        "::1:80",
        "[]:80",
        "[::1:80",
        "::1]:80",
        "[[::1]]:80",
        "[example.org]:80",
        "[1.2.3.4]:80",
        "a host:80",
        "host\0:80",
        "http://example.org:80",
    ],
)
def test_anything_else_is_refused_and_shown(text: str) -> None:
    with pytest.raises(UsageError, match="expected HOST:PORT") as refusal:
        parse_address(text)
    assert repr(text) in str(refusal.value)


@given(st.one_of(IPV4, IPV6))
def test_what_is_printed_reads_back(address: Address) -> None:
    assert parse_address(str(address)) == address


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        address = parse_address(text)
    except UsageError:
        return
    assert address.host
    assert 0 < address.port < 65_536


# --- as trackers and peers pack them --------------------------------------------------------------


def test_ipv4_packs_into_six_bytes_and_ipv6_into_eighteen() -> None:
    assert pack_compact(Address("1.2.3.4", 0x1AE1)) == bytes([1, 2, 3, 4, 0x1A, 0xE1])
    assert pack_compact(Address("::1", 80)) == bytes(15) + b"\1\0\x50"


def test_a_name_does_not_pack() -> None:
    with pytest.raises(ValueError, match=r"example\.org"):
        pack_compact(Address("example.org", 80))


@given(st.lists(IPV4))
def test_packed_ipv4_reads_back(addresses: list[Address]) -> None:
    assert unpack_compact_ipv4(b"".join(map(pack_compact, addresses))) == tuple(addresses)


@given(st.lists(IPV6))
def test_packed_ipv6_reads_back(addresses: list[Address]) -> None:
    assert unpack_compact_ipv6(b"".join(map(pack_compact, addresses))) == tuple(addresses)


@given(st.binary(max_size=100))
def test_of_any_bytes_each_whole_address_with_a_port_is_read(packed: bytes) -> None:
    for size, unpack in ((6, unpack_compact_ipv4), (18, unpack_compact_ipv6)):
        whole = [packed[at : at + size] for at in range(0, len(packed) // size * size, size)]
        expected = [one for one in whole if one[-2:] != b"\0\0"]
        assert [pack_compact(address) for address in unpack(packed)] == expected


@given(st.one_of(IPV4, IPV6))
def test_an_address_knows_its_kind(address: Address) -> None:
    assert address.is_ipv6 == (ipaddress.ip_address(address.host).version == 6)
