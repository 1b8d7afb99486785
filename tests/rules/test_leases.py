from __future__ import annotations

from actortorrent.rules.geometry import Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease, StoredRun


def test_leases_print_where_they_lie_and_never_their_bytes() -> None:
    run = Run(5, 0, 4)
    assert str(Lease(1, run, Cargo(bytearray(4)))) == "lease 1 of piece 5 [0, +4]"
    assert str(FilledRun(1, run, Cargo(bytearray(4)))) == "lease 1 of piece 5 [0, +4], filled"
    assert str(StoredRun(1, run, None, was_useful=True)) == "lease 1 of piece 5 [0, +4], stored"
