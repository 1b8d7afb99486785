"""The lab's scenarios: who takes part in each, how fast they may send, and what it shows.

Rates are parts of one figure, the lab's *rate*: unless it is given, so many bytes a second
that a seed sends the content once in `LESSON_SECONDS`. So any size takes about as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

from actortorrent.creating import checked_piece_length

LESSON_SECONDS = 8  # for a seed to send everything once: long enough to watch
LEAST_RATE = 64 * 1024
PACE = 10.0  # slots are reviewed each second, not every ten, or a lesson would take minutes
LEAST_PIECES = 64  # so that a map of the pieces shows something
LEAST_PIECE_BYTES = 16 * 1024
MOST_PIECE_BYTES = 4 * 1024 * 1024
MAX_MEMBERS = 50
MOST_BYTES_BY_BLOCK = 16 * 1024 * 1024  # of content whose traces have each block


class Role(StrEnum):
    """What a member of the swarm does."""

    SEED = "seed"
    LEECH = "leech"
    FREE_RIDER = "free-rider"  # fetches, and never sends
    SLOW_SEED = "slow-seed"
    BAD_PEER = "bad-peer"  # a seed that alters what it sends
    LIBTORRENT = "libtorrent"  # a leech of another make
    ARIA2 = "aria2"


FETCHING = frozenset([Role.LEECH, Role.FREE_RIDER, Role.LIBTORRENT, Role.ARIA2])
EXTERNAL = frozenset([Role.LIBTORRENT, Role.ARIA2])


class Scenario(Struct, frozen=True, kw_only=True):
    """Describe one scenario.

    Attributes:
        about: what happens, and what can be learnt from it, in one sentence.
        seeds, leeches: how many there are, unless others are asked for.
        seed_rate, leech_rate: upload limits, in parts of the lab's rate.
        seed_slots, leech_slots: how many peers each serves at once; None: the default.
        odd_one: who takes part besides, if anybody does.
        odd_rate: its upload limit.
        loses_tracker: whether the tracker is killed once all know each other.
    """

    about: str
    seeds: int = 1
    leeches: int = 3
    seed_rate: float = 1.0
    leech_rate: float = 1.0
    seed_slots: int | None = None
    leech_slots: int | None = None
    odd_one: Role | None = None
    odd_rate: float = 1.0
    loses_tracker: bool = False


SCENARIOS: Mapping[str, Scenario] = {
    "basic": Scenario(
        about="leeches fetch from a seed, and from each other what one of them already has"
    ),
    "free-rider": Scenario(
        about="one leech never sends; the others serve it only when the lot falls on it",
        leeches=5,  # with fewer, hardly anybody is left to be drawn but the free rider
        seed_rate=2.0,  # the leeches always have something that others lack
        leech_rate=0.7,
        seed_slots=5,  # for each leech one, none for who comes late
        leech_slots=3,
        odd_one=Role.FREE_RIDER,
    ),
    "slow-seed": Scenario(
        about="the seed is slow, so most of what the leeches get they get from each other",
        seed_rate=0.75,
        leech_rate=3.0,
    ),
    "bad-peer": Scenario(
        about="a seed alters what it sends; it is found out and banned, and nobody else is",
        odd_one=Role.BAD_PEER,
    ),
    "endgame": Scenario(
        about="the last blocks hang on a very slow seed, and are asked of others, too",
        seeds=2,
        leeches=2,
        odd_one=Role.SLOW_SEED,
        odd_rate=0.125,
    ),
    "tracker-down": Scenario(
        about="the tracker dies when all know each other, and is not missed",
        loses_tracker=True,
    ),
    "super-choked": Scenario(
        about="everyone serves one peer at a time, so everyone waits for a slot",
        leeches=6,
        seed_slots=1,
        leech_slots=1,
    ),
}


class Member(Struct, frozen=True, kw_only=True):
    """Name one process of the swarm, and say how it behaves.

    Attributes:
        rate: upload limit in bytes a second.
        slots: how many peers it serves at once; None: the default.
    """

    name: str
    role: Role
    rate: int
    slots: int | None = None

    @property
    def fetches(self) -> bool:
        """Say whether it comes for the content, and does not bring it."""
        return self.role in FETCHING

    @property
    def comes_late(self) -> bool:
        """Say whether it comes when the others know each other."""
        return self.role is Role.FREE_RIDER

    @property
    def is_traced(self) -> bool:
        """Say whether it writes a trace: it is ours."""
        return self.role not in EXTERNAL


class Plan(Struct, frozen=True, kw_only=True):
    """Say all about a run of the lab before it begins.

    Attributes:
        scenario: its name.
        size: bytes of the content.
        piece_length: bytes of each piece but the last.
        rate: upload limit, of which the scenario gives each member a part.
        seed: what all dice are seeded with.
        pace: how many times as fast as usual slots are reviewed.
        picker: what chooses pieces for the leeches, `FILE.py:CLASS`, the file with its
            folder; empty: the usual rules.
        trace_level: how fine the traces are: "piece", "block" or "payload".
    """

    scenario: str
    members: tuple[Member, ...]
    size: int
    piece_length: int
    rate: int
    seed: int
    pace: float
    picker: str = ""
    trace_level: str

    @property
    def loses_tracker(self) -> bool:
        """Say whether the tracker dies on the way."""
        return SCENARIOS[self.scenario].loses_tracker

    @property
    def about(self) -> str:
        """Say what happens."""
        return SCENARIOS[self.scenario].about


def make_plan(
    scenario: str,
    *,
    size: int,
    seed: int,
    seeds: int | None = None,
    leeches: int | None = None,
    piece_length: int | None = None,
    rate: int | None = None,
    pace: float = PACE,
    external: Role | None = None,
    picker: str = "",
    trace_level: str | None = None,
) -> Plan:
    """Return the plan of a run; what is not given is the scenario's.

    Raises:
        UsageError: if content of this size cannot be cut into such pieces.
    """
    rules = SCENARIOS[scenario]
    rate = rate or max(LEAST_RATE, size // LESSON_SECONDS)
    members = _members(
        rules,
        rules.seeds if seeds is None else seeds,
        rules.leeches if leeches is None else leeches,
    )
    others = [] if external is None else [Member(name=str(external), role=external, rate=rate)]
    return Plan(
        scenario=scenario,
        members=tuple(_with_rates(rules, [*members, *others], rate)),
        size=size,
        piece_length=checked_piece_length(piece_length or lesson_piece_length(size), size),
        rate=rate,
        seed=seed,
        pace=pace,
        picker=picker,
        trace_level=trace_level or lesson_trace_level(size),
    )


def lesson_piece_length(size: int) -> int:
    """Return the greatest power of two that leaves enough pieces to look at."""
    length = LEAST_PIECE_BYTES
    while length < MOST_PIECE_BYTES and size >= 2 * length * LEAST_PIECES:
        length *= 2
    return length


def lesson_trace_level(size: int) -> str:
    """Return how fine traces can be: each block where few are, else sums of them."""
    return "block" if size <= MOST_BYTES_BY_BLOCK else "piece"


def _members(rules: Scenario, seeds: int, leeches: int) -> Iterator[Member]:
    for number in range(1, seeds + 1):
        yield Member(name=f"seed-{number}", role=Role.SEED, rate=0, slots=rules.seed_slots)
    if rules.odd_one is not None and rules.odd_one not in FETCHING:
        yield Member(name=str(rules.odd_one), role=rules.odd_one, rate=0)
    for number in range(1, leeches + 1):
        yield Member(name=f"leech-{number}", role=Role.LEECH, rate=0, slots=rules.leech_slots)
    if rules.odd_one is Role.FREE_RIDER:
        yield Member(name=str(rules.odd_one), role=rules.odd_one, rate=0, slots=0)


def _with_rates(rules: Scenario, members: list[Member], rate: int) -> Iterator[Member]:
    for member in members:
        part = rules.leech_rate if member.fetches else rules.seed_rate
        if member.role is rules.odd_one:
            part = rules.odd_rate
        yield Member(
            name=member.name, role=member.role, rate=max(1, int(rate * part)), slots=member.slots
        )
