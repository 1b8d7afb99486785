"""Runs of blocks in, verified pieces out: what the storage does with what peers send.

A run that is a whole piece is hashed where it lies and written only if it is right; so is
each piece of a row, and what is right of it is written in as few stretches as can be. Any
other run is written at once, and hashed on the way if it continues what was hashed of
its piece before; when the last block is there, the rest is read back and the piece
judged. A verified piece is never written again. Where a peer has hashed what it brought
(`rules/run_hashing.py`), that is not done again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.files import Files
from actortorrent.rules.bitfield import mask_of, without
from actortorrent.rules.buffer_pool import Buffer
from actortorrent.rules.geometry import Run
from actortorrent.rules.partial_pieces import (
    EARLIER_SESSION,
    Contribution,
    PartialPieces,
    contributors_of,
)
from actortorrent.rules.run_hashing import Digests, Hashed, Link
from actortorrent.rules.suspects import Evidence, Suspects
from actortorrent.wire.metainfo import Metainfo

READ_BACK_BYTES = 1024 * 1024


class Verdict(Enum):
    """Say what became of a piece by a run that was stored."""

    STORED = "the piece is not whole yet"
    VERIFIED = "it made the piece whole, and the piece is right"
    FAILED = "it made the piece whole, and the piece is wrong"


class Outcome(Struct, frozen=True):
    """Say what became of a piece, and what that says about its senders.

    Attributes:
        contributors: of a failed piece, the connections that had sent its blocks; among
            them perhaps `EARLIER_SESSION`.
        guilty: of a verified piece, those that had sent bad bytes of it before.
    """

    piece_index: int
    verdict: Verdict
    contributors: tuple[int, ...] = ()
    guilty: tuple[int, ...] = ()


class _HashedPart:
    """The SHA-1 of a piece's first `length` bytes, as long as they come in order."""

    __slots__ = ("_chain", "_sha1", "length")

    def __init__(self) -> None:
        self._sha1 = hashlib.sha1(usedforsecurity=False)
        self._chain: tuple[int, int] | None = None  # whose work it is: connection, number
        self.length = 0

    def add(self, data: memoryview) -> None:
        self._sha1.update(data)
        self._chain = None
        self.length += len(data)

    def follow(self, conn: int, link: Link, part: Run) -> bool:
        """Take over what a peer hashed up to the end of `part`; say whether it is of these bytes."""
        chain = (conn, link.chain)
        if part.offset != self.length or (self.length and chain != self._chain):
            return False
        self._chain, self._sha1, self.length = chain, link.sha1, part.end
        return True

    def digest(self) -> bytes:
        return self._sha1.digest()


class PieceStore:
    """Write runs, judge pieces, and remember who sent what until they are judged."""

    def __init__(self, metainfo: Metainfo, layout: ContentLayout, files: Files) -> None:
        self._metainfo = metainfo
        self._geometry = layout.geometry
        self._files = files
        self._hashed: dict[int, _HashedPart] = {}
        self._suspects = Suspects()
        self._scratch = memoryview(bytearray(min(READ_BACK_BYTES, self._geometry.piece_length)))
        self.wanted = layout.wanted_pieces()
        self.verified = 0  # bit i is piece i
        self.partial = PartialPieces(self._geometry)

    def store(self, conn: int, run: Run, buffer: Buffer, hashed: Hashed | None) -> list[Outcome]:
        """Take a run that a peer filled, and perhaps hashed; return what became of its pieces.

        Nothing of it was of use where that is empty: all its blocks were there already.

        Raises:
            StorageError: if the disk does not take it; then nothing of it counts as stored.
        """
        with memoryview(buffer) as data:
            if run.length >= self._geometry.piece_size(run.piece_index):
                digests = hashed if isinstance(hashed, tuple) else ()
                return self._store_pieces(conn, run, data, digests)
            link = hashed if isinstance(hashed, Link) else None
            outcome = self._store_part(conn, run, data, link)
        return [outcome] if outcome is not None else []

    def _lacked_of(self, run: Run) -> set[int]:
        """Return those pieces of a run that are lacking."""
        lacked = without(self.wanted & run.piece_mask, self.verified) >> run.piece_index
        return {index for index in run.pieces if lacked >> index - run.piece_index & 1}

    def _store_pieces(self, conn: int, run: Run, data: memoryview, made: Digests) -> list[Outcome]:
        """Judge the pieces of a run where they lie, and write those that are right."""
        size, parts = self._geometry.piece_length, [data]
        if run.piece_count > 1:
            parts = [data[start : start + size] for start in range(0, len(data), size)]
        lacked = self._lacked_of(run)
        pieces = [each for each in zip(run.pieces, parts, strict=True) if each[0] in lacked]
        known = dict(zip(run.pieces, made, strict=False))
        digests = {index: known.get(index) or _sha1(part) for index, part in pieces}
        right = [index for index, _ in pieces if digests[index] == self._metainfo.piece_hash(index)]
        for first, count in _stretches(right):
            start = (first - run.piece_index) * size
            self._files.write(first, 0, data[start : start + count * size])
        self.verified |= mask_of(right)
        are_right = set(right)
        return [
            self._verified(index, part)
            if index in are_right
            else self._failed_alone(conn, index, digests[index])
            for index, part in pieces
        ]

    def _failed_alone(self, conn: int, piece_index: int, digest: bytes) -> Outcome:
        run = self._geometry.whole_piece(piece_index)
        self._suspects.accuse(piece_index, [Evidence(conn, run, digest)])
        return self._failed(piece_index, (conn,))

    def _store_part(
        self, conn: int, run: Run, data: memoryview, link: Link | None
    ) -> Outcome | None:
        if not self._lacked_of(run):
            return None
        missing = self.partial.missing_runs(run)
        for part in missing:
            start = part.offset - run.offset
            of_all = link if part == run else None
            self._write_part(conn, part, data[start : start + part.length], of_all)
        if not missing:
            return None
        if not self.partial.is_whole(run.piece_index):
            return Outcome(run.piece_index, Verdict.STORED)
        return self._judge(run.piece_index)

    def _write_part(self, conn: int, part: Run, data: memoryview, link: Link | None) -> None:
        self._files.write(part.piece_index, part.offset, data)
        self.partial.store(conn, part)
        hashed = self._hashed.setdefault(part.piece_index, _HashedPart())
        if link is not None and hashed.follow(conn, link, part):
            return
        if hashed.length == part.offset:
            hashed.add(data)

    def _judge(self, piece_index: int) -> Outcome:
        """Hash what was not hashed yet of a piece that is whole, and compare."""
        hashed = self._hashed.pop(piece_index)
        rest = self._geometry.piece_size(piece_index) - hashed.length
        for data in self._read_back(Run(piece_index, hashed.length, rest)):
            hashed.add(data)
        if hashed.digest() == self._metainfo.piece_hash(piece_index):
            self.verified |= 1 << piece_index
            return self._verified(piece_index, None)
        contributions = self.partial.contributions(piece_index)
        self._suspects.accuse(piece_index, self._evidence(contributions))
        return self._failed(piece_index, contributors_of(contributions))

    def _verified(self, piece_index: int, data: memoryview | None) -> Outcome:
        """Settle a right piece; `data` is all of it, or None where it must be read back."""
        self._forget(piece_index)
        if not self._suspects.is_suspect(piece_index):
            return Outcome(piece_index, Verdict.VERIFIED)
        if data is None:
            guilty = self._suspects.judge(piece_index, self._digest_on_disk)
        else:
            guilty = self._suspects.judge(
                piece_index, lambda run: _sha1(data[run.offset : run.end])
            )
        return Outcome(piece_index, Verdict.VERIFIED, guilty=guilty)

    def _failed(self, piece_index: int, contributors: tuple[int, ...]) -> Outcome:
        self._forget(piece_index)
        return Outcome(piece_index, Verdict.FAILED, contributors=contributors)

    def _forget(self, piece_index: int) -> None:
        self.partial.forget(piece_index)
        self._hashed.pop(piece_index, None)

    def _evidence(self, contributions: tuple[Contribution, ...]) -> list[Evidence]:
        return [
            Evidence(each.conn, each.run, self._digest_on_disk(each.run))
            for each in contributions
            if each.conn != EARLIER_SESSION
        ]

    def _digest_on_disk(self, run: Run) -> bytes:
        sha1 = hashlib.sha1(usedforsecurity=False)
        for data in self._read_back(run):
            sha1.update(data)
        return sha1.digest()

    def _read_back(self, run: Run) -> Iterator[memoryview]:
        """Yield what stands on the disk for a run, part by part, in a buffer that is reused."""
        for offset in range(run.offset, run.end, len(self._scratch)):
            part = self._scratch[: min(len(self._scratch), run.end - offset)]
            self._files.read_into(run.piece_index, offset, part)
            yield part


def _sha1(data: memoryview) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


def _stretches(indexes: list[int]) -> Iterator[tuple[int, int]]:
    """Yield (first, count) of numbers that rise, those that follow one another as one."""
    first = 0
    for position in range(1, len(indexes) + 1):
        if position == len(indexes) or indexes[position] != indexes[position - 1] + 1:
            yield indexes[first], position - first
            first = position
