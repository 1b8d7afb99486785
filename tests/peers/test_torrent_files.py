"""Torrents that we make are the same to real clients, and theirs to us."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from actortorrent.creating import create_torrent
from actortorrent.errors import InvalidTorrentError
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.needs import need_command, need_module

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # libtorrent's old names
KIB = 1024
TRACKERS = ["http://127.0.0.1:1/announce", "udp://127.0.0.1:2"]


@pytest.fixture(params=["single", "multi"])
def content(content_maker: ContentMaker, request: pytest.FixtureRequest) -> Content:
    """Return a file, or a folder with names that are not ASCII and a file of no bytes."""
    if request.param == "single":
        return content_maker(100_001)
    return content_maker({"a b": 70_000, "empty": 0, "ß/漢.txt": 50_001, "z": 16 * KIB})


@pytest.fixture
def ours(content: Content, tmp_path: Path) -> Path:
    """Return a torrent that we made of it."""
    output = tmp_path / "ours.torrent"
    create_torrent(
        content.folder / content.name,
        output=output,
        trackers=TRACKERS,
        comment="é",
        is_private=True,
    )
    return output


def run(*command: object) -> str:
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


class TestOurs:
    def test_libtorrent_reads_the_same(self, ours: Path) -> None:
        libtorrent = need_module("libtorrent")
        torrent = Metainfo.from_file(ours)
        seen = libtorrent.torrent_info(str(ours))
        files = seen.files()
        assert str(seen.info_hash()) == torrent.info_hash_hex
        assert (seen.num_pieces(), seen.piece_length()) == (
            torrent.piece_count,
            torrent.piece_length,
        )
        assert [files.file_size(index) for index in range(files.num_files())] == [
            entry.length for entry in torrent.files
        ]
        assert seen.hash_for_piece(0) == torrent.piece_hash(0)

    def test_transmission_reads_the_same(self, ours: Path) -> None:
        shown = run(need_command("transmission-show"), ours)
        torrent = Metainfo.from_file(ours)
        assert f"Hash: {torrent.info_hash_hex}" in shown
        assert f"Piece Count: {torrent.piece_count}" in shown
        assert "Private torrent" in shown
        assert all(tracker in shown for tracker in TRACKERS)

    def test_aria2_reads_the_same(self, ours: Path) -> None:
        shown = run(need_command("aria2c"), "--no-conf", "-S", ours)
        torrent = Metainfo.from_file(ours)
        assert f"Info Hash: {torrent.info_hash_hex}" in shown
        assert f"The Number of Pieces: {torrent.piece_count}" in shown
        assert re.search(rf"Total Length: .*\({torrent.total_length:,}\)", shown)


class TestTheirs:
    @pytest.mark.parametrize("how", ["v1_only", "hybrid"])
    def test_we_read_what_libtorrent_makes(
        self, content: Content, tmp_path: Path, how: str
    ) -> None:
        libtorrent = need_module("libtorrent")
        theirs = make_with_libtorrent(libtorrent, content, tmp_path, how)
        seen = libtorrent.torrent_info(str(theirs))
        torrent = Metainfo.from_file(theirs)
        assert torrent.info_hash_hex == str(seen.info_hashes().v1)
        files = seen.files()
        assert [(entry.length, entry.is_padding) for entry in torrent.files] == [
            (files.file_size(index), bool(files.file_flags(index) & files.flag_pad_file))
            for index in range(files.num_files())
        ]
        assert torrent.tracker_tiers == tuple((tracker,) for tracker in TRACKERS)
        assert torrent.comment == "é"

    def test_we_refuse_what_libtorrent_makes_of_version_2_alone(
        self, content: Content, tmp_path: Path
    ) -> None:
        theirs = make_with_libtorrent(need_module("libtorrent"), content, tmp_path, "v2_only")
        with pytest.raises(InvalidTorrentError, match="version 2 only"):
            Metainfo.from_file(theirs)

    def test_we_read_what_transmission_makes(self, content: Content, tmp_path: Path) -> None:
        theirs = tmp_path / "theirs.torrent"
        command = need_command("transmission-create")
        run(command, "-o", theirs, "-s", 32, "-t", TRACKERS[0], content.folder / content.name)
        torrent = Metainfo.from_file(theirs)
        assert f"Hash: {torrent.info_hash_hex}" in run(need_command("transmission-show"), theirs)
        ours = create_torrent(content.folder / content.name, piece_length=32 * KIB)
        # Transmission has an order of its own, and leaves out files of no bytes.
        assert {(entry.path, entry.length) for entry in torrent.files} == {
            (entry.path, entry.length) for entry in ours.files if entry.length
        }


def make_with_libtorrent(libtorrent: Any, content: Content, folder: Path, how: str) -> Path:
    files = libtorrent.file_storage()
    libtorrent.add_files(files, str(content.folder / content.name))
    flags = 0 if how == "hybrid" else getattr(libtorrent.create_torrent, how)
    torrent = libtorrent.create_torrent(files, 32 * KIB, flags)
    for tier, tracker in enumerate(TRACKERS):
        torrent.add_tracker(tracker, tier)
    torrent.set_comment("é")
    libtorrent.set_piece_hashes(torrent, str(content.folder))
    theirs = folder / "theirs.torrent"
    theirs.write_bytes(libtorrent.bencode(torrent.generate()))
    return theirs
