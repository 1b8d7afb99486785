"""How a piece is chosen among those that a peer could send: one protocol, and ours of it.

A policy is asked whenever a peer is to be lent a piece that nobody has begun yet. It sees
the candidates, how many peers have each, and dice; it answers with one of the candidates.
All else (pieces already begun, the endgame, who is lent how much) is not its business.

Yours is a class in a file of your own, given by ``--picker my.py:Latest``::

    class Latest:
        def choose(self, candidates, availability, rng):
            return max(candidates)

One object of it serves one session, so it may remember what it likes.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from actortorrent.errors import PickerError
from actortorrent.rules.availability import Availability
from actortorrent.rules.bitfield import indexes_of, lowest_set_bit, random_set_bit

MOST_NAMED = 8  # candidates that an error lists


class Pieces(Struct, frozen=True):
    """Hold indexes of pieces, in ascending order; never empty where a policy gets it.

    Attributes:
        bits: bit i is piece i.
    """

    bits: int

    def __iter__(self) -> Iterator[int]:
        return indexes_of(self.bits)

    def __len__(self) -> int:
        return self.bits.bit_count()

    def __contains__(self, piece_index: object) -> bool:
        if not isinstance(piece_index, int) or piece_index < 0:
            return False
        return bool(self.bits >> piece_index & 1)

    def first(self) -> int:
        """Return the lowest index, without looking at all."""
        return lowest_set_bit(self.bits)

    def any(self, rng: random.Random) -> int:
        """Return one by chance, each as likely as any other."""
        return random_set_bit(self.bits, rng)


class PieceCounts:
    """Say of each piece how many of the connected peers have it."""

    __slots__ = ("_availability",)

    def __init__(self, availability: Availability) -> None:
        self._availability = availability

    def count(self, piece_index: int) -> int:
        """Return how many peers have a piece."""
        return self._availability.count(piece_index)

    def rarest(self, pieces: Pieces) -> Pieces:
        """Return those of some pieces that the fewest peers have."""
        return Pieces(self._availability.rarest(pieces.bits))


class PickPolicy(Protocol):
    """Choose pieces."""

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:
        """Return the index of the candidate that is to be fetched next."""


class RandomFirst:
    """Any piece: at the beginning a whole one to trade matters more than a rare one."""

    rule = "random first piece"

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:  # noqa: ARG002
        """Return any candidate."""
        return candidates.any(rng)


class RarestFirst:
    """The piece that the fewest peers have, by chance among equals."""

    rule = "rarest first"

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:
        """Return one of the rarest candidates."""
        return availability.rarest(candidates).any(rng)


class Sequential:
    """The lowest piece, for playing while fetching."""

    rule = "sequential"

    def choose(self, candidates: Pieces, availability: PieceCounts, rng: random.Random) -> int:  # noqa: ARG002
        """Return the first candidate."""
        return candidates.first()


def rule_of(policy: PickPolicy) -> str:
    """Return how traces call a policy: by its `rule`, or by the name of its class."""
    return str(getattr(policy, "rule", type(policy).__name__))


def choose_piece(
    policy: PickPolicy, candidates: Pieces, availability: PieceCounts, rng: random.Random
) -> int:
    """Return what a policy chooses.

    Raises:
        PickerError: if it fails, or chooses what is no candidate.
    """
    try:
        choice = policy.choose(candidates, availability, rng)
    except Exception as error:
        line = _last_line_in(_file_of(policy), error)
        failure = f"{type(error).__name__}: {error}"
        raise PickerError(f"{_place(policy, line)} failed: {failure}") from error
    if type(choice) is not int or choice not in candidates:
        some = ", ".join(map(str, list(candidates)[:MOST_NAMED]))
        more = ", …" if len(candidates) > MOST_NAMED else ""
        raise PickerError(
            f"{_place(policy)} chose {_described(choice)}: expected one of its candidates: {some}{more}"
        )
    return choice


def _described(choice: object) -> str:
    return (
        f"piece {choice}" if type(choice) is int else f"something of type {type(choice).__name__}"
    )


def _file_of(policy: PickPolicy) -> str:
    code = getattr(type(policy).choose, "__code__", None)
    return str(getattr(code, "co_filename", ""))


def _place(policy: PickPolicy, line: int = 0) -> str:
    where = f", line {line}" if line else ""
    return f"{_file_of(policy)}{where}: {type(policy).__name__}.choose"


def _last_line_in(file: str, error: BaseException) -> int:
    """Return the last line of a file that an error went through; 0: none."""
    calls = traceback.extract_tb(error.__traceback__)
    return next((call.lineno or 0 for call in reversed(calls) if call.filename == file), 0)
