"""Makers of packets and of capture files, in all the forms that other programs write."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from actortorrent.captures.packets import ACK, FIN, PSH, SYN, Endpoint, tcp_packet
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import Bitfield, Interested, PieceHeader, Request, Unchoke

ADA, BOB = Endpoint(bytes((10, 0, 0, 1)), 40_000), Endpoint(bytes((10, 0, 0, 2)), 6881)
ADA_6 = Endpoint(bytes.fromhex("20010db8" + "00" * 11 + "01"), 40_000)
BOB_6 = Endpoint(bytes.fromhex("20010db8" + "00" * 11 + "02"), 6881)
INFO_HASH = bytes(range(20))
BEGIN_NS = 1_700_000_000_123_456_789
STEP_NS = 1_000_000
BLOCK = 16 * 1024
PIECES = 3

Frames = list[tuple[int, bytes]]  # time in ns, what was captured


def handshake(peer_id: bytes = b"-LT2110-abcdefghijkl") -> bytes:
    return Handshake(INFO_HASH, peer_id).encode()


def block(piece_index: int, content: bytes = b"") -> bytes:
    content = content or bytes(BLOCK)
    return PieceHeader(piece_index, 0, len(content)).encode() + content


# What two peers say of a torrent of three pieces, each one block: the first dials and fetches.
ADA_SAYS = [
    handshake(b"A2-1-36-0-abcdefghij"),
    Interested().encode(),
    *(Request(piece, 0, BLOCK).encode() for piece in range(PIECES)),
]
BOB_SAYS = [
    handshake(),
    Bitfield(b"\xe0").encode(),
    Unchoke().encode(),
    *(block(piece) for piece in range(PIECES)),
]
SAID = [(0, ADA_SAYS[0]), *((1, one) for one in BOB_SAYS[:2]), (0, ADA_SAYS[1]), (1, BOB_SAYS[2])]
SAID += [one for pair in zip(ADA_SAYS[2:], BOB_SAYS[3:], strict=True) for one in enumerate(pair)]


class Dialogue:
    """Make the packets of one connection; the first side dials."""

    def __init__(
        self,
        ends: tuple[Endpoint, Endpoint] = (ADA, BOB),
        first: tuple[int, int] = (1000, 2**32 - 50),
    ) -> None:
        self._ends = ends
        self._first = first
        self._sent = [0, 0]
        self.frames: Frames = []

    def open(self) -> Dialogue:
        self._put(0, SYN, self._first[0], 0)
        self._put(1, SYN | ACK, self._first[1], self._first[0] + 1)
        return self

    def says(self, way: int, data: bytes, *, segment: int = 1400) -> Dialogue:
        for start in range(0, len(data), segment):
            part = data[start : start + segment]
            self.segment(way, self._sent[way], part)
            self._sent[way] += len(part)
        return self

    def segment(self, way: int, offset: int, data: bytes) -> Dialogue:
        """Send bytes at an offset of the stream, whatever was sent before."""
        self._put(way, PSH | ACK, self._first[way] + 1 + offset, self._acknowledged(way), data)
        return self

    def skips(self, way: int, length: int) -> Dialogue:
        """Send bytes that nobody captures."""
        self._sent[way] += length
        return self

    def close(self) -> Dialogue:
        for way in (0, 1):
            sequence = self._first[way] + 1 + self._sent[way]
            self._put(way, FIN | ACK, sequence, self._acknowledged(way))
        return self

    def _acknowledged(self, way: int) -> int:
        return self._first[1 - way] + 1 + self._sent[1 - way]

    def _put(
        self, way: int, flags: int, sequence: int, acknowledged: int, data: bytes = b""
    ) -> None:
        source, target = self._ends[way], self._ends[1 - way]
        packet = tcp_packet(source, target, sequence, acknowledged, flags, data)
        self.frames.append((BEGIN_NS + len(self.frames) * STEP_NS, packet))


def talk(ends: tuple[Endpoint, Endpoint] = (ADA, BOB), peer_id: bytes = b"") -> Frames:
    """Return a whole connection; `peer_id` is another one for the side that dials."""
    dialogue = Dialogue(ends).open()
    dialogue.says(0, handshake(peer_id) if peer_id else SAID[0][1])
    for way, data in SAID[1:]:
        dialogue.says(way, data)
    return dialogue.close().frames


def framed(frames: Frames, header: bytes) -> Frames:
    return [(time_ns, header + packet) for time_ns, packet in frames]


def pcap(
    frames: Iterable[tuple[int, bytes]],
    *,
    order: str = "<",
    is_ns: bool = True,
    link: int = 101,
    snaplen: int = 262_144,
) -> bytes:
    """Return a capture as tcpdump writes it."""
    magic, unit_ns = (0xA1B23C4D, 1) if is_ns else (0xA1B2C3D4, 1000)
    parts = [struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, snaplen, link)]
    for time_ns, packet in frames:
        seconds, rest = divmod(time_ns, 10**9)
        kept = packet[:snaplen]
        parts.append(struct.pack(f"{order}IIII", seconds, rest // unit_ns, len(kept), len(packet)))
        parts.append(kept)
    return b"".join(parts)


def ng_block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def ng_section(order: str) -> bytes:
    return ng_block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))


def ng_interface(order: str, link: int = 101, options: bytes = b"", snaplen: int = 0) -> bytes:
    return ng_block(order, 1, struct.pack(f"{order}HHI", link, 0, snaplen) + options)


def ng_packet(order: str, units: int, packet: bytes, interface: int = 0) -> bytes:
    sizes = (len(packet), len(packet))
    head = struct.pack(f"{order}IIIII", interface, units >> 32, units & 0xFFFFFFFF, *sizes)
    return ng_block(order, 6, head + packet)


def pcapng(frames: Iterable[tuple[int, bytes]], *, order: str = "<", link: int = 101) -> bytes:
    """Return a capture as dumpcap writes it, with times in nanoseconds."""
    resolution = struct.pack(f"{order}HHB3xHH", 9, 1, 9, 0, 0)
    blocks = [ng_section(order), ng_interface(order, link, resolution)]
    return b"".join([*blocks, *(ng_packet(order, time_ns, packet) for time_ns, packet in frames)])


def written(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path
