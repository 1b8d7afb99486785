"""Where workloads run: the folder, how much smaller than usual, and content that several share."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.content import Content, make_content

MIB = 1024 * 1024
KIB = 1024
LEAST_BYTES = 2 * MIB
FILES_A_FOLDER = 500


@dataclass(frozen=True, slots=True)
class Shape:
    """Say what content is like: its size in all, its pieces, and of how many files it is."""

    mib: int
    piece_kib: int
    files: int = 1

    def scaled(self, scale: float) -> Shape:
        """Return a smaller one; pieces stay as they are, and there are two files at least."""
        mib = max(LEAST_BYTES // MIB, round(self.mib * scale))
        files = self.files if self.files == 1 else max(2, round(self.files * scale))
        return Shape(mib, self.piece_kib, files)

    @property
    def sizes(self) -> int | dict[str, int]:
        """Return what `make_content` takes; files differ in size as chance cuts them."""
        total = self.mib * MIB
        if self.files == 1:
            return total
        dice = random.Random(self.files)
        borders = sorted(dice.sample(range(1, total), self.files - 1))
        ends = zip([0, *borders], [*borders, total], strict=True)
        return {
            f"{index // FILES_A_FOLDER}/{index}.bin": end - begin
            for index, (begin, end) in enumerate(ends)
        }


@dataclass(slots=True)
class Stage:
    """Hold what all workloads of a run have in common.

    Attributes:
        scale: sizes are multiplied by it.
        clients: who fetches, in place of those whom a workload names.
        failures: the workloads that were given up.
    """

    folder: Path
    scale: float = 1.0
    clients: Sequence[str] = ()
    failures: list[str] = field(default_factory=list)
    _made: dict[Shape, Content] = field(default_factory=dict)

    def content(self, shape: Shape) -> Content:
        """Return content of this shape, made when first asked for."""
        scaled = shape.scaled(self.scale)
        if scaled not in self._made:
            print(f"making {scaled.mib} MiB in {scaled.files} files", flush=True)
            self._made[scaled] = make_content(
                self.folder / f"content-{len(self._made)}",
                scaled.sizes,
                piece_length=scaled.piece_kib * KIB,
                seed=len(self._made),
            )
        return self._made[scaled]
