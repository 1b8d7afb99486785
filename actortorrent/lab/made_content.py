"""Make content of any size that is random to look at, and the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

SLAB_BYTES = 1024 * 1024
SMALL = ((Path("read me.txt"), 1_234), (Path("notes/empty.txt"), 0))
LARGE = (  # path, part of what the small files leave
    (Path("ocean.raw"), 0.55),
    (Path("pictures/forest.raw"), 0.25),
    (Path("pictures/valley.raw"), 0.12),
    (Path("pictures/winter/lake.raw"), 0.05),
)
LAST = Path("sound.raw")  # what is left


class Difference(Struct, frozen=True):
    """Say which file differs between two folders, and from which byte on."""

    path: Path
    offset: int

    def __str__(self) -> str:
        return f"{self.path} differs from byte {self.offset:,} on"


def make_files(folder: Path, total_bytes: int, seed: int) -> int:
    """Write a folder of files, large and small and empty; return how many.

    `total_bytes` is at least as much as the small files take.
    """
    rng = random.Random(seed)
    planned = list(_plan(total_bytes))
    for path, length in planned:
        _write_random(folder / path, length, rng)
    return len(planned)


def find_difference(folder: Path, other: Path) -> Difference | None:
    """Compare every byte of every file below `folder` with the same below `other`."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = path.relative_to(folder)
        offset = _first_difference(path, other / relative)
        if offset is not None:
            return Difference(relative, offset)
    return None


def _plan(total_bytes: int) -> Iterator[tuple[Path, int]]:
    left = total_bytes
    for path, length in SMALL:
        left -= length
        yield path, length
    large = left
    for path, part in LARGE:
        length = int(large * part)
        left -= length
        yield path, length
    yield LAST, left


def _write_random(path: Path, length: int, rng: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, length, SLAB_BYTES):
            file.write(rng.randbytes(min(SLAB_BYTES, length - start)))


def _first_difference(path: Path, other: Path) -> int | None:
    if not other.exists():
        return 0
    offset = 0
    with path.open("rb") as ours, other.open("rb") as theirs:
        while True:
            slab, same = ours.read(SLAB_BYTES), theirs.read(SLAB_BYTES)
            if slab != same:
                return offset + next(
                    (i for i, (a, b) in enumerate(zip(slab, same, strict=False)) if a != b),
                    min(len(slab), len(same)),
                )
            if not slab:
                return None
            offset += len(slab)
