from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

import pytest

from actortorrent import creating
from actortorrent.actors.content_listing import list_content
from actortorrent.creating import create_torrent, names_that_change
from actortorrent.errors import ExitCode, StorageError, UsageError
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker

KIB = 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder `c` of five files, one of them empty and one hidden."""
    folder = tmp_path / "c"
    for name, length in {"b": 40_000, "a/z": 3, "a.txt": 20_000, ".hidden": 1, "empty": 0}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * length)
    return folder


class TestContent:
    def test_it_is_what_an_independent_maker_makes(self, content_maker: ContentMaker) -> None:
        made = content_maker({"a": 100_000, "b": 0, "c/d": 200_000}, piece_length=32 * KIB)
        torrent = create_torrent(made.folder / made.name, piece_length=32 * KIB)
        assert torrent.info_hash == made.info_hash

    def test_a_single_file_is_too(self, content_maker: ContentMaker) -> None:
        made = content_maker(100_001, piece_length=32 * KIB)
        torrent = create_torrent(made.folder / made.name, piece_length=32 * KIB)
        assert torrent.is_single_file
        assert torrent.info_hash == made.info_hash

    def test_all_files_are_taken_in_the_order_of_their_names(self, folder: Path) -> None:
        torrent = create_torrent(folder)
        assert torrent.name == "c"
        paths = [entry.path for entry in torrent.files]
        assert paths == [(".hidden",), ("a", "z"), ("a.txt",), ("b",), ("empty",)]

    def test_the_same_content_makes_the_same_bytes(self, folder: Path, tmp_path: Path) -> None:
        first, second = tmp_path / "1", tmp_path / "2"
        for output in (first, second):
            create_torrent(folder, output=output, comment="c")
        assert first.read_bytes() == second.read_bytes()

    def test_pieces_hold_what_the_files_hold(self, folder: Path) -> None:
        torrent = create_torrent(folder, piece_length=16 * KIB)
        whole = b"".join(folder.joinpath(*entry.path).read_bytes() for entry in torrent.files)
        assert torrent.piece_hash(1) == hashlib.sha1(whole[16 * KIB : 32 * KIB]).digest()

    def test_a_path_with_dots_has_the_name_of_the_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        assert create_torrent(".").name == "c"

    def test_the_content_itself_may_be_given_by_a_link(self, folder: Path, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(folder)
        assert create_torrent(link).info_hash == create_torrent(folder).info_hash

    def test_many_small_files_are_no_matter(self, tmp_path: Path) -> None:
        for number in range(2000):
            (tmp_path / f"{number}").write_bytes(b"x")
        assert len(create_torrent(tmp_path).files) == 2000


class TestWhatIsSaidBesides:
    def test_everything_given_is_in_it(self, folder: Path) -> None:
        torrent = create_torrent(
            folder,
            trackers=["http://a/announce", ["udp://b:1", "https://c/x"]],
            web_seeds=["http://w/"],
            is_private=True,
            comment="é",
            creation_date=5,
        )
        assert torrent.tracker_tiers == (("http://a/announce",), ("udp://b:1", "https://c/x"))
        assert torrent.web_seeds == ("http://w/",)
        assert torrent.is_private
        assert (torrent.comment, torrent.creation_date) == ("é", 5)
        assert torrent.created_by == "actortorrent"

    def test_nothing_else_is_in_it(self, folder: Path) -> None:
        torrent = create_torrent(folder)
        assert (torrent.tracker_tiers, torrent.web_seeds, torrent.comment) == ((), (), "")
        assert (torrent.is_private, torrent.creation_date) == (False, None)

    @pytest.mark.parametrize(
        "url", ["nonsense", "wss://a/", "http://", "http://a b/", "", "udp://a"]
    )
    def test_a_tracker_that_cannot_be_asked_is_refused(self, folder: Path, url: str) -> None:
        with pytest.raises(UsageError, match="tracker"):
            create_torrent(folder, trackers=[url])

    @pytest.mark.parametrize("url", ["ftp://a/", "a", "http://a b"])
    def test_a_web_seed_is_an_http_url(self, folder: Path, url: str) -> None:
        with pytest.raises(UsageError, match="web seed"):
            create_torrent(folder, web_seeds=[url])

    @pytest.mark.parametrize("length", [0, -1, 8 * KIB, 20_000, 128 * KIB * KIB])
    def test_a_piece_length_is_a_power_of_two(self, folder: Path, length: int) -> None:
        with pytest.raises(UsageError, match="expected a piece length that is a power of two"):
            create_torrent(folder, piece_length=length)

    def test_too_many_pieces_are_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(creating, "MAX_PIECES", 3)
        with pytest.raises(UsageError, match="at most 3 pieces, found 9"):
            create_torrent(folder, piece_length=16 * KIB)


class TestRefusals:
    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(
            StorageError, match=r"cannot read .*missing: it is not there"
        ) as refused:
            create_torrent(tmp_path / "missing")
        assert refused.value.exit_code is ExitCode.DISK

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        with pytest.raises(UsageError, match="expected a folder with at least one file"):
            create_torrent(tmp_path)

    def test_empty_files_alone(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        for path in (tmp_path, tmp_path / "empty"):
            with pytest.raises(UsageError, match="found only empty files"):
                create_torrent(path)

    def test_a_link_among_the_files(self, folder: Path) -> None:
        (folder / "a" / "link").symlink_to("z")
        with pytest.raises(UsageError, match=r"found a symbolic link: .*/a/link"):
            create_torrent(folder)

    def test_a_folder_that_is_a_link(self, folder: Path) -> None:
        (folder / "a" / "loop").symlink_to(folder)
        with pytest.raises(UsageError, match="found a symbolic link"):
            create_torrent(folder)

    def test_what_is_neither_file_nor_folder(self, folder: Path) -> None:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(folder / "socket"))
            with pytest.raises(UsageError, match="files and folders alone, found something else"):
                create_torrent(folder)

    def test_a_name_that_is_no_utf_8(self, folder: Path) -> None:
        (folder / os.fsdecode(b"caf\xe9")).touch()
        with pytest.raises(UsageError, match=r"expected a name in UTF-8, found .*caf\\xe9"):
            create_torrent(folder)

    def test_a_root_without_a_name(self) -> None:
        with pytest.raises(UsageError, match="with a name"):
            create_torrent("/")

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read(self, folder: Path) -> None:
        (folder / "b").chmod(0)
        with pytest.raises(StorageError, match=r"cannot read .*/b: permission denied"):
            create_torrent(folder)

    def test_a_file_that_may_not_be_read_is_found_before_anything_is_hashed(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "access", lambda path, _mode: Path(path).name != "b")
        with pytest.raises(StorageError, match=r"cannot read .*/b: permission denied"):
            list_content(folder)

    @pytest.mark.parametrize("change", ["remove", "cut", "rewrite"])
    def test_content_that_changes_meanwhile(self, folder: Path, change: str) -> None:
        def interfere(_done: int, _total: int) -> None:
            if change == "remove":
                (folder / "b").unlink(missing_ok=True)
            elif change == "cut":
                os.truncate(folder / "b", 5)
            else:
                os.utime(folder / "b", ns=(0, 0))

        with pytest.raises(StorageError, match="/b changed while it was being read"):
            create_torrent(folder, on_progress=interfere)


class TestOutput:
    def test_it_is_what_is_returned(self, folder: Path, tmp_path: Path) -> None:
        output = tmp_path / "x.torrent"
        assert create_torrent(folder, output=output) == Metainfo.from_file(output)

    def test_without_one_nothing_is_written(self, folder: Path, tmp_path: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        create_torrent(folder)
        assert sorted(tmp_path.rglob("*")) == before

    def test_what_exists_is_kept(self, folder: Path, tmp_path: Path) -> None:
        output = tmp_path / "x.torrent"
        output.write_text("mine")
        with pytest.raises(UsageError, match=r"x.torrent exists already"):
            create_torrent(folder, output=output)
        assert output.read_text() == "mine"

    def test_what_comes_into_being_meanwhile_is_kept_too(
        self, folder: Path, tmp_path: Path
    ) -> None:
        output = tmp_path / "x.torrent"
        with pytest.raises(UsageError, match=r"x.torrent exists already"):
            create_torrent(folder, output=output, on_progress=lambda _done, _total: output.touch())
        assert output.read_bytes() == b""

    def test_what_exists_is_replaced_when_asked(self, folder: Path, tmp_path: Path) -> None:
        output = tmp_path / "x.torrent"
        output.write_text("old")
        torrent = create_torrent(folder, output=output, overwrite=True)
        assert Metainfo.from_file(output) == torrent
        assert [path.name for path in tmp_path.glob("x.*")] == ["x.torrent"]

    def test_it_is_no_part_of_the_content(self, folder: Path) -> None:
        output = folder / "c.torrent"
        create_torrent(folder, output=output)  # it is not there yet
        with pytest.raises(UsageError, match="both the torrent and part of its content"):
            create_torrent(folder, output=output, overwrite=True)

    def test_a_folder_that_is_not_there_is_noticed_before_anything_is_hashed(
        self, folder: Path, tmp_path: Path
    ) -> None:
        hashed: list[int] = []
        with pytest.raises(StorageError, match=r"cannot write into .*missing: it is not there"):
            create_torrent(
                folder,
                output=tmp_path / "missing" / "x",
                on_progress=lambda done, _total: hashed.append(done),
            )
        assert hashed == []

    def test_an_interruption_leaves_nothing(self, folder: Path, tmp_path: Path) -> None:
        def interrupt(_done: int, _total: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            create_torrent(folder, output=tmp_path / "x.torrent", on_progress=interrupt)
        assert list(tmp_path.glob("x.*")) == []


def test_progress_ends_at_the_whole(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    torrent = create_torrent(folder, on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (torrent.total_length, torrent.total_length)


def test_names_that_others_will_not_have_are_told(folder: Path) -> None:
    assert names_that_change(create_torrent(folder)) == []
    (folder / "aux.c").write_text("x")
    assert names_that_change(create_torrent(folder)) == [("c/aux.c", "c/_aux.c")]
