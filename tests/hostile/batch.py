"""A client that fetches one small torrent after another, in one process, with a foe in each.

The foe is a tracker, a web server, or a peer that has the metadata; behind it waits an honest
peer, which all of the torrent comes from in the end.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from actortorrent.lab.processes import Running
from tests.content import Content
from tests.hostile.log import Log
from tests.hostile.outcomes import Outcome
from tests.hostile.vitals import Vitals, Watched

HASTE: dict[str, float] = {
    "session.GOODBYE_SECONDS": 0.1,
    "actors.swarm_dialling.LONELY_SECONDS": 0.2,
    "actors.reporter.TICK_SECONDS": 0.05,
    "actors.piece_lending.STUCK_SECONDS": 0.2,
    "actors.tracker.PATIENCE_SECONDS": 0.2,
    "actors.tracker.GOODBYE_SECONDS": 0.1,
    "actors.tracker.UNMET_SECONDS": 0.05,
    "actors.http_fetching.HttpLimits.total_seconds": 1.0,
    "actors.tracker_calls.UdpLimits.first_patience_seconds": 0.5,
    "actors.web_seed_fetching.STALL_SECONDS": 0.2,
    "rules.web_seeds.FIRST_REST_SECONDS": 0.05,
    "rules.web_seeds.MOST_REST_SECONDS": 0.1,
    "rules.metadata_fetching.ANSWER_SECONDS": 0.5,
    "rules.metadata_fetching.TIMEOUT_PAUSE_SECONDS": 0.2,
    "rules.metadata_fetching.REJECT_PAUSE_SECONDS": 0.2,
}
STALL_SECONDS = 10.0  # then a fetch that an attack has stopped says so


class Batch:
    """The process under attack."""

    def __init__(self, process: Running, folder: Path) -> None:
        self.process = process
        self.watched = Watched(process.pid)
        self.folder = folder
        self._count = 0
        self._calm: Vitals | None = None

    def fetch(self, source: str, **given: Any) -> tuple[dict[str, Any], Path, Path]:
        """Let it fetch something; return what it says came of that, its log and its output."""
        self._count += 1
        trace, output = self.folder / f"{self._count}.trace", self.folder / f"{self._count}"
        told = {
            "source": source,
            "output": str(output),
            "trace": str(trace),
            "bind": "127.0.0.1",
            "port": 0,
            "stall_timeout_seconds": STALL_SECONDS,
            "flight_events": 0,
            **given,
        }
        pipe = self.process._process.stdin
        assert pipe is not None
        pipe.write(json.dumps(told).encode() + b"\n")
        pipe.flush()
        ended = self.process.wait_for_line(f'"event": "ended", "number": {self._count}, .*')
        return json.loads("{" + ended[0]), trace, output

    def meet(self, content: Content, source: str, **given: Any) -> Outcome:
        """Let it fetch in spite of a foe, and see what that took."""
        calm = self._calm or self.watched.rest()
        before = self.watched.look()
        self.watched.forget_peak()
        ended, trace, output = self.fetch(source, **given)
        assert ended["is_complete"], ended
        content.assert_same_in(output)
        peak = self.watched.look().peak
        after = self.watched.settle(calm.threads, calm.descriptors)
        if self._calm is None:  # what is made at the first use is made now
            self._calm = calm = after
        return Outcome(
            whys=[*ended["notices"], *reasons_in(trace)],
            growth_bytes=peak - before.resident,
            peak_bytes=peak,
            threads=after.threads - calm.threads,
            descriptors=after.descriptors - calm.descriptors,
            fetched_seconds=ended["seconds"],
        )


def reasons_in(trace: Path) -> list[str]:
    """Return all that a log says of what went wrong."""
    with closing(Log(trace)) as log:
        log.read_on()
    whys = [why for each in log.whys.values() for why in each]
    return [*whys, *(f"{name}: {fact}" for name in log.facts for fact in log.facts[name])]


@contextmanager
def fetching_in_turn(
    folder: Path, haste: Mapping[str, float] = MappingProxyType(HASTE)
) -> Iterator[Batch]:
    """Run a client that fetches what it is told to, while the block runs."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "tests.hostile.client", json.dumps(dict(haste)), "batch"]
    with Running(command) as process:
        yield Batch(process, folder)
