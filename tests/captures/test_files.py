"""Captures in every form that other programs write, and what is no capture."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from actortorrent.captures.files import MAX_BLOCK_BYTES, MAX_PACKET_BYTES, CaptureFile, Packet
from actortorrent.errors import InvalidCaptureError
from tests.captures.frames import (
    BEGIN_NS,
    ng_block,
    ng_interface,
    ng_packet,
    ng_section,
    pcap,
    pcapng,
    written,
)

FRAMES = [(BEGIN_NS, b"first"), (BEGIN_NS + 1_000_000, b"second packet")]
each_order = pytest.mark.parametrize("order", ["<", ">"])


def packets_of(tmp_path: Path, raw: bytes) -> list[Packet]:
    with CaptureFile(written(tmp_path / "x", raw)) as capture:
        return list(capture.packets())


def refusal(tmp_path: Path, raw: bytes) -> str:
    with pytest.raises(InvalidCaptureError) as caught:
        packets_of(tmp_path, raw)
    return str(caught.value)


@each_order
@pytest.mark.parametrize("is_ns", [True, False])
def test_pcap_is_read_in_both_byte_orders_and_units(
    tmp_path: Path, order: str, is_ns: bool
) -> None:
    read = packets_of(tmp_path, pcap(FRAMES, order=order, is_ns=is_ns, link=113))
    unit = 1 if is_ns else 1000
    assert [(one.time_ns, one.data) for one in read] == [
        (time_ns // unit * unit, data) for time_ns, data in FRAMES
    ]
    assert {one.link_type for one in read} == {113}


def test_a_packet_captured_in_part_has_its_length_on_the_wire(tmp_path: Path) -> None:
    first, second = packets_of(tmp_path, pcap(FRAMES, snaplen=6))
    assert (first.data, first.wire_bytes) == (b"first", 5)
    assert (second.data, second.wire_bytes) == (b"second", 13)


@each_order
def test_pcapng_is_read_in_both_byte_orders(tmp_path: Path, order: str) -> None:
    read = packets_of(tmp_path, pcapng(FRAMES, order=order, link=1))
    assert [(one.time_ns, one.data) for one in read] == FRAMES
    assert {one.link_type for one in read} == {1}


@pytest.mark.parametrize(
    ("code", "units", "time_ns"),
    [(6, 5, 5_000), (0, 5, 5_000_000_000), (9, 5, 5), (0x80 | 10, 1024, 1_000_000_000)],
)
def test_pcapng_says_the_unit_of_its_times(
    tmp_path: Path, code: int, units: int, time_ns: int
) -> None:
    options = struct.pack("<HHB3xHHqHH", 9, 1, code, 14, 8, 7, 0, 0)
    raw = ng_section("<") + ng_interface("<", options=options) + ng_packet("<", units, b"x")
    assert [one.time_ns for one in packets_of(tmp_path, raw)] == [time_ns + 7 * 10**9]


def test_pcapng_may_have_sections_interfaces_simple_packets_and_blocks_of_other_kinds(
    tmp_path: Path,
) -> None:
    simple = ng_block("<", 3, struct.pack("<I", 9) + b"simple pa")
    raw = (
        ng_section("<") + ng_block("<", 5, b"statistics") + ng_interface("<", 1)
        + ng_interface("<", 276) + ng_packet("<", 1, b"second", 1) + simple
        + ng_section(">") + ng_interface(">", 0, snaplen=2) + ng_block(">", 3, struct.pack(">I", 4) + b"ab")
    )  # fmt: skip
    read = [(one.link_type, one.data, one.wire_bytes) for one in packets_of(tmp_path, raw)]
    assert read == [(276, b"second", 6), (1, b"simple pa", 9), (0, b"ab", 4)]


@pytest.mark.parametrize("raw", [pcap(FRAMES), pcapng(FRAMES)])
def test_a_capture_that_was_killed_is_read_to_its_last_whole_packet(
    tmp_path: Path, raw: bytes
) -> None:
    for cut in (1, 5, 12, 20):
        with CaptureFile(written(tmp_path / "x", raw[:-cut])) as capture:
            assert [one.data for one in capture.packets()] == [b"first"]
            assert capture.is_cut_off


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "expected pcap or pcapng"),
        (b"d8:announce0:e", "found something else"),
        (b"\x1f\x8b\x08\x00", "found gzip: unpack it first"),
        (pcap([])[:20], "header is cut off"),
        (struct.pack("<IHHiIII", 0xA1B2C3D4, 9, 4, 0, 0, 1, 1), "version 2 of pcap, found 9"),
        (pcap([]) + struct.pack("<IIII", 0, 0, 2**31, 2**31), "a packet of at most"),
        (pcap(FRAMES) + struct.pack("<IIII", 0, 0, MAX_PACKET_BYTES + 1, 0), "packet 3: "),
        (ng_block("<", 0x0A0D0D0A, b"nonsense"), "byte order of a section"),
        (ng_section("<") + struct.pack("<II", 6, 8), "length of a block, found 8"),
        (ng_section("<") + struct.pack("<II", 6, 33), "length of a block, found 33"),
        (ng_section("<") + struct.pack("<II", 6, MAX_BLOCK_BYTES + 4), "length of a block"),
        (ng_section("<") + struct.pack("<III", 5, 12, 16), "two different lengths"),
        (ng_section("<") + ng_packet("<", 0, b"x"), "interface 0 of 0"),
        (ng_section("<") + ng_interface("<") + ng_block("<", 6, b"short"), "20 bytes or more"),
        (ng_section("<") + ng_interface("<") * 4097, "4096 interfaces"),
        (
            ng_section("<")
            + ng_interface("<")
            + ng_block("<", 6, struct.pack("<IIIII", 0, 0, 0, 99, 99) + b"x"),
            "99 bytes does not fit",
        ),
        (
            ng_section("<") + ng_interface("<", options=struct.pack("<HHB3x", 9, 1, 0x7F)),
            "a unit of time",
        ),
    ],
)
def test_what_is_no_capture_or_lies_is_refused_in_one_line(
    tmp_path: Path, raw: bytes, said: str
) -> None:
    told = refusal(tmp_path, raw)
    assert told.startswith("not a packet capture: ")
    assert said in told
    assert "\n" not in told
