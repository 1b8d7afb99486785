"""What chapter 2 says of torrent files is true in a new run."""

from __future__ import annotations

from pathlib import Path

from actortorrent import Metainfo
from tests.learn.chapters import TRACES
from tests.learn.claims import wire


def test_the_same_content_makes_the_same_torrent_file(fresh: Path) -> None:
    made = (fresh / "numbers.torrent").read_bytes()
    assert made == (TRACES / "numbers.torrent").read_bytes()
    assert len(made) == 210


def test_the_info_hash_is_the_same_though_the_tracker_is_another(fresh: Path) -> None:
    new, kept = (Metainfo.from_file(folder / "first/gallery.torrent") for folder in (fresh, TRACES))
    assert new.info_hash == kept.info_hash
    assert new.piece_count == 8
    assert len(new.files) == 7


def test_a_piece_is_asked_for_in_blocks_and_verified_when_it_is_whole(fresh: Path) -> None:
    said = wire(fresh / "first/leech-1.trace", "Peer-1")
    for direction, kind in (("sent", "request"), ("received", "piece")):
        offsets = [
            data["fields"]["block_offset"]
            for way, name, data in said
            if (way, name) == (direction, kind) and data["fields"]["piece_index"] == 6
        ]
        assert offsets == [0, 16 * 1024]
