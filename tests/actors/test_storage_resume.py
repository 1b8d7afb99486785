from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import bencodepy
import pytest
from msgspec.structs import replace

from actortorrent.actors import holes, record_keeper, resume
from actortorrent.actors.content_location import locate_content
from actortorrent.rules.leases import StoredRun
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.resume_record import decode_record, encode_record
from tests.actors.handmade_torrents import handmade
from tests.actors.storage_fakes import StorageUnderTest
from tests.conftest import ContentMaker
from tests.content import Content

SIZES = {"a.bin": 300_000, "sub/b.bin": 200_001, "empty": 0, "c.bin": 70_000}  # 9 pieces
FIRST_FILE = Path("content") / "a.bin"  # pieces 0 to 4; the last is shared with sub/b.bin
EVERYTHING = (1 << 9) - 1


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


def fetch_pieces(content: Content, output: Path, pieces: list[int]) -> None:
    """Fetch some pieces and stop in order."""
    storage = StorageUnderTest(content, output)
    storage.check()
    storage.store_pieces(pieces)
    storage.stop()


def check_again(content: Content, output: Path) -> tuple[list[int], int]:
    """Return the pieces that a new session finds, and how many of them it had to read."""
    storage = StorageUnderTest(content, output)
    verified = storage.check()
    storage.stop()
    read = storage.actor._plan.to_check.bit_count()
    return [i for i in range(content.piece_count) if verified >> i & 1], read


def flip_byte(path: Path, offset: int, *, keeps_time: bool = False) -> None:
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 1]))
    if keeps_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    else:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))


def test_after_a_stop_in_order_nothing_is_read_again(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, [0, 3, 4, 8])
    assert check_again(content, tmp_path) == ([0, 3, 4, 8], 0)


def test_complete_content_is_recognised_without_a_look(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, list(range(9)))
    assert check_again(content, tmp_path) == (list(range(9)), 0)


def test_content_without_a_record_is_checked(content: Content) -> None:
    assert check_again(content, content.folder) == (list(range(9)), 9)


def test_after_a_kill_all_that_was_written_is_found(content: Content, tmp_path: Path) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces([1, 2])
    storage.proxy.save().get()
    storage.store_pieces([5, 0])
    storage.kill()
    assert check_again(content, tmp_path)[0] == [0, 1, 2, 5]


def test_a_piece_written_in_the_same_tick_as_the_record_is_found(
    content: Content, tmp_path: Path
) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces([3])
    storage.proxy.save().get()
    path = tmp_path / FIRST_FILE
    recorded = path.stat().st_mtime_ns
    storage.store_pieces([2])
    storage.kill()
    os.utime(path, ns=(recorded, recorded))
    assert check_again(content, tmp_path) == ([2, 3], 1)


def test_a_piece_that_was_finished_in_the_same_tick_is_not_kept_as_unfinished(
    content: Content, tmp_path: Path
) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    first, second, *_ = storage.runs(1, 2)
    storage.store(second)  # so that the file grows no more
    storage.proxy.save().get()
    path = tmp_path / FIRST_FILE
    recorded = path.stat().st_mtime_ns
    storage.store(first)
    storage.kill()
    os.utime(path, ns=(recorded, recorded))
    again = StorageUnderTest(content, tmp_path)
    assert again.check() == 0b10
    again.stop()
    assert again.manager.all("runs_stored") == []
    assert again.actor._store.partial.stored_blocks() == ()


def test_killed_at_any_moment_it_claims_nothing_that_is_not_there(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(24 * 1024 * 1024)
    script = tmp_path / "fetch_all.py"
    script.write_text(FETCH_ALL)
    rng = random.Random(5)
    command = [sys.executable, str(script), str(content.folder), str(tmp_path / "output")]
    for _ in range(3):
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(Path.cwd())}
        ) as process:
            assert process.stdout is not None
            told = [int(process.stdout.readline()) for _ in range(rng.randrange(5, 60))]
            process.send_signal(signal.SIGKILL)
            told += [int(line) for line in process.stdout.read().splitlines()]
        found, _ = check_again(content, tmp_path / "output")
        assert set(told) <= set(found)
        shutil.rmtree(tmp_path / "output" / ".actortorrent")
        assert check_again(content, tmp_path / "output") == (found, len(found))


FETCH_ALL = """
import random, sys
from pathlib import Path
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content

folder, output = map(Path, sys.argv[1:])
length = (folder / "content").stat().st_size
content = Content(folder, folder / "content.torrent", "content", ((Path("content"), length),), 65536, b"")
storage = StorageUnderTest(content, output)
verified = storage.check()
missing = [i for i in range(content.piece_count) if not verified >> i & 1]
random.shuffle(missing)
for index in missing:
    storage.store_pieces([index])
    print(index, flush=True)
    if random.random() < 0.2:
        storage.proxy.save().get()
storage.stop()
"""


def test_blocks_of_unfinished_pieces_are_kept(content: Content, tmp_path: Path) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    runs = storage.runs(1, 1)
    storage.store(runs[0], runs[2])
    storage.stop()
    again = StorageUnderTest(content, tmp_path)
    again.check()
    assert again.manager.wait_for("runs_stored") == (
        0,
        (StoredRun(0, runs[0], None, True), StoredRun(0, runs[2], None, True)),
        (),
    )
    again.store(runs[1], runs[3], conn=6)
    assert again.verified() == [1]
    again.stop()


def test_a_peer_is_not_blamed_for_blocks_of_an_earlier_session(
    content: Content, tmp_path: Path
) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    first, second = storage.runs(1, 2)
    storage.store(first, spoil=True)
    storage.stop()
    again = StorageUnderTest(content, tmp_path)
    again.check()
    again.store(second, conn=6)
    assert again.manager.all("piece_failed") == [(1, (0, 6))]
    again.store_pieces([1], conn=6)
    again.stop()
    assert again.manager.all("peers_sent_bad_data") == []


def test_a_changed_file_is_noticed_and_only_its_pieces_are_read(
    content: Content, tmp_path: Path
) -> None:
    fetch_pieces(content, tmp_path, list(range(9)))
    flip_byte(tmp_path / FIRST_FILE, 70_000)
    assert check_again(content, tmp_path) == ([0, 2, 3, 4, 5, 6, 7, 8], 5)


def test_a_removed_file_is_noticed(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, list(range(9)))
    (tmp_path / FIRST_FILE).unlink()
    assert check_again(content, tmp_path) == ([5, 6, 7, 8], 0)


def test_a_shortened_file_is_noticed(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, list(range(9)))
    os.truncate(tmp_path / FIRST_FILE, 100_000)
    assert check_again(content, tmp_path)[0] == [0, 5, 6, 7, 8]


def test_a_record_whose_files_look_the_same_is_believed(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, list(range(9)))
    flip_byte(tmp_path / FIRST_FILE, 70_000, keeps_time=True)
    assert check_again(content, tmp_path) == (list(range(9)), 0)


@pytest.mark.parametrize(("is_synced", "read"), [(True, 0), (False, 4)])
def test_after_a_power_cut_only_synced_data_is_believed(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_synced: bool, read: int
) -> None:
    if not is_synced:
        monkeypatch.setattr(record_keeper, "SYNC_AT_END_BYTES", 0)
    fetch_pieces(content, tmp_path, [0, 1, 2, 8])
    monkeypatch.setattr(resume, "boot_id", lambda: "another boot")
    assert check_again(content, tmp_path) == ([0, 1, 2, 8], read)


def test_without_boot_ids_only_synced_data_is_believed(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (resume, record_keeper):
        monkeypatch.setattr(module, "boot_id", lambda: "")
    monkeypatch.setattr(record_keeper, "SYNC_AT_END_BYTES", 0)
    fetch_pieces(content, tmp_path, [0])
    assert check_again(content, tmp_path) == ([0], 1)


def test_what_is_written_is_synced_after_a_quiet_time(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces([0, 1])
    for _ in range(record_keeper.QUIET_SAVES + 2):
        storage.save_on_time()
    storage.proxy.save().get()
    storage.kill()
    monkeypatch.setattr(resume, "boot_id", lambda: "another boot")
    assert check_again(content, tmp_path) == ([0, 1], 0)


def test_a_torn_record_is_as_none(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, [0, 8])
    (record,) = (tmp_path / ".actortorrent").iterdir()
    os.truncate(record, record.stat().st_size - 1)
    assert check_again(content, tmp_path) == ([0, 8], 2)


def test_the_record_of_another_torrent_is_as_none(content: Content, tmp_path: Path) -> None:
    fetch_pieces(content, tmp_path, [0, 8])
    (record,) = (tmp_path / ".actortorrent").iterdir()
    raw = record.read_bytes()
    assert content.info_hash in raw
    record.write_bytes(raw.replace(content.info_hash, bytes(20)))
    assert check_again(content, tmp_path) == ([0, 8], 2)


def test_blocks_that_no_piece_has_are_not_believed_in(content: Content, tmp_path: Path) -> None:
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    first, second, *_ = storage.runs(1, 2)
    storage.store(first)
    storage.stop()
    (path,) = (tmp_path / ".actortorrent").iterdir()
    strange = ((1, 0b11 | 1 << 70), (2, 1 << 9), (1, 0b11))
    path.write_bytes(encode_record(replace(decode_record(path.read_bytes()), partial=strange)))
    again = StorageUnderTest(content, tmp_path)
    again.check()
    again.store(second)
    again.stop()
    _, earlier, _ = again.manager.all("runs_stored")[0]
    assert [one.run for one in earlier] == [first]
    assert again.verified() == [1]


def test_holes_are_not_read_and_zeros_in_them_are_right(tmp_path: Path) -> None:
    content = handmade(
        tmp_path / "seed",
        [("data", 65_536, ""), ("zeros", 10 * 65_536, "")],
        zeros=frozenset(["zeros"]),
    )
    (tmp_path / "content").mkdir()
    for name, length in (("data", 65_536), ("zeros", 10 * 65_536)):
        with (tmp_path / "content" / name).open("wb") as file:
            file.truncate(length)
    assert check_again(content, tmp_path) == (list(range(1, 11)), 0)


def test_where_holes_are_unknown_all_is_read(
    content: Content, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holes, "HAS_SEEK_DATA", False)
    fetch_pieces(content, tmp_path, [3, 8])
    shutil.rmtree(tmp_path / ".actortorrent")
    assert check_again(content, tmp_path) == ([3, 8], 5)


def test_a_huge_sparse_file_is_checked_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "seed"
    content = handmade(folder, [("huge", 64, "")], piece_length=64)
    content = _made_huge(content, tmp_path, pieces=1600)
    storage = StorageUnderTest(content, tmp_path)
    assert storage.check() == 1 << 1000
    storage.stop()
    assert storage.actor._plan.to_check == 1 << 1000


def _made_huge(content: Content, output: Path, pieces: int) -> Content:
    """Make a torrent of 64 MiB pieces, all unknown but one, and a file with that one."""
    piece = random.Random(2).randbytes(1024) * 65_536
    info = {
        "name": "huge",
        "length": pieces * len(piece),
        "piece length": len(piece),
        "pieces": b"?" * 20 * 1000 + hashlib.sha1(piece).digest() + b"?" * 20 * (pieces - 1001),
    }
    content.torrent.write_bytes(bencodepy.encode({"info": info}))
    with (output / "huge").open("wb") as file:
        file.truncate(pieces * len(piece))
        file.seek(1000 * len(piece))
        file.write(piece)
    return Content(content.folder, content.torrent, "huge", (), len(piece), b"")


def test_seeding_writes_nothing_but_the_record(content: Content, tmp_path: Path) -> None:
    there = tmp_path / "there"
    shutil.copytree(content.folder, there)
    (there / "content" / "a.bin").unlink()
    (there / "content" / "empty").unlink()
    before = sorted(path for path in there.rglob("*") if path.is_file())
    location = locate_content(Metainfo.from_file(content.torrent), there / "content")
    storage = StorageUnderTest(content, Path("unused"), location=location)
    assert storage.check() == 0b111100000
    storage.store_pieces([0])
    storage.stop()
    after = sorted(path for path in there.rglob("*") if path.is_file())
    assert [path.suffix for path in after if path not in before] == [".resume"]
    assert storage.verified() == []
