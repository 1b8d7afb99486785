"""The traces of a swarm whose members are killed, stopped and fail keep the laws of causality."""

from __future__ import annotations

import json
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from actortorrent.errors import ExitCode
from actortorrent.lab.observing import TraceTail
from actortorrent.lab.processes import ACTORTORRENT, Running
from actortorrent.tracing.events import MESSAGE, WIRE_SENT, Event
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.merging import Merge, merge_traces
from actortorrent.tracing.reader import TraceFile
from tests.content import Content, make_content
from tests.peers.own import own_seed
from tests.peers.processes import wait_until
from tests.tracing.streams import broken_streams
from tests.tracing.traces import broken_laws

CONTENT_BYTES = 20 * 1024 * 1024
PIECE_BYTES = 16 * 1024
RATE = "7M"
LEECHES = ("completes", "fails", "killed", "ctrl-c", "terminated")
PIECES_UNTIL_END = 200  # of 1,280, for those who are ended
LEAST_MESSAGES = 10_000


@dataclass(frozen=True)
class Ended:
    """What came of the swarm: traces by name, and the exit codes of the leeches."""

    traces: dict[str, Path]
    codes: dict[str, int]
    merge: Merge
    events: list[Event]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """Run a seed and five leeches, of which one ends because it has everything."""
    folder = tmp_path_factory.mktemp("ends")
    content = make_content(folder / "content", CONTENT_BYTES, piece_length=PIECE_BYTES)
    traces = {name: folder / f"{name}.trace" for name in ("seed", *LEECHES)}
    options = {name: own_options(trace, name) for name, trace in traces.items()}
    codes = {}
    with own_seed(content, extra=options["seed"]) as seed, ExitStack() as stack:
        running: dict[str, Running] = {}
        peers = [seed.address]
        for name in LEECHES:
            started = leech(content, folder / name, name, peers, options[name])
            running[name] = stack.enter_context(started)
            port = running[name].wait_for_line(r'"listening", "port": (\d+)')[1]
            peers.append(f"127.0.0.1:{port}")
        end(running, traces)
        for name, process in running.items():
            codes[name] = process.wait() if name != "killed" else -signal.SIGKILL
        seed.interrupt()
    merge = merge_traces(list(traces.values()), list(traces))
    return Ended(traces, codes, merge, list(merge.events()))


def own_options(trace: Path, name: str) -> list[str | Path]:
    traced: list[str | Path] = ["--trace", trace, "--trace-name", name, "--trace-level", "block"]
    return [*traced, "--no-trackers", "--up", RATE]


@contextmanager
def leech(
    content: Content, folder: Path, name: str, peers: list[str], options: list[str | Path]
) -> Iterator[Running]:
    command = [sys.executable, "-m", "tests.lab.failing"] if name == "fails" else ACTORTORRENT
    what = ["fetch", content.torrent, "--output", folder, "--progress", "json", *options]
    stay = [] if name == "completes" else ["--keep-seeding"]  # until something ends it
    dial = [*stay, *(part for peer in peers for part in ("--peer", peer))]
    with Running([*command, *what, *dial, "--port", "0", "--bind", "127.0.0.1"]) as process:
        yield process


def end(running: dict[str, Running], traces: dict[str, Path]) -> None:
    """End three of them, each its own way, when they have some of the content."""
    signals = {
        "killed": signal.SIGKILL,
        "ctrl-c": signal.SIGINT,
        "terminated": signal.SIGTERM,
    }
    for name, number in signals.items():
        with closing(TraceTail(traces[name])) as tail:
            wait_until(lambda: has_some(tail), running[name], "it has some pieces")
        running[name]._signal(number)


def has_some(tail: TraceTail) -> bool:
    tail.read_on()
    return tail.pieces.bit_count() >= PIECES_UNTIL_END


def test_each_ended_as_it_should(ended: Ended) -> None:
    assert ended.codes == {
        "completes": ExitCode.DONE,
        "fails": ExitCode.BUG,
        "killed": -signal.SIGKILL,
        "ctrl-c": ExitCode.INTERRUPTED,
        "terminated": ExitCode.INTERRUPTED,
    }
    failed = [one.actor for one in ended.events if one.name == "actor:failed"]
    assert failed == ["fails/PieceManager"]
    assert {node.name for node in ended.merge.header.nodes if not node.has_end} == {"killed"}


def test_the_file_of_a_killed_process_reads_to_its_last_whole_line(ended: Ended) -> None:
    whole, _, _ = ended.traces["killed"].read_bytes().rpartition(b"\n")
    lines = whole.splitlines()[1:]
    with TraceFile(ended.traces["killed"]) as trace:
        events = list(trace.events())
    assert len(events) == len(lines) > 500
    assert events[-1].data == json.loads(lines[-1])["data"]
    assert Graph(events).problems() == []


def test_happens_before_holds_though_some_were_killed_stopped_or_failed(ended: Ended) -> None:
    kinds = Counter(event.name for event in ended.events)
    assert kinds[MESSAGE] + kinds[WIRE_SENT] >= LEAST_MESSAGES
    assert Graph(ended.events).problems() == []
    assert broken_streams(ended.merge.header, ended.events) == []
    for name in set(ended.traces) - {"killed"}:
        with TraceFile(ended.traces[name]) as trace:
            assert broken_laws(trace.events()) == [], name


def test_what_the_dead_were_told_is_in_the_traces_of_the_others(ended: Ended) -> None:
    report = ended.merge.report
    assert report.connections >= len(LEECHES)
    assert report.matched > 3000
    assert report.held_back == 0
    lost = Counter(one.data["status"] for one in ended.events if one.name == MESSAGE)
    assert lost["error"] >= 1
    assert lost["dropped"] + lost["dead"] >= 1
