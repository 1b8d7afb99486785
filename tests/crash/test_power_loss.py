"""When the power goes, at whatever step, no record claims a piece that the disk may not hold."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from actortorrent.actors.content_layout import OUR_FOLDER
from actortorrent.wire.resume_record import decode_record
from tests.actors.storage_fakes import StorageUnderTest
from tests.crash.disk_ops import ROOT, Cut, Name, Op, Sync, Write
from tests.crash.lost_power import Disk, Kept, Loss
from tests.crash.power_cuts import Cuts, cut_at_every_step
from tests.crash.storage_life import make_small_content, record_life

SESSIONS = 3
SECTOR = bytes([7]) * 4096


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    return Life(tmp_path_factory.mktemp("life"))


class Life:
    """What a storage did to a disk in a few sessions."""

    def __init__(self, folder: Path) -> None:
        self.content = make_small_content(folder / "content", 1)
        self.ops = record_life(self.content, folder / "into", SESSIONS, random.Random(1))

    def cuts(self, ops: list[Op], folder: Path, disks_a_step: int) -> Cuts:
        rng = random.Random(2)
        return cut_at_every_step(self.content, ops, folder, rng, disks_a_step=disks_a_step)


def test_no_record_claims_a_piece_that_a_power_cut_may_have_taken(
    life: Life, tmp_path: Path
) -> None:
    cuts = life.cuts(life.ops, tmp_path / "disk", disks_a_step=2)
    assert cuts.steps == len(life.ops) > 100
    assert cuts.claims > 100
    assert cuts.false_claims == 0


def test_were_nothing_synced_records_would_claim_what_is_not_there(
    life: Life, tmp_path: Path
) -> None:
    ops = [op for op in life.ops if not isinstance(op, Sync)]
    assert life.cuts(ops, tmp_path / "disk", disks_a_step=2).false_claims > 0


def test_all_that_changes_a_disk_is_recorded(life: Life, tmp_path: Path) -> None:
    """With everything kept, the disk is the one that the storage left."""
    disk = Disk()
    for op in life.ops:
        disk.follow(op)
    disk.lose_power(kept(Kept.EVERYTHING), tmp_path / "disk")
    life.content.assert_same_in(tmp_path / "disk")


def test_what_was_synced_outlasts_a_power_cut_and_no_more_need(tmp_path: Path) -> None:
    name, write, sync = Name(ROOT, (("a", 1),)), Write(1, 0, SECTOR, 4096, 5), Sync(1)
    assert left([name, write], Kept.NOTHING, tmp_path / "1") == {}
    assert left([name, Sync(ROOT), write], Kept.NOTHING, tmp_path / "2") == {"a": b""}
    assert left([name, Sync(ROOT), write, sync], Kept.NOTHING, tmp_path / "3") == {"a": SECTOR}
    cut = [name, Sync(ROOT), write, sync, Cut(1, 0, 6)]
    assert left(cut, Kept.NOTHING, tmp_path / "4") == {"a": SECTOR}
    assert left(cut, Kept.EVERYTHING, tmp_path / "5") == {"a": b""}


def left(ops: list[Op], what: Kept, folder: Path) -> dict[str, bytes]:
    disk = Disk()
    for op in ops:
        disk.follow(op)
    disk.lose_power(kept(what), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def kept(what: Kept) -> Loss:
    return Loss(what, what, what, random.Random(1))


def test_content_is_synced_though_the_parts_file_has_gone(tmp_path: Path) -> None:
    content = make_small_content(tmp_path / "content", 1)
    output = tmp_path / "into"
    some = StorageUnderTest(content, output, selected=[0])
    some.check()
    some.store_pieces(range(5))
    some.stop()
    rest = StorageUnderTest(content, output)
    rest.check()
    rest.store_pieces(range(8))
    rest.stop()
    (record,) = (output / OUR_FOLDER).glob("*.resume")
    assert decode_record(record.read_bytes()).is_synced
