"""Everything that `make bench` measures, as a table: what is run, against whom, what is aimed at.

A workload is a small class in a module of this folder; here is how large it is, and its goals.
"""

from __future__ import annotations

from tests.benchmarks.figures import CORE_SHARE, CPU, MEMORY, RATE, STEP_TIME, TIME
from tests.benchmarks.stage import MIB, Shape
from tests.benchmarks.workloads import starting
from tests.benchmarks.workloads.checking import SHA1, Checking
from tests.benchmarks.workloads.encrypted import PLAIN, Encrypted
from tests.benchmarks.workloads.fetching import Fetching
from tests.benchmarks.workloads.idling import Idling
from tests.benchmarks.workloads.near_limit import LIMIT, NearLimit
from tests.benchmarks.workloads.picking import Picking
from tests.benchmarks.workloads.resuming import Resuming
from tests.benchmarks.workloads.seeding import Seeding
from tests.benchmarks.workloads.swarming import IDEAL, Swarming
from tests.benchmarks.workloads.workload import MEMORY_GOAL, OURS, Goal, Workload

LT, ARIA2 = "libtorrent", "aria2"
GIB = Shape(1024, 1024)


def _rate(*bounds: tuple[float, str]) -> tuple[Goal, ...]:
    return (*(Goal(RATE, bound, against) for bound, against in bounds), MEMORY_GOAL)


def _seeding(leeches: int) -> Workload:
    goals = (Goal(RATE, 1.0, LT), Goal(CPU, 0.7, LT), MEMORY_GOAL)
    what = f"seed 1 GiB to {leeches} libtorrent leech{'es' if leeches > 1 else ''}"
    return Workload(f"seed-{leeches}", what, Seeding(GIB, leeches), goals)


WORKLOADS = (
    Workload(
        "fetch-1gib",
        "fetch 1 GiB, pieces of 1 MiB, 1 libtorrent seed",
        Fetching(GIB, clients=(OURS, LT, ARIA2)),
        _rate((1.4, LT), (2.5, ARIA2)),
    ),
    Workload(
        "near-limit",
        "fetch 1 GiB from one `actortorrent seed`",
        NearLimit(GIB),
        _rate((0.5, LIMIT)),
    ),
    Workload(
        "encrypted",
        "fetch 1 GiB from one `actortorrent seed`, encrypted",
        Encrypted(GIB),
        _rate((0.5, PLAIN)),
    ),
    Workload("4-seeds", "fetch 1 GiB from 4 libtorrent seeds", Fetching(GIB, 4), _rate((1.2, LT))),
    Workload(
        "20-seeds", "fetch 1 GiB from 20 libtorrent seeds", Fetching(GIB, 20), _rate((1.2, LT))
    ),
    Workload(
        "pieces-64k",
        "fetch 256 MiB, pieces of 64 KiB",
        Fetching(Shape(256, 64)),
        _rate((1.2, LT)),
    ),
    Workload(
        "pieces-16k",
        "fetch 256 MiB, pieces of 16 KiB",
        Fetching(Shape(256, 16)),
        _rate((1.0, LT)),
    ),
    Workload(
        "many-files",
        "fetch 2,000 files, 128 MiB",
        Fetching(Shape(128, 256, files=2000)),
        _rate((1.0, LT)),
    ),
    Workload(
        "pieces-16m",
        "fetch 1 GiB, pieces of 16 MiB, 8 libtorrent seeds",
        Fetching(Shape(1024, 16 * 1024), 8),
        _rate((1.0, LT)),
    ),
    _seeding(1),
    _seeding(4),
    Workload("verify", "verify 1 GiB", Checking("verify", GIB), _rate((0.9, SHA1))),
    Workload("create", "create a torrent of 1 GiB", Checking("create", GIB), _rate((0.9, SHA1))),
    Workload(
        "swarm-8",
        "8 of ours fetch 256 MiB, pieces of 256 KiB, from 1 seed, each sends 10 MiB/s",
        Swarming(Shape(256, 256), 8, 10),
        (Goal(TIME, 1.15, IDEAL), MEMORY_GOAL),
        most_rounds=3,
    ),
    Workload(
        "idle-200",
        "200 idle peers connected",
        Idling(Shape(128, 256), 200),
        (Goal(CORE_SHARE, 0.005), Goal(MEMORY, 60 * MIB)),
        most_rounds=3,
    ),
    Workload("version", "`--version`", starting.saying_the_version, (Goal(TIME, 0.15),)),
    Workload(
        "one-block",
        "fetch 16 KiB, from start to exit",
        starting.fetching_a_block,
        (Goal(TIME, 0.6), MEMORY_GOAL),
    ),
    Workload(
        "resume-100gib",
        "100 GiB, 51,200 pieces, 20,000 files: to the first request",
        Resuming(51_200, 20_000),
        (Goal(TIME, 1.5), MEMORY_GOAL),
    ),
    Workload(
        "picking",
        "pick one of 50,000 pieces, 200 peers",
        Picking(50_000, 200),
        (Goal(STEP_TIME, 50e-6),),
    ),
)
BY_NAME = {workload.name: workload for workload in WORKLOADS}
