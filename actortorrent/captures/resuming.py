"""Where messages go on behind a hole in a stream: a guess that needs two of them in a row."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto

from actortorrent.wire.messages import BLOCK_OVERHEAD, LENGTH_BYTES, MAX_BLOCK_BYTES, Kind

ENOUGH = 2  # messages in a row that make sense
MAX_INDEX = 1 << 24
MAX_KEEP_ALIVES = 4  # in a row; content is full of zeros
MAX_EXTENDED_BYTES = 1 << 20
# What a message of each kind says that its length is.
_LENGTHS: dict[int, int] = {
    Kind.CHOKE: 1,
    Kind.UNCHOKE: 1,
    Kind.INTERESTED: 1,
    Kind.NOT_INTERESTED: 1,
    Kind.HAVE: 5,
    Kind.REQUEST: 13,
    Kind.CANCEL: 13,
    Kind.PORT: 3,
    Kind.SUGGEST: 5,
    Kind.REJECT: 13,
    Kind.ALLOWED_FAST: 5,
}
_NAMING_PIECES = frozenset([Kind.HAVE, Kind.REQUEST, Kind.CANCEL, Kind.PIECE])
_NAMING_PIECES |= {Kind.SUGGEST, Kind.REJECT, Kind.ALLOWED_FAST}


class _Verdict(Enum):
    YES = auto()
    NO = auto()
    MORE = auto()  # bytes are needed to tell


def find_message(
    buffer: bytearray, begin: int, starts: Iterable[int]
) -> tuple[list[int], int | None]:
    """Return those of `starts` where messages may begin yet, and one where they do.

    `begin` is the offset in the stream of the buffer's first byte; so are the starts.
    """
    open_starts: list[int] = []
    for start in starts:
        verdict = _judge(buffer, start - begin)
        if verdict is _Verdict.YES:
            return [], start
        if verdict is _Verdict.MORE:
            open_starts.append(start)
    return open_starts, None


def _judge(buffer: bytearray, position: int) -> _Verdict:
    good = keep_alives = 0
    while good < ENOUGH:
        head = bytes(buffer[position : position + 13])
        if len(head) < LENGTH_BYTES + 1:
            return _Verdict.MORE
        length = int.from_bytes(head[:LENGTH_BYTES])
        keep_alives = 0 if length else keep_alives + 1
        is_zeros = keep_alives > (MAX_KEEP_ALIVES if good else 0)
        if is_zeros or (length and not _makes_sense(length, head)):
            return _Verdict.NO
        good += length > 0
        position += LENGTH_BYTES + length
    return _Verdict.YES


def _makes_sense(length: int, head: bytes) -> bool:
    kind = head[LENGTH_BYTES]
    if kind in _NAMING_PIECES and int.from_bytes(head[5:9]) >= MAX_INDEX:
        return False
    if kind == Kind.PIECE:
        return BLOCK_OVERHEAD < length <= BLOCK_OVERHEAD + MAX_BLOCK_BYTES
    if kind == Kind.EXTENDED:
        return 2 <= length <= MAX_EXTENDED_BYTES
    return _LENGTHS.get(kind) == length
