"""Cut the power at every step of what a storage did, and see what its record then claims."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from actortorrent.actors import resume
from actortorrent.actors.base import Runtime
from actortorrent.actors.storage import Storage
from actortorrent.options import SessionOptions
from actortorrent.rules.bitfield import indexes_of
from actortorrent.wire.metainfo import Metainfo
from tests.actors.storage_fakes import Ear
from tests.content import Content
from tests.crash.claims import wrong_pieces
from tests.crash.disk_ops import Op
from tests.crash.lost_power import Disk, Kept, Loss
from tests.crash.storage_life import SELECTIONS

WAYS = tuple(itertools.product(Kept, repeat=3))


@dataclass
class Cuts:
    """Count what came of power cuts.

    Attributes:
        steps: after which the power was cut.
        disks: that were looked at; of one cut many may come.
        claims: pieces that a record still claimed, on all of them.
        false_claims: of these, pieces that the disk did not hold.
    """

    steps: int = 0
    disks: int = 0
    claims: int = 0
    false_claims: int = 0

    def add(self, other: Cuts) -> None:
        """Add what another counted."""
        self.steps += other.steps
        self.disks += other.disks
        self.claims += other.claims
        self.false_claims += other.false_claims


def cut_at_every_step(
    content: Content,
    ops: Sequence[Op],
    folder: Path,
    rng: random.Random,
    *,
    disks_a_step: int,
) -> Cuts:
    """Cut the power after each step, and start anew with what each of several losses leaves.

    Args:
        folder: where disks are made, one after the other; must not be there.
    """
    cuts, disk, metainfo = Cuts(), Disk(), Metainfo.from_file(content.torrent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume, "boot_id", lambda: "another run of the system")
        for op in ops:
            disk.follow(op)
            cuts.steps += 1
            for data, marks, names in rng.sample(WAYS, disks_a_step):
                disk.lose_power(Loss(data, marks, names, rng), folder)
                cuts.disks += 1
                _start_anew(metainfo, folder, rng.choice(SELECTIONS), cuts)
                shutil.rmtree(folder)
    return cuts


def _start_anew(
    metainfo: Metainfo, folder: Path, selected: frozenset[int] | None, cuts: Cuts
) -> None:
    """See what a session takes for granted that starts now."""
    options = SessionOptions(output=folder, selected_files=selected)
    storage = Storage(Runtime(), metainfo, options, cast("Any", Ear()))
    storage._begin_check()
    storage._files.close()
    claimed = storage._plan.verified
    cuts.claims += claimed.bit_count()
    cuts.false_claims += len(wrong_pieces(storage.content_layout(), metainfo, indexes_of(claimed)))
