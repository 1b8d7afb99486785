"""Who sent the bad blocks: evidence is kept until the piece is known as it should be.

When a piece fails its hash, any of its senders may be guilty. The digest of what each
had sent is kept; once the piece has been verified, whoever sent other bytes than the
good ones is guilty, and all the others are innocent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from actortorrent.rules.geometry import Run

MAX_EVIDENCE = 4096  # runs remembered; beyond it the oldest piece's are forgotten


class Evidence(Struct, frozen=True):
    """Hold the SHA-1 of the bytes that a connection sent as a run."""

    conn: int
    run: Run
    digest: bytes


class Suspects:
    """Remember what was sent of failed pieces, within `MAX_EVIDENCE` runs."""

    def __init__(self) -> None:
        self._evidence: dict[int, list[Evidence]] = {}
        self._count = 0

    def accuse(self, piece_index: int, evidence: Iterable[Evidence]) -> None:
        """Keep what was sent of a piece that failed."""
        new = list(evidence)
        self._evidence.setdefault(piece_index, []).extend(new)
        self._count += len(new)
        while self._count > MAX_EVIDENCE and len(self._evidence) > 1:
            self._drop(next(iter(self._evidence)))

    def judge(self, piece_index: int, digest_of: Callable[[Run], bytes]) -> tuple[int, ...]:
        """Return the guilty connections, now that `digest_of` knows the good bytes of runs."""
        guilty = {
            evidence.conn
            for evidence in self._evidence.get(piece_index, ())
            if digest_of(evidence.run) != evidence.digest
        }
        self._drop(piece_index)
        return tuple(sorted(guilty))

    def is_suspect(self, piece_index: int) -> bool:
        """Say whether anything is remembered of a piece."""
        return piece_index in self._evidence

    def _drop(self, piece_index: int) -> None:
        self._count -= len(self._evidence.pop(piece_index, ()))
