"""Deal the bytes of a fuzzer out: some choose what happens, the rest is what strangers say."""

from __future__ import annotations

from collections.abc import Iterator


class Dealer:
    """Hand out bytes from the front; where there are no more, zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def byte(self) -> int:
        """Return the next byte as a number."""
        return int.from_bytes(self.take(1))

    def bits(self) -> Iterator[bool]:
        """Return eight answers out of one byte, the lowest bit first."""
        byte = self.byte()
        return (bool(byte >> bit & 1) for bit in range(8))

    def take(self, count: int) -> bytes:
        """Return so many bytes, fewer at the end."""
        taken = self._data[self._position : self._position + count]
        self._position += len(taken)
        return taken

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data))

    def letters(self) -> Iterator[bytes]:
        """Yield what is left as strings, each behind its length in one byte."""
        while self._position < len(self._data):
            yield self.take(self.byte())


def as_letters(*texts: bytes) -> bytes:
    """Write what `Dealer.letters` reads; none may have more than 255 bytes."""
    return b"".join(bytes((len(text),)) + text for text in texts)


def cut_up(data: bytes, size: int) -> Iterator[bytes]:
    """Yield the bytes in parts of `size`; 0 is all at once."""
    step = size or max(1, len(data))
    return (data[start : start + step] for start in range(0, len(data), step))
