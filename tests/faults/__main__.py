"""Run the long half: `python -m tests.faults`; `make faults` does so.

Each call to a disk fails, once and for good, with each of the errors that disks have; and
sessions run with every limit from next to nothing to enough.
"""

from __future__ import annotations

import errno
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from actortorrent.errors import ExitCode
from tests.content import Content, make_content
from tests.faults.disk_life import SIZES as SMALL_SIZES
from tests.faults.disk_life import live, quick_folder
from tests.faults.failing_disk import Fault
from tests.faults.limited import ALONE, DESCRIPTORS, MEMORY, MIB, limited_fetch, line_of
from tests.peers.own import OwnClient, own_seed

ERRORS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE)
PIECE_BYTES = 32 * 1024
FILES = 40
MEMORIES = range(20, 320, 10)  # MiB of addresses
DESCRIPTOR_COUNTS = range(6, 64, 3)  # with fewer, Python itself does not start
PATIENCE_SECONDS = 60.0
OTHERWISE = "otherwise"
NAME_COLUMNS = 46


def main() -> int:
    """Do it all, and return the exit code."""
    went_well = [part() for part in (fail_calls, limit_memory, limit_descriptors)]
    return 0 if all(went_well) else 1


def fail_calls() -> bool:
    """Let each call to a disk fail; say whether nothing was lost."""
    began, count, bad = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as temp:
        content = make_content(Path(temp, "content"), SMALL_SIZES, piece_length=PIECE_BYTES)
        for fault in _all_faults(content, Path(temp)):
            with quick_folder(Path(temp)) as folder:
                faults = live(content, folder, fault).faults
            count, bad = count + 1, bad + bool(faults)
            if faults:
                tell(f"  {fault}", "; ".join(faults))
    tell("calls to a disk that failed, once or for good", f"{count}")
    tell("in which a piece was lost, or a bug showed", f"{bad}")
    tell("seconds", f"{time.monotonic() - began:.0f}")
    return not bad


def _all_faults(content: Content, temp: Path) -> list[Fault]:
    with quick_folder(temp) as folder:
        calls = live(content, folder, None).calls
    return [
        Fault(function, number, nth, lasts)
        for function, count in calls.items()
        for number in ERRORS
        for lasts in (False, True)
        for nth in range(1, count + 1)
    ]


def limit_memory() -> bool:
    """Fetch with little memory and with more; say whether each fetch was done or ended in words."""
    limits = [(MEMORY, mebibytes * MIB) for mebibytes in MEMORIES]
    return _limit("fetches with 20 to 310 MiB of memory", limits)


def limit_descriptors() -> bool:
    """Fetch with few descriptors and with more, likewise."""
    return _limit("fetches with 6 to 63 descriptors", [(DESCRIPTORS, n) for n in DESCRIPTOR_COUNTS])


def _limit(name: str, limits: list[tuple[int, int]]) -> bool:
    began, ends = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as temp:
        sizes = {f"{number}/f": 600_000 for number in range(FILES)}
        content = make_content(Path(temp, "content"), sizes, piece_length=MIB)
        with own_seed(content, extra=ALONE) as seed:
            for number, limit in enumerate(limits):
                into = Path(temp, str(number))
                ends[_end_of(content, into, limit, seed.address)] += 1
    tell(name, f"{len(limits)}")
    for end, count in sorted(ends.items()):
        tell(f"  {end}", f"{count}")
    tell("seconds", f"{time.monotonic() - began:.0f}")
    return OTHERWISE not in ends


def _end_of(content: Content, into: Path, limit: tuple[int, int], seed: str) -> str:
    """Run one fetch, and return in a word or two how it ended."""
    with limited_fetch(content, into, limit, [seed]) as leech:
        if leech.process.ends_within(PATIENCE_SECONDS):
            code = leech.process.wait()
            if code == ExitCode.DONE:
                content.assert_same_in(into)
                return "complete"
            if _is_told(leech):
                return f"ended in words, exit code {code}"
        tell(f"  limit {limit[1]}", leech.process.tail())
        return OTHERWISE


def _is_told(client: OwnClient) -> bool:
    """Say whether a client that has ended said in its one line what it lacked."""
    try:
        line = line_of(client)
    except AssertionError:
        return False
    return "is left" in line or "too many files are open" in line


def tell(name: str, figure: str) -> None:
    """Print one row."""
    print(f"{name:{NAME_COLUMNS}}  {figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
