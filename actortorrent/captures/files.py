"""Packet captures as files: pcap in all its byte orders and units, and pcapng.

A file may be anybody's, and a capture that was killed ends anywhere: its last packet may be
cut off; whatever else is not as its format wants it is refused with the packet's number.
Times are nanoseconds since 1970.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple, NoReturn, Self

from actortorrent.errors import InvalidCaptureError

MAGIC_US, MAGIC_NS = 0xA1B2C3D4, 0xA1B23C4D
MAGIC_NG = 0x0A0D0D0A
MAX_PACKET_BYTES = 262_144  # what tcpdump takes at most
MAX_BLOCK_BYTES = 16 * 1024 * 1024  # of pcapng; the longest are lists of names
MAX_INTERFACES = 4096
MAX_PACKETS = 200_000_000
_BYTE_ORDER = 0x1A2B3C4D
_SECTION, _INTERFACE, _OLD_PACKET, _SIMPLE_PACKET, _PACKET = MAGIC_NG, 1, 2, 3, 6
_RESOLUTION, _OFFSET = 9, 14  # options of an interface
_GZIP = b"\x1f\x8b"
MAX_TIME_NS = 2**62


class Packet(NamedTuple):
    """A packet as it was captured.

    Attributes:
        link_type: what it begins with, by the list of tcpdump.org.
        wire_bytes: its length on the wire; `data` may have less of it.
    """

    time_ns: int
    link_type: int
    data: bytes
    wire_bytes: int


class _Interface(NamedTuple):
    link_type: int
    captured_bytes: int  # of each packet at most; 0: all
    units_per_second: int
    offset_seconds: int


class _CutOffError(Exception):
    """Say that the file ends in the middle of something."""


class CaptureFile:
    """A capture that is read.

    Attributes:
        is_cut_off: whether it ended in the middle of a packet.
        count: how many packets were read.
    """

    def __init__(self, path: Path) -> None:
        """Open a capture; raises InvalidCaptureError where it is none, OSError if it cannot."""
        self._file: BinaryIO = path.open("rb")
        self._order = ">"
        self.is_cut_off = False
        self.count = 0
        try:
            self._packets = self._recognise()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def packets(self) -> Iterator[Packet]:
        """Yield the packets in the file's order, once.

        Raises:
            InvalidCaptureError: where the file is not as its format wants it.
        """
        try:
            for packet in self._packets:
                self.count += 1
                if self.count > MAX_PACKETS:
                    self._refuse(f"expected at most {MAX_PACKETS} packets, found more")
                yield packet
        except _CutOffError:
            self.is_cut_off = True

    def _recognise(self) -> Iterator[Packet]:
        start = self._file.read(4)
        for order in (">", "<"):
            (magic,) = struct.unpack(f"{order}I", start) if len(start) == 4 else (0,)
            if magic in (MAGIC_US, MAGIC_NS):
                self._order = order
                return self._pcap(1000 if magic == MAGIC_US else 1, self._pcap_link())
        if magic != MAGIC_NG:
            found = "gzip: unpack it first" if start[:2] == _GZIP else "something else"
            self._refuse(f"expected pcap or pcapng, found {found}")
        self._file.seek(0)
        return self._pcapng()

    # --- pcap -------------------------------------------------------------------------------

    def _pcap_link(self) -> int:
        try:
            major, _, _, _, _, link = self._unpack("HHiIII")
        except _CutOffError:
            self._refuse("its header is cut off")
        if major != 2:
            self._refuse(f"expected version 2 of pcap, found {major}")
        return link & 0xFFFF  # above stands how long the checksums of frames are

    def _pcap(self, unit_ns: int, link_type: int) -> Iterator[Packet]:
        while (head := self._file.read(16)) != b"":
            if len(head) < 16:
                raise _CutOffError
            seconds, units, length, wire_bytes = struct.unpack(f"{self._order}IIII", head)
            self._check_length(length)
            time_ns = seconds * 1_000_000_000 + units * unit_ns
            yield Packet(time_ns, link_type, self._read(length), max(length, wire_bytes))

    def _check_length(self, length: int) -> None:
        if length > MAX_PACKET_BYTES:
            self._refuse(f"expected a packet of at most {MAX_PACKET_BYTES} bytes, found {length}")

    # --- pcapng -----------------------------------------------------------------------------

    def _pcapng(self) -> Iterator[Packet]:
        interfaces: list[_Interface] = []
        last_ns = 0
        while (head := self._file.read(8)) != b"":
            if len(head) < 8:
                raise _CutOffError
            if head[:4] == struct.pack(">I", MAGIC_NG):
                self._begin_section()
                interfaces.clear()
            kind, length = struct.unpack(f"{self._order}II", head)
            body = self._block(length, already=4 if kind == _SECTION else 0)
            if kind == _INTERFACE:
                interfaces.append(self._interface(body, len(interfaces)))
            elif kind in (_PACKET, _OLD_PACKET, _SIMPLE_PACKET):
                packet = self._ng_packet(kind, body, interfaces, last_ns)
                last_ns = packet.time_ns
                yield packet

    def _begin_section(self) -> None:
        raw = self._read(4)
        orders = [order for order in "><" if struct.unpack(f"{order}I", raw) == (_BYTE_ORDER,)]
        if not orders:
            self._refuse("expected the byte order of a section of pcapng")
        self._order = orders[0]

    def _block(self, length: int, already: int) -> bytes:
        """Read the rest of a block, without its first 8 and last 4 bytes."""
        rest = length - 12 - already
        if rest < 0 or length % 4 or length > MAX_BLOCK_BYTES:
            self._refuse(f"expected the length of a block, found {length}")
        body = self._read(rest)
        if self._unpack("I") != (length,):
            self._refuse("a block says two different lengths")
        return body

    def _interface(self, body: bytes, count: int) -> _Interface:
        if count >= MAX_INTERFACES:
            self._refuse(f"expected at most {MAX_INTERFACES} interfaces, found more")
        link_type, _, captured = self._from("HHI", body)
        units, offset = 1_000_000, 0
        for code, value in self._options(body[8:]):
            if code == _RESOLUTION and len(value) == 1:
                units = self._units(value[0])
            elif code == _OFFSET and len(value) == 8:
                (offset,) = struct.unpack(f"{self._order}q", value)
        return _Interface(link_type, captured, units, offset)

    def _units(self, code: int) -> int:
        """Return how many units of time a second has: a power of 10, or of 2."""
        base, power = (2, code & 0x7F) if code & 0x80 else (10, code)
        if base**power > MAX_TIME_NS:
            self._refuse(f"expected a unit of time, found {base}^-{power} s")
        return int(base**power)

    def _options(self, raw: bytes) -> Iterator[tuple[int, bytes]]:
        position = 0
        while position + 4 <= len(raw):
            code, length = struct.unpack_from(f"{self._order}HH", raw, position)
            if code == 0:
                return
            yield code, raw[position + 4 : position + 4 + length]
            position += 4 + (length + 3) // 4 * 4

    def _ng_packet(
        self, kind: int, body: bytes, interfaces: list[_Interface], last_ns: int
    ) -> Packet:
        if kind == _SIMPLE_PACKET:  # has no time of its own
            (wire_bytes,) = self._from("I", body)
            interface = self._which(interfaces, 0)
            length = min(wire_bytes, interface.captured_bytes or wire_bytes, len(body) - 4)
            return Packet(last_ns, interface.link_type, body[4 : 4 + length], wire_bytes)
        if kind == _PACKET:
            number, high, low, length, wire_bytes = self._from("IIIII", body)
        else:
            number, _, high, low, length, wire_bytes = self._from("HHIIII", body)
        self._check_length(length)
        if length > len(body) - 20:
            self._refuse(f"a packet of {length} bytes does not fit in its block")
        interface = self._which(interfaces, number)
        time_ns = self._time_ns(high << 32 | low, interface)
        return Packet(time_ns, interface.link_type, body[20 : 20 + length], max(length, wire_bytes))

    def _which(self, interfaces: list[_Interface], number: int) -> _Interface:
        if number >= len(interfaces):
            self._refuse(f"a packet names interface {number} of {len(interfaces)}")
        return interfaces[number]

    def _time_ns(self, units: int, interface: _Interface) -> int:
        time_ns = units * 1_000_000_000 // interface.units_per_second
        time_ns += interface.offset_seconds * 1_000_000_000
        return min(max(time_ns, 0), MAX_TIME_NS)

    # --- bytes ------------------------------------------------------------------------------

    def _from(self, layout: str, body: bytes) -> tuple[int, ...]:
        form = struct.Struct(self._order + layout)
        if len(body) < form.size:
            self._refuse(f"expected a block of {form.size} bytes or more, found {len(body)}")
        return form.unpack_from(body)

    def _unpack(self, layout: str) -> tuple[int, ...]:
        form = struct.Struct(self._order + layout)
        return form.unpack(self._read(form.size))

    def _read(self, length: int) -> bytes:
        raw = self._file.read(length)
        if len(raw) < length:
            raise _CutOffError
        return raw

    def _refuse(self, why: str) -> NoReturn:
        where = f"packet {self.count + 1}: " if self.count else ""
        raise InvalidCaptureError(f"not a packet capture: {where}{why}")
