"""The figures that docs/reliability.md promises: what takes its time, with nothing cut short."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.content import make_content
from tests.hostile.batch import fetching_in_turn
from tests.hostile.honest import HonestPeer
from tests.hostile.line import GoneError, Line
from tests.hostile.log import Log
from tests.hostile.outcomes import Outcome
from tests.hostile.sources import small_content
from tests.hostile.trackers import honest_reply
from tests.hostile.trader import Trader, trading
from tests.hostile.vitals import MIB

GOAL_HANDSHAKE_SECONDS = 10.0
GOAL_NEXT_TIER_SECONDS = 5.0
GOAL_FETCHED_AGAIN = 0.01
CORRUPT_MIB = 128
CORRUPT_PIECE_BYTES = 256 * 1024
SILENT_CROWD = "crowd: comes 250 times in silence"
THOUSAND = "crowd: comes from 1000 ports"
NOT_AFTER = ("crowd", "dht", "request: takes slots")  # these are still there, or UDP
IDLE_SECONDS, MOST_BUSY = 3.0, 0.01
ON_TIME_SECONDS = 0.5  # of ten, that a timer, a thread and a socket take together


@dataclass(frozen=True, slots=True)
class Figure:
    """Hold one figure: what it is, what it came to, and what it is to be."""

    what: str
    found: str
    goal: str
    is_met: bool


@dataclass(slots=True)
class Played:
    """Hold what came of all behaviours of one stage, by their names.

    Attributes:
        failed: those that were not survived, or not well.
        complaints: what it should not have printed.
    """

    stage: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def has_survived(self) -> bool:
        """Say whether all went well."""
        return not self.failed and not self.complaints


def figures_of(played: Sequence[Played]) -> Iterator[Figure]:
    """Yield what all behaviours together say."""
    outcomes = {name: one for stage in played for name, one in stage.outcomes.items()}
    failed = sum(len(stage.failed) for stage in played)
    count = len(outcomes) + sum(name not in outcomes for stage in played for name in stage.failed)
    found = f"{count - failed} of {count}"
    yield Figure("hostile behaviours survived", found, "all", not failed)
    growth = max(one.growth_bytes for one in outcomes.values()) / MIB
    yield Figure("memory growth in any of them", f"{growth:.1f} MiB", "20 MiB", growth <= 20)
    peak = max(one.peak_bytes for one in outcomes.values()) / MIB
    yield Figure("memory in all", f"{peak:.0f} MiB", "150 MiB", peak <= 150)
    served = [
        one.served_seconds
        for name, one in outcomes.items()
        if one.served_seconds and not name.startswith(NOT_AFTER)
    ]
    words = f"{1000 * median(served):.0f} ms (median), {1000 * max(served):.0f} ms (most)"
    yield Figure("an honest peer served after an attack", words, "0.2 s", median(served) <= 0.2)
    crowd = outcomes[SILENT_CROWD].served_seconds
    yield Figure("under 250 silent connections", f"{crowd:.2f} s", "2 s", crowd <= 2)
    more = outcomes[THOUSAND].threads + outcomes[THOUSAND].descriptors
    what = "threads and descriptors more after 1,000 hostile connections"
    yield Figure(what, str(more), "none", more <= 0)


def all_figures(folder: Path) -> Iterator[Figure]:
    """Yield each figure as soon as it is known."""
    yield from handshake_figures(folder / "handshakes")
    yield next_tier_figure(folder / "trackers")
    yield corruption_figure(folder / "corruption")


def handshake_figures(folder: Path) -> Iterator[Figure]:
    """Yield how long connections last that never come to a handshake, and what is done then."""
    with trading(folder, haste={}) as trader:
        silent, dribbling = _times(trader)
        busy = trader.watched.busy(IDLE_SECONDS)
    for what, seconds in (("a silent connection", silent), ("one byte a second", dribbling)):
        is_met = seconds <= GOAL_HANDSHAKE_SECONDS + ON_TIME_SECONDS
        yield Figure(f"{what}: closed after", f"{seconds:.1f} s", "10 s", is_met)
    yield Figure("idle CPU afterwards", f"{busy:.3f} core", "0.01 core", busy <= MOST_BUSY)


def _times(trader: Trader) -> tuple[float, float]:
    """Return the seconds that a silent connection lasts, and one that dribbles."""
    lasted = [0.0, 0.0]
    with trader.dial() as silent, trader.dial() as dribbling:
        began = time.monotonic()

        def dribble() -> None:
            with suppress(GoneError):
                for byte in dribbling.handshake():
                    dribbling.send(bytes((byte,)))
                    ready, _, _ = select.select([dribbling.sock], [], [], 1)
                    if ready:
                        break
            lasted[1] = time.monotonic() - began

        thread = threading.Thread(target=dribble)
        thread.start()
        _until_closed(silent)
        lasted[0] = time.monotonic() - began
        thread.join()
    return lasted[0], lasted[1]


def _until_closed(line: Line) -> None:
    line.sock.settimeout(2 * GOAL_HANDSHAKE_SECONDS)
    with suppress(ConnectionError):
        line.sock.recv(1)


def next_tier_figure(folder: Path) -> Figure:
    """Return how long after a tracker that hangs the next tier is asked."""
    asked: list[float] = []
    with fetching_in_turn(folder, haste={}) as batch:
        content = small_content(folder)
        with HonestPeer(content) as peer:
            peer.may_serve.set()
            reply = honest_reply(peer.address)

            def hang(talk: HttpTalk) -> None:
                asked.append(time.monotonic())
                talk.hang()

            def answer(talk: HttpTalk) -> None:
                asked.append(time.monotonic())
                reply(talk)

            with PlayedHttpTracker(answer) as honest, PlayedHttpTracker(hang) as foe:
                named = content.naming(foe.url, honest.url)
                batch.meet(named, str(named.torrent))
    seconds = asked[1] - asked[0]
    is_met = seconds <= GOAL_NEXT_TIER_SECONDS
    return Figure("a tracker hangs: the next is asked after", f"{seconds:.1f} s", "5 s", is_met)


def corruption_figure(folder: Path) -> Figure:
    """Return which part of the content is fetched again, where one of four peers sends wrong bytes."""
    size = CORRUPT_MIB * MIB
    failed = len(pieces_spoilt(folder, size))
    share = failed * CORRUPT_PIECE_BYTES / size
    return Figure(
        "one corrupt peer of four: fetched again",
        f"{100 * share:.2f} % ({failed} pieces of 256 KiB, of {CORRUPT_MIB} MiB)",
        "1 %",
        share <= GOAL_FETCHED_AGAIN,
    )


def pieces_spoilt(folder: Path, size: int) -> list[dict[str, object]]:
    """Fetch from three honest peers and a liar; return what was said of each piece that was wrong."""
    with fetching_in_turn(folder) as batch, ExitStack() as stack:
        content = make_content(folder / "content", size, piece_length=CORRUPT_PIECE_BYTES)
        peers = [HonestPeer(content, spoils=number == 0) for number in range(4)]
        for peer in peers:
            stack.enter_context(peer).may_serve.set()
        addresses = [peer.address for peer in peers]
        ended, trace, output = batch.fetch(str(content.torrent), peers=addresses)
        assert ended["is_complete"], ended
        content.assert_same_in(output)
    with closing(Log(trace)) as log:
        log.read_on()
    return log.facts["bt:piece_failed"]
