"""Where the families are met: a stage is one process of the client, and who stands around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.hostile import sources
from tests.hostile.batch import Batch, fetching_in_turn
from tests.hostile.behaviours import Behaviour, Family
from tests.hostile.breaches import breaches
from tests.hostile.crowds import crowds
from tests.hostile.extending import extending
from tests.hostile.givers import givers
from tests.hostile.handshakes import handshakes
from tests.hostile.metadata import metadata
from tests.hostile.nodes import datagrams, nodes
from tests.hostile.outcomes import TRACEBACK, Outcome
from tests.hostile.takers import takers
from tests.hostile.torrents import meet_torrent, torrents
from tests.hostile.trackers import trackers, udp_trackers
from tests.hostile.trader import trading
from tests.hostile.vitals import Watched
from tests.hostile.web_seeding import web_seeds

NOWHERE = "127.0.0.1:9"  # where no node of the DHT answers


@dataclass(frozen=True, slots=True)
class Arena:
    """Be a stage while it is played on.

    Attributes:
        meet: lets one behaviour happen, and returns what came of it.
        process: the client; None where each behaviour has its own.
        finish: brings the client to its end, and sees that all is well.
    """

    meet: Callable[[Behaviour], Outcome]
    process: Running | None = None
    finish: Callable[[], None] = lambda: None

    def busy(self, seconds: float) -> float:
        """Return how much of a core the client takes while nothing happens."""
        return 0.0 if self.process is None else Watched(self.process.pid).busy(seconds)

    def complaints(self) -> list[str]:
        """Return lines that the client should not have printed: of errors that nobody expected."""
        lines = () if self.process is None else self.process.lines
        return [line for line in lines if TRACEBACK in line or "a bug of ours" in line]


@dataclass(frozen=True, slots=True)
class Stage:
    """Name a stage, the families that are met on it, and how it is opened."""

    name: str
    families: tuple[Family, ...]
    open: Callable[[Path], AbstractContextManager[Arena]]

    @property
    def behaviours(self) -> list[Behaviour]:
        """Return all that is met on it, in order."""
        return [behaviour for family in self.families for behaviour in family.behaviours]


@contextmanager
def _trading(folder: Path) -> Iterator[Arena]:
    with trading(folder) as trader:
        yield Arena(trader.meet, trader.process, trader.finish)


@contextmanager
def _being_a_node(folder: Path) -> Iterator[Arena]:
    with trading(folder, "--dht-node", NOWHERE) as trader:
        yield Arena(trader.meet_node, trader.process, trader.finish)


@contextmanager
def _fetching(folder: Path) -> Iterator[Arena]:
    with fetching_in_turn(folder) as batch:
        sources.warm_up(batch)
        yield Arena(lambda behaviour: MEETINGS[behaviour.family](batch, behaviour), batch.process)


@contextmanager
def _reading(folder: Path) -> Iterator[Arena]:
    folder.mkdir(exist_ok=True)
    yield Arena(lambda behaviour: meet_torrent(folder, behaviour))


MEETINGS: dict[str, Callable[[Batch, Behaviour], Outcome]] = {
    trackers.name: sources.meet_tracker,
    udp_trackers.name: sources.meet_udp_tracker,
    web_seeds.name: sources.meet_web_seed,
    metadata.name: sources.meet_metadata_peer,
    nodes.name: sources.meet_node,
}

TRADING = Stage("trading", (handshakes, breaches, givers, takers, extending, crowds), _trading)
BEING_A_NODE = Stage("being a node of the DHT", (datagrams,), _being_a_node)
FETCHING = Stage("fetching", (trackers, udp_trackers, web_seeds, metadata, nodes), _fetching)
READING = Stage("reading torrents", (torrents,), _reading)
STAGES = (TRADING, BEING_A_NODE, FETCHING, READING)
