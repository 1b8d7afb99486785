"""The bytes of one stream that have come and are not yet understood, in one reused buffer.

A socket writes straight into it and messages are read in place, so a block is copied
by nobody on its way to the piece it belongs to. It starts small, since most
connections are quiet; it grows while reads fill it, and shrinks when they no longer do.
"""

from __future__ import annotations

START_BYTES = 16 * 1024
LIMIT_BYTES = 512 * 1024  # large reads make blocks cheap, and threads take turns less often
SMALL_READS_BEFORE_SHRINKING = 64


class ReceiveBuffer:
    """Keep what came and was not yet taken: the bytes from `start` to `end` of `data`.

    Whoever reads advances `start`; nothing behind `end` means anything. Views of
    `view` hold until the next call of `space`.

    Args:
        limit_bytes: how far reads alone make it grow; a single longer message still
            gets the room it `needs`.
    """

    __slots__ = (
        "_limit_bytes",
        "_offered_bytes",
        "_small_reads",
        "_wanted_bytes",
        "data",
        "end",
        "start",
        "stream_offset",
        "view",
    )

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._wanted_bytes = START_BYTES
        self._offered_bytes = 0
        self._small_reads = 0
        self.data = bytearray()  # until something is to be read: many connections stay mute
        self.view = memoryview(self.data)
        self.start = 0
        self.end = 0
        self.stream_offset = 0  # of the first byte of `data`, counted from the handshake's first

    def space(self) -> memoryview:
        """Return where the next bytes go, never empty; ends the life of all earlier views."""
        self._move_to_front()
        free = self.view[self.end :]
        self._offered_bytes = len(free)
        return free

    def filled(self, byte_count: int) -> None:
        """Note that so many bytes were written into the space last offered."""
        self.end += byte_count
        size = len(self.data)
        if byte_count == self._offered_bytes:
            self._wanted_bytes = max(size, min(2 * size, self._limit_bytes))
            self._small_reads = 0
        elif byte_count >= size // 4:
            self._small_reads = 0
        else:
            self._note_small_read(size)

    def needs(self, byte_count: int) -> None:
        """Note that what begins at `start` is so long, and must fit as a whole."""
        if byte_count > self._wanted_bytes:
            self._wanted_bytes = 1 << (byte_count - 1).bit_length()

    def _note_small_read(self, size: int) -> None:
        self._small_reads += 1
        if self._small_reads >= SMALL_READS_BEFORE_SHRINKING:
            self._small_reads = 0
            self._wanted_bytes = max(START_BYTES, size // 2)

    def _move_to_front(self) -> None:
        rest = self.end - self.start
        if self._wanted_bytes != len(self.data) and rest < self._wanted_bytes:
            self._resize(rest)
        elif self.start:
            self.view[:rest] = self.view[self.start : self.end]
        self.stream_offset += self.start
        self.start = 0
        self.end = rest

    def _resize(self, rest: int) -> None:
        data = bytearray(self._wanted_bytes)
        data[:rest] = self.view[self.start : self.end]
        self.data = data
        self.view = memoryview(data)
