"""Compare what lies on a disk with the content that ought to be there, byte by byte.

What is right is said by the content as the tests made it, never by a run of ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from actortorrent.actors.content_layout import OUR_FOLDER, ContentLayout
from actortorrent.actors.content_location import expected_paths, lay_out_content
from actortorrent.actors.content_reader import ContentReader
from actortorrent.errors import StorageError
from actortorrent.rules.bitfield import indexes_of
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.resume_record import decode_record
from tests.content import Content

Selected = frozenset[int] | None


def wrongly_claimed_bytes(content: Content, folder: Path, selected: Selected = None) -> int:
    """Return the bytes of the pieces that the resume record claims and the disk lacks.

    Args:
        selected: indexes of the files that were to be fetched; None: all.

    Raises:
        StorageError: if the record is torn, which `kill -9` must not do to it.
    """
    metainfo = Metainfo.from_file(content.torrent)
    layout = lay_out_content(metainfo, folder, expected_paths(metainfo), selected)
    return content.length_of(wrong_pieces(layout, metainfo, saved_pieces(content, folder)))


def saved_pieces(content: Content, folder: Path) -> set[int]:
    """Return the pieces that the resume record claims.

    Raises:
        StorageError: if the record is torn.
    """
    record = folder / OUR_FOLDER / f"{content.info_hash.hex()}.resume"
    if not record.exists():
        return set()
    return set(indexes_of(decode_record(record.read_bytes()).verified))


def wrong_pieces(layout: ContentLayout, metainfo: Metainfo, pieces: Iterable[int]) -> list[int]:
    """Return those of the pieces that are not on the disk, or not right."""
    with ContentReader(layout) as reader:
        return [
            index
            for index in pieces
            if _digest(reader, index, layout.geometry.piece_size(index))
            != metainfo.piece_hash(index)
        ]


def _digest(reader: ContentReader, piece_index: int, size: int) -> bytes:
    try:
        return hashlib.sha1(reader.read(piece_index, 0, size)).digest()
    except StorageError:
        return b"not there"


def wrong_bytes(content: Content, folder: Path) -> int:
    """Return how many bytes of the content are not in `folder` as they ought to be."""
    return sum(
        _difference((content.folder / path).read_bytes(), folder / path)
        for path, _ in content.files
    )


def _difference(right: bytes, path: Path) -> int:
    found = path.read_bytes() if path.exists() else b""
    if found == right:
        return 0
    shorter = min(len(found), len(right))
    return max(len(found), len(right)) - sum(found[i] == right[i] for i in range(shorter))
