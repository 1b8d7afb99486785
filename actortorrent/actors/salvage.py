"""What a session that was killed had written of pieces that it did not finish.

No record says it: what was written last, it does not know of. But a page that was never
written reads as zeros, or lies behind the end of its file; so a block without such a page
counts as stored. Should that be wrong, its piece fails its hash, and is fetched again.
"""

from __future__ import annotations

from collections.abc import Iterator

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.content_reader import ContentReader
from actortorrent.errors import StorageError
from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.geometry import BLOCK_BYTES

PAGE_BYTES = 4096
MOST_PIECES = 64  # if more are wrong, it is other content
MOST_BYTES = 256 * 1024 * 1024  # that are looked at
_ZEROS = bytes(PAGE_BYTES)


def find_stored_blocks(layout: ContentLayout, pieces: int) -> Iterator[tuple[int, int]]:
    """Yield (piece index, mask of its stored blocks) of those of some wrong pieces that lack some.

    `pieces` is a mask: bit i is piece i.
    """
    count = pieces.bit_count()
    if count > MOST_PIECES or count * layout.geometry.piece_length > MOST_BYTES:
        return
    with ContentReader(layout) as reader:
        for piece_index in indexes_of(pieces):
            blocks = _stored_blocks(reader, layout, piece_index)
            if blocks not in (0, layout.geometry.all_blocks(piece_index)):
                yield piece_index, blocks


def _stored_blocks(reader: ContentReader, layout: ContentLayout, piece_index: int) -> int:
    buffer = memoryview(bytearray(BLOCK_BYTES))
    mask = 0
    for offset, length in layout.geometry.whole_piece(piece_index).blocks():
        block = buffer[:length]
        if _is_there(reader, piece_index, offset, block):
            mask |= 1 << offset // BLOCK_BYTES
    return mask


def _is_there(reader: ContentReader, piece_index: int, offset: int, block: memoryview) -> bool:
    try:
        reader.read_into(piece_index, offset, block)
    except StorageError:
        return False
    pages = (block[start : start + PAGE_BYTES] for start in range(0, len(block), PAGE_BYTES))
    return all(page != _ZEROS[: len(page)] for page in pages)
