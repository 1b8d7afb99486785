"""Packets into a pcap file: times in nanoseconds, each packet an IP packet and nothing below."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from actortorrent.captures.files import MAGIC_NS, MAX_PACKET_BYTES
from actortorrent.captures.links import LINK_RAW
from actortorrent.errors import UsageError

FILE_HEADER = struct.Struct("!IHHiIII")
RECORD = struct.Struct("!IIII")
MAX_FILE_BYTES = 64 * 1024**3  # a trace can lie about sums; no true one comes near
NS = 1_000_000_000
MAX_SECONDS = 2**32 - 1


class CaptureWriter:
    """Write packets to a file that is open.

    Attributes:
        packets, size_bytes: what was written so far, the file's header included.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._last_ns = 0
        self.packets = 0
        self.size_bytes = file.write(
            FILE_HEADER.pack(MAGIC_NS, 2, 4, 0, 0, MAX_PACKET_BYTES, LINK_RAW)
        )

    def write(self, time_ns: int, packet: bytes) -> None:
        """Write a packet; one that would be earlier than the last gets its time.

        Raises:
            UsageError: if the file would grow beyond `MAX_FILE_BYTES`.
        """
        self._last_ns = min(max(time_ns, self._last_ns), MAX_SECONDS * NS)
        record = RECORD.pack(*divmod(self._last_ns, NS), len(packet), len(packet))
        self.size_bytes += self._file.write(record + packet)
        self.packets += 1
        if self.size_bytes > MAX_FILE_BYTES:
            raise UsageError(f"the capture would be larger than {MAX_FILE_BYTES} bytes")


@contextmanager
def writing_capture(out: Path) -> Iterator[CaptureWriter]:
    """Write a capture, which stands at `out` when the block has ended well.

    Raises:
        UsageError: if `out` is there and is no capture of ours.
    """
    if out.exists() and not _is_ours(out):
        raise UsageError(f"{out} is there and is no export to pcap: it is not overwritten")
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            yield CaptureWriter(file)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in (struct.pack("!I", MAGIC_NS), b"")
