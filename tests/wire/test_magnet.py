from __future__ import annotations

import base64
import ipaddress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import ExitCode, MagnetError
from actortorrent.wire import magnet
from actortorrent.wire.addresses import Address
from actortorrent.wire.magnet import (
    Magnet,
    is_magnet,
    merged_ranges,
    parse_info_hash,
    parse_magnet,
)

HASH = bytes(range(1, 21))
HEX = HASH.hex()
LINK = f"magnet:?xt=urn:btih:{HEX}"
KELVIN = "\u212a"  # the sign of a unit, of which `k` is the small letter

WORDS = st.text(st.characters(codec="utf-8"), max_size=30)
URLS = st.builds(
    "{}://h{}".format,
    st.sampled_from(["http", "udp", "wss"]),
    st.text(st.characters(codec="utf-8"), max_size=20).filter(
        lambda text: text.isprintable() and " " not in text
    ),
)
HOSTS = st.one_of(
    st.sampled_from(["localhost", "peer.example", "a-b.example"]),
    st.integers(0, 2**32 - 1).map(lambda number: str(ipaddress.IPv4Address(number))),
    st.integers(0, 2**128 - 1).map(lambda number: str(ipaddress.IPv6Address(number))),
)
RANGES = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 50)).map(
        lambda pair: (pair[0], pair[0] + pair[1])
    ),
    max_size=20,
)
MAGNETS = st.builds(
    Magnet,
    info_hash=st.binary(min_size=20, max_size=20),
    name=WORDS,
    trackers=st.lists(URLS, max_size=5, unique=True).map(tuple),
    web_seeds=st.lists(URLS, max_size=5, unique=True).map(tuple),
    peers=st.lists(st.builds(Address, HOSTS, st.integers(1, 65535)), max_size=5, unique=True).map(
        tuple
    ),
    file_ranges=RANGES.map(merged_ranges),
)


def fault_of(text: str) -> MagnetError | None:
    try:
        parse_magnet(text)
    except MagnetError as error:
        return error
    return None


@given(MAGNETS)
def test_a_link_reads_back_as_what_was_written(written: Magnet) -> None:
    assert parse_magnet(written.link) == written
    assert written.link.isascii()


@given(st.text() | st.text().map(lambda text: f"{LINK}&{text}"))
def test_any_text_is_a_link_or_an_error_in_one_line(text: str) -> None:
    fault = fault_of(text)
    assert fault is None or fault.exit_code is ExitCode.INVALID_TORRENT
    assert str(fault).isascii(), "safe for a terminal"
    assert len(str(fault).splitlines()) == 1


def test_a_link_with_everything_is_read() -> None:
    link = (
        f"{LINK}&dn=a+name%21&tr=http%3A%2F%2Ft.example%2Fannounce%3Fa%3D1&tr=udp://u.example:1"
        "&x.pe=10.0.0.1:7&x.pe=[2001:db8::1]:8&x.pe=peer.example:9&ws=https%3A%2F%2Fw.example%2F"
        "&so=0,2,4,6-8&xl=1234&unknown=x"
    )
    assert parse_magnet(link) == Magnet(
        HASH,
        name="a name!",
        trackers=("http://t.example/announce?a=1", "udp://u.example:1"),
        web_seeds=("https://w.example/",),
        peers=(Address("10.0.0.1", 7), Address("2001:db8::1", 8), Address("peer.example", 9)),
        file_ranges=((0, 0), (2, 2), (4, 4), (6, 8)),
    )


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        f"  {LINK}\n",
        LINK.upper().replace("MAGNET:?XT", "MAGNET:?xt"),
        LINK.replace("xt=", "xt.1="),
        "magnet:?xt=urn:btih:" + base64.b32encode(HASH).decode(),
        "magnet:?xt=urn:btih:" + base64.b32encode(HASH).decode().lower(),
        f"magnet:?xt=urn:sha1:X&xt=urn:btih:{HEX}",
        f"magnet:?xt=urn:btmh:1220{'ab' * 32}&xt=urn:btih:{HEX}",
        f"{LINK}&xt=urn:btih:{HEX.upper()}",
        f"magnet:?dn=&amp;xt=urn:btih:{HEX}",
        f"{LINK}&x.pe=nonsense&x.pe=h:0&x.pe=[::1&x.pe=a%20b:7&tr=nonsense&tr=http://a%20b&ws=%00",
    ],
)
def test_the_same_torrent_is_named_in_many_ways(link: str) -> None:
    assert parse_magnet(link) == Magnet(HASH)


@pytest.mark.parametrize(
    ("link", "fault"),
    [
        ("", "begins with 'magnet:\\?', found ''"),
        ("magnet:xt=1", "begins with"),
        ("http://example", "begins with"),
        ("magnet:?", r"with xt=urn:btih:\.\.\., found none"),
        ("magnet:?xt=urn:sha1:ABC", "found 'urn:sha1:ABC'"),
        (f"magnet:?xt=urn:btmh:1220{'ab' * 32}", "version 2 only"),
        ("magnet:?xt=urn:btih:", "40 hexadecimal or 32 base32 characters.*found ''"),
        ("magnet:?xt=urn:btih:\x1b[31m\n", r"found '\\x1b\[31m"),
        (f"magnet:?xt=urn:btih:{HEX[:-1]}", "40 hexadecimal"),
        (f"magnet:?xt=urn:btih:{'1' * 32}", "40 hexadecimal"),
        (f"magnet:?xt=urn:btih:{KELVIN * 32}", "40 hexadecimal"),
        (f"{LINK}&xt=urn:btih:{'0' * 40}", "one info-hash in the magnet link, found 2"),
        (f"{LINK}&so=x", "file numbers such as so=0,2-4 in the magnet link, found 'x'"),
        (f"{LINK}&so=3-1", "found '3-1'"),
        (f"{LINK}&so=1,,2", "found ''"),
        (f"{LINK}&so=-5", "found '-5'"),
        (f"{LINK}&so=0-99999999", "found '0-99999999'"),
        (f"{LINK}&so=" + "1," * 5_000 + "1", "at most 5000 ranges"),
        (f"{LINK}&" + "a=b&" * 2_000, "at most 1000 parts"),
        (LINK + "x" * 200_000, "at most 131072 characters, found 200060"),
    ],
    ids=range(20),
)
def test_what_names_no_torrent_or_no_files_is_refused(link: str, fault: str) -> None:
    with pytest.raises(MagnetError, match=fault):
        parse_magnet(link)


def test_bytes_of_a_shell_that_are_no_text_do_no_harm() -> None:
    found = parse_magnet(f"{LINK}&dn=a\udcbb&tr=http://t/\udcbb")
    assert found == Magnet(HASH, name="a?", trackers=("http://t/?",))
    assert parse_magnet(found.link) == found


def test_a_flood_of_help_is_cut_to_the_limits() -> None:
    flood = "".join(f"&tr=udp://h{n}&x.pe=h:{n + 1}&ws=http://w{n}" for n in range(300))
    found = parse_magnet(LINK + flood + "&dn=" + "n" * 5_000)
    assert len(found.trackers) == magnet.MAX_TRACKERS
    assert len(found.peers) == magnet.MAX_PEERS
    assert len(found.web_seeds) == magnet.MAX_WEB_SEEDS
    assert len(found.name) == magnet.MAX_NAME_CHARACTERS


def test_what_is_said_twice_counts_once() -> None:
    found = parse_magnet(f"{LINK}&tr=udp://a&tr.2=udp://a&x.pe=h:1&x.pe=h:1&so=1-3&so=2,4")
    assert (found.trackers, found.peers) == (("udp://a",), (Address("h", 1),))
    assert found.file_ranges == ((1, 4),)


def test_selected_files_are_those_that_there_are() -> None:
    assert Magnet(HASH).selected_files(5) is None
    assert Magnet(HASH, file_ranges=((1, 2), (4, 9_999_999))).selected_files(6) == frozenset(
        {1, 2, 4, 5}
    )
    assert Magnet(HASH, file_ranges=((7, 9),)).selected_files(5) == frozenset()


@given(RANGES)
def test_merged_ranges_are_the_same_files_in_order(ranges: list[tuple[int, int]]) -> None:
    merged = merged_ranges(ranges)
    files = {index for first, last in ranges for index in range(first, last + 1)}
    assert [index for first, last in merged for index in range(first, last + 1)] == sorted(files)
    assert all(one[1] + 1 < after[0] for one, after in pairwise(merged))


def test_an_info_hash_alone_is_known_by_its_length() -> None:
    assert parse_info_hash(HEX) == parse_info_hash(base64.b32encode(HASH).decode()) == HASH
    for text in ("", "x", HEX + "0", HEX[:-1], "g" * 40, "\n" + HEX[1:], "é" * 32, KELVIN * 32):
        assert parse_info_hash(text) is None


def test_a_magnet_link_is_known_by_its_beginning_and_shows_no_secret() -> None:
    assert is_magnet(" Magnet:?xt=")
    assert not is_magnet("magnets.torrent")
    secret = Magnet(HASH, trackers=("http://t/passkey",))
    assert "passkey" not in str(secret) + repr(secret)
    assert str(secret) == f"magnet link of {HEX}"
