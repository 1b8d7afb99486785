from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.actors import descriptors
from actortorrent.actors import storage as storage_module
from actortorrent.actors.content_layout import OUR_FOLDER
from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.rules.leases import Cargo, FilledRun, StoredRun
from tests.actors.handmade_torrents import handmade
from tests.actors.storage_fakes import StorageUnderTest
from tests.conftest import ContentMaker
from tests.content import Content
from tests.leaks import FD_FOLDER

SIZES = {"a.bin": 300_000, "sub/b.bin": 200_001, "sub/deeper/empty": 0, "c.bin": 70_000}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES)


@pytest.fixture
def storage(content: Content, tmp_path: Path) -> Iterator[StorageUnderTest]:
    under_test = StorageUnderTest(content, tmp_path / "new" / "output")
    yield under_test
    under_test.stop()


def open_descriptors() -> int:
    return len(list(FD_FOLDER.iterdir()))


def stored_runs(storage: StorageUnderTest) -> list[StoredRun]:
    return [one for _, runs, _ in storage.manager.all("runs_stored") for one in runs]


def test_what_is_stored_makes_the_files_and_their_folders(
    storage: StorageUnderTest, content: Content
) -> None:
    assert storage.check() == 0
    storage.store_pieces(range(content.piece_count))
    assert storage.verified() == list(range(content.piece_count))
    content.assert_same_in(storage.layout.output)


def test_without_pwrite_it_seeks_and_writes(
    storage: StorageUnderTest, content: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptors, "HAS_PWRITE", False)
    monkeypatch.setattr(descriptors, "HAS_PREADV", False)
    storage.check()
    for index in range(content.piece_count):
        storage.store(*storage.runs(index, 1)[::-1])
    content.assert_same_in(storage.layout.output)


def test_every_run_is_answered_and_its_own_buffer_comes_back(storage: StorageUnderTest) -> None:
    storage.check()
    filled = tuple(storage.filled(storage.geometry.whole_piece(i)) for i in range(3))
    buffers = [one.buffer.take() for one in filled]
    storage.proxy.store_runs.defer(
        7,
        tuple(
            FilledRun(one.lease_id, one.run, Cargo(buffer))
            for one, buffer in zip(filled, buffers, strict=True)
        ),
    )
    storage.settle()
    ((conn, stored, verified),) = storage.manager.all("runs_stored")
    assert (conn, verified) == (7, (0, 1, 2))
    assert [(one.lease_id, one.run, one.was_useful) for one in stored] == [
        (one.lease_id, one.run, True) for one in filled
    ]
    assert all(a.buffer.take() is b for a, b in zip(stored, buffers, strict=True))


def test_a_row_of_pieces_is_judged_piece_by_piece(
    storage: StorageUnderTest, content: Content
) -> None:
    storage.check()
    row = storage.geometry.row(1, content.piece_count - 1)
    spoilt = bytearray(storage.stretch(row))
    spoilt[storage.geometry.piece_length] ^= 0xFF  # the first byte of piece 2
    storage.proxy.store_runs.defer(4, (storage.filled(row, bytes(spoilt)),))
    storage.settle()
    right = [index for index in row.pieces if index != 2]
    assert storage.verified() == right
    assert storage.manager.all("piece_failed") == [(2, (4,))]
    storage.stop()
    assert content.pieces_in(storage.layout.output) == set(right)


def test_of_a_row_the_pieces_that_are_there_are_not_told_again(storage: StorageUnderTest) -> None:
    storage.check()
    storage.store_pieces([1])
    storage.store(storage.geometry.row(0, 3))
    storage.store(storage.geometry.row(0, 3))
    verified = [indexes for _, _, indexes in storage.manager.all("runs_stored")]
    assert verified == [(1,), (0, 2), ()]
    assert [one.was_useful for one in stored_runs(storage)] == [True, True, False]


def test_a_whole_piece_that_is_wrong_never_reaches_the_disk(storage: StorageUnderTest) -> None:
    storage.check()
    storage.store(storage.geometry.whole_piece(0), conn=4, spoil=True)
    assert storage.manager.all("piece_failed") == [(0, (4,))]
    assert [path.name for path in storage.layout.output.iterdir()] == [OUR_FOLDER]


def test_a_piece_may_come_in_runs_in_any_order_from_anybody(
    storage: StorageUnderTest, content: Content
) -> None:
    storage.check()
    runs = [run for i in range(content.piece_count) for run in storage.runs(i, 1)]
    random.Random(3).shuffle(runs)
    for conn, run in enumerate(runs):
        storage.store(run, conn=conn % 5)
    assert storage.verified() == list(range(content.piece_count))
    content.assert_same_in(storage.layout.output)


def test_a_large_piece_comes_in_runs_of_several_peers(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(40 * 1024 * 1024, piece_length=16 * 1024 * 1024)
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    for index, order in ((0, 1), (1, -1), (2, 1)):
        for conn, run in enumerate(storage.runs(index, 64)[::order]):
            storage.store(run, conn=conn % 3)
    storage.stop()
    assert storage.verified() == [0, 1, 2]
    content.assert_same_in(tmp_path)


def test_who_sent_the_bad_blocks_is_named_once_the_piece_is_right(
    storage: StorageUnderTest,
) -> None:
    storage.check()
    for conn, run in enumerate(storage.runs(1, 1), start=1):
        storage.store(run, conn=conn, spoil=conn == 3)
    assert storage.manager.all("piece_failed") == [(1, (1, 2, 3, 4))]
    assert storage.manager.all("peers_sent_bad_data") == []
    storage.store(storage.geometry.whole_piece(1), conn=2)
    assert storage.verified() == [1]
    assert storage.manager.all("peers_sent_bad_data") == [(1, (3,))]


def test_the_guilty_of_several_failures_are_named_together(storage: StorageUnderTest) -> None:
    storage.check()
    first, second, *rest = storage.runs(0, 1)
    for bad, conn in ((first, 1), (second, 2)):
        for run in (first, second, *rest):
            storage.store(run, conn=conn if run == bad else 9, spoil=run == bad)
    for run in storage.runs(0, 2):
        storage.store(run, conn=9)
    assert storage.manager.all("piece_failed") == [(0, (1, 9)), (0, (2, 9))]
    assert storage.manager.all("peers_sent_bad_data") == [(0, (1, 2))]


def test_after_a_failure_all_blocks_are_missing_again(storage: StorageUnderTest) -> None:
    storage.check()
    for run in storage.runs(0, 2):
        storage.store(run, conn=1, spoil=True)
    for run in storage.runs(0, 2):
        storage.store(run, conn=2)
    assert all(one.was_useful for one in stored_runs(storage))
    assert storage.verified() == [0]


def test_blocks_that_are_there_are_not_written_again(storage: StorageUnderTest) -> None:
    storage.check()
    first, second = storage.runs(0, 2)
    storage.store(first, conn=1)
    storage.store(first, conn=2, spoil=True)
    storage.store(second, conn=1)
    assert storage.verified() == [0]
    storage.store(second, conn=2, spoil=True)
    storage.store(storage.geometry.whole_piece(0), conn=2, spoil=True)
    assert [one.was_useful for one in stored_runs(storage)] == [True, False, True, False, False]
    assert storage.manager.all("piece_failed") == []


def test_of_a_run_that_overlaps_only_the_missing_blocks_are_taken(
    storage: StorageUnderTest,
) -> None:
    storage.check()
    storage.store(storage.geometry.run(0, 0, 2), conn=1)
    storage.store(storage.geometry.run(0, 1, 2), conn=2)
    storage.store(storage.geometry.run(0, 2, 2), conn=3)
    assert storage.verified() == [0]


def test_a_file_that_is_longer_is_cut_when_we_wrote_into_it(
    content: Content, tmp_path: Path
) -> None:
    there = tmp_path / "content" / "a.bin"
    there.parent.mkdir()
    there.write_bytes(b"x" * 400_000)
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces(range(4))
    assert there.stat().st_size == 400_000  # until it is finished
    storage.store_pieces(range(4, content.piece_count))
    storage.stop()
    content.assert_same_in(tmp_path)


def test_a_longer_file_that_we_did_not_write_is_left_as_it_is(
    content_maker: ContentMaker,
) -> None:
    content = content_maker(100_000)
    with (content.folder / "content").open("ab") as file:
        file.write(b"added by its owner")
    storage = StorageUnderTest(content, content.folder)
    assert storage.check() == 0b11
    storage.stop()
    assert (content.folder / "content").stat().st_size == 100_018


def test_many_small_files_make_one_piece(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker({f"{i % 7}/{i}": i for i in range(400)}, piece_length=1 << 20)
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    storage.store_pieces([0])
    storage.stop()
    content.assert_same_in(tmp_path)


def test_only_so_many_files_are_open_at_a_time(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker({f"{i}": 1000 for i in range(300)}, piece_length=BLOCK_BYTES)
    storage = StorageUnderTest(content, tmp_path)
    storage.check()
    before = open_descriptors()
    storage.store_pieces(range(content.piece_count))
    assert open_descriptors() - before < 70
    storage.stop()
    content.assert_same_in(tmp_path)


def test_twenty_thousand_files_are_no_hardship(tmp_path: Path) -> None:
    # All are looked at, twice; only the first thousand are made, since that takes the disk long.
    files = [(f"{i // 1000}/{i}", i % 5, "") for i in range(20_000)]
    content = handmade(tmp_path / "seed", files, piece_length=2000, is_written=False)
    storage = StorageUnderTest(content, tmp_path)
    assert storage.check() == 0
    storage.store(storage.geometry.whole_piece(0))
    storage.stop()
    assert storage.verified() == [0]
    again = StorageUnderTest(content, tmp_path)
    assert again.check() == 1
    again.stop()


def test_a_torrent_of_empty_files_alone_is_made_at_once(tmp_path: Path) -> None:
    content = handmade(tmp_path / "seed", [("one", 0, ""), ("two", 0, "")])
    storage = StorageUnderTest(content, tmp_path / "output")
    assert storage.check() == 0
    storage.stop()
    content.assert_same_in(tmp_path / "output")


def test_a_stop_in_the_middle_of_a_check_is_heard(
    content_maker: ContentMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_module, "CHECK_SECONDS", 0.0)
    content = content_maker(8 * 1024 * 1024)
    storage = StorageUnderTest(content, content.folder)
    storage.proxy.check_content.defer()
    storage.stop()
    assert storage.manager.all("content_checked") == []


def test_while_checking_it_says_how_far_it_is(content_maker: ContentMaker) -> None:
    content = content_maker(3 * 1024 * 1024)
    storage = StorageUnderTest(content, content.folder)
    storage.check()
    storage.stop()
    assert storage.reporter.all("checking")[-1] == (3 * 1024 * 1024, 3 * 1024 * 1024)
