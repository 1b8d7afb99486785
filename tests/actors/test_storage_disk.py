from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.actors import folder as folder_module
from actortorrent.actors.content_location import locate_content
from actortorrent.errors import StorageError
from actortorrent.wire.metainfo import Metainfo
from tests.actors.storage_fakes import StorageUnderTest
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.needs import need_root

NOBODY = 65_534
SIZES = {"a.bin": 3_000_000, "sub/b.bin": 200_000}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


@pytest.fixture(params=[True, False], ids=["openat", "real paths"])
def both_ways_to_open(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test as on Linux, and as where no file can be opened relative to a folder."""
    monkeypatch.setattr(folder_module, "HAS_DIR_FD", request.param)


@pytest.fixture
def mount_point(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 2 MiB."""
    need_root("mounting a small tmpfs")
    path = tmp_path / "mounted"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", path], check=True)
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def failure_of(storage: StorageUnderTest) -> StorageError:
    error = storage.failure()
    storage.stop()
    assert isinstance(error, StorageError)
    return error


def failure_at_start(content: Content, output: Path) -> StorageError:
    storage = StorageUnderTest(content, output)
    storage.proxy.check_content.defer()
    return failure_of(storage)


def test_a_full_disk_ends_it_with_all_that_was_verified_kept(
    content: Content, mount_point: Path
) -> None:
    storage = StorageUnderTest(content, mount_point)
    storage.check()
    storage.store_pieces(range(content.piece_count))
    error = failure_of(storage)
    verified = storage.verified()
    assert 20 < len(verified) < content.piece_count
    lacking = content.total_length - 65_536 * len(verified)
    assert f"no space is left on the device ({lacking:,} bytes are still to be written)" in str(
        error
    )
    assert error.hint.startswith("free some space")
    assert len(storage.manager.all("runs_stored")) == content.piece_count
    assert len(storage.reporter.all("disk_failed")) == 1
    again = StorageUnderTest(content, mount_point)
    assert again.check() == sum(1 << i for i in verified)
    again.stop()


def test_a_read_only_disk_is_told_at_once(content: Content, mount_point: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", mount_point], check=True)
    storage = StorageUnderTest(content, mount_point)
    storage.check()
    storage.store_pieces([0])
    assert "the file system is read-only" in str(failure_of(storage))


def test_content_on_a_read_only_disk_is_served_without_a_record(
    content_maker: ContentMaker, mount_point: Path
) -> None:
    content = content_maker(1_000_000)
    shutil.copy(content.folder / "content", mount_point)
    subprocess.run(["mount", "-o", "remount,ro", mount_point], check=True)
    location = locate_content(Metainfo.from_file(content.torrent), mount_point)
    for _ in range(2):
        storage = StorageUnderTest(content, mount_point, location=location)
        assert storage.check() == (1 << content.piece_count) - 1
        storage.stop()
        assert storage.reporter.all("disk_failed") == []


def test_a_limit_on_the_size_of_files_is_told(content: Content, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.proxy.save().get()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        storage.store_pieces([0, 1, 40])
        assert "larger than the system allows" in str(failure_of(storage))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert storage.verified() == [0, 1]


def test_an_output_folder_without_permission_is_told(content: Content, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    storage = StorageUnderTest(content, tmp_path / "output")
    user = os.geteuid()
    if user == 0:  # who may do anything: be somebody else for a while
        os.seteuid(NOBODY)
    try:
        storage.proxy.check_content.defer()
        assert "permission denied" in str(storage.failure())
    finally:
        os.seteuid(user)
        storage.stop()


def test_a_file_in_place_of_the_output_folder_is_told(content: Content, tmp_path: Path) -> None:
    (tmp_path / "output").write_text("mine")
    error = failure_at_start(content, tmp_path / "output")
    assert "expected a folder, found a file" in str(error)
    assert "--output" in error.hint


def test_a_file_in_place_of_a_folder_is_told(content: Content, tmp_path: Path) -> None:
    (tmp_path / "content").write_text("mine")
    error = failure_at_start(content, tmp_path)
    assert "content/a.bin" in str(error)
    assert "in place of a folder" in str(error)


def test_a_folder_in_place_of_a_file_is_told(content: Content, tmp_path: Path) -> None:
    (tmp_path / "content" / "a.bin").mkdir(parents=True)
    assert "content/a.bin: it is not a regular file" in str(failure_at_start(content, tmp_path))


@pytest.mark.usefixtures("both_ways_to_open")
def test_a_link_in_place_of_a_folder_is_never_followed(content: Content, tmp_path: Path) -> None:
    outside, output = tmp_path / "outside", tmp_path / "output"
    outside.mkdir()
    (output / "content").mkdir(parents=True)
    (output / "content" / "sub").symlink_to(outside)
    error = failure_at_start(content, output)
    assert "content/sub/b.bin" in str(error)
    assert "symbolic link" in str(error)
    assert list(outside.iterdir()) == []


@pytest.mark.usefixtures("both_ways_to_open")
def test_a_link_in_place_of_a_file_is_never_followed(content: Content, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "content").mkdir()
    (tmp_path / "content" / "a.bin").symlink_to(outside)
    assert "a.bin: it is a symbolic link" in str(failure_at_start(content, tmp_path))
    assert outside.read_text() == "mine"


@pytest.mark.usefixtures("both_ways_to_open")
def test_a_link_that_comes_while_it_runs_is_not_followed(content: Content, tmp_path: Path) -> None:
    outside, output = tmp_path / "outside", tmp_path / "output"
    outside.mkdir()
    storage = StorageUnderTest(content, output)
    storage.check()
    (output / "content").symlink_to(outside)
    storage.store_pieces([0])
    assert "symbolic link" in str(failure_of(storage))
    assert list(outside.iterdir()) == []


@pytest.mark.usefixtures("both_ways_to_open")
def test_the_folder_of_records_is_no_way_out_either(content: Content, tmp_path: Path) -> None:
    outside, output = tmp_path / "outside", tmp_path / "output"
    outside.mkdir()
    output.mkdir()
    (output / ".actortorrent").symlink_to(outside)
    storage = StorageUnderTest(content, output)
    storage.proxy.check_content.defer()
    storage.stop()
    assert list(outside.iterdir()) == []


@pytest.mark.usefixtures("both_ways_to_open")
def test_the_output_folder_itself_may_be_a_link(content: Content, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    storage = StorageUnderTest(content, tmp_path / "link")
    storage.check()
    storage.store_pieces(range(content.piece_count))
    storage.stop()
    content.assert_same_in(tmp_path / "real")


@pytest.mark.usefixtures("both_ways_to_open")
def test_a_pipe_in_place_of_a_file_does_not_hang(content: Content, tmp_path: Path) -> None:
    (tmp_path / "content").mkdir()
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    os.mkfifo(tmp_path / "content" / "a.bin")
    storage.store_pieces([0])
    assert "a.bin: it is not a regular file" in str(failure_of(storage))
    assert "a.bin: it is not a regular file" in str(failure_at_start(content, tmp_path))


def test_a_file_that_vanishes_while_it_is_written_is_noticed(
    content: Content, tmp_path: Path
) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces([0, 1])
    (tmp_path / "content" / "a.bin").unlink()
    storage.proxy.save.defer()
    assert "a.bin was removed while it was being written" in str(failure_of(storage))


def test_an_output_folder_that_vanishes_is_noticed(content: Content, tmp_path: Path) -> None:
    output = tmp_path / "output"
    storage = StorageUnderTest(content, output)
    storage.check()
    shutil.rmtree(output)
    storage.store_pieces([0])
    assert "it is not there" in str(failure_of(storage))


def test_after_a_failure_nobody_waits_for_an_answer(content: Content, tmp_path: Path) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    shutil.rmtree(tmp_path)
    storage.store_pieces(range(4))
    answers = [one for _, runs, _ in storage.manager.all("runs_stored") for one in runs]
    assert [one.was_useful for one in answers] == [False] * 4
    storage.stop()


def test_content_that_vanishes_while_it_is_fetched_ends_it(
    content: Content, tmp_path: Path
) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces([0])
    storage.proxy.piece_unreadable.defer(0, "cannot read a.bin: it is not there")
    assert str(failure_of(storage)) == "cannot read a.bin: it is not there"


def test_content_that_vanishes_while_it_is_served_is_served_no_more(content: Content) -> None:
    location = locate_content(Metainfo.from_file(content.torrent), content.folder)
    storage = StorageUnderTest(content, content.folder, location=location)
    storage.check()
    for _ in range(2):
        storage.proxy.piece_unreadable.defer(3, "cannot read a.bin: it is not there")
    storage.settle()
    storage.stop()
    assert storage.manager.all("piece_lost") == [(3,)]
    assert storage.reporter.all("notice") == [
        ("no longer serving piece 3: cannot read a.bin: it is not there",)
    ]
    assert storage.reporter.all("disk_failed") == []
