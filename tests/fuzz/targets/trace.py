"""Traces of anybody: each line an event or refused, and every question has an answer."""

from __future__ import annotations

from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.linting import lint
from actortorrent.tracing.reader import MAX_NAME, MAX_TIME_NS, TraceFile
from actortorrent.tracing.stats import statistics
from tests.fuzz.in_memory import BytesPath
from tests.fuzz.refusing import check_refusal
from tests.tracing.traces import HEADER, event, message


def seeds() -> list[bytes]:
    events = [
        event("actor:spawned", "Swarm", 2, by="MainThread", lc=[1, 2]),
        message("Swarm", "Peer-1", "choke", (3, 4, 5), cause="Swarm#2"),
        event("bt:message_sent", "Peer-1", 6, conn=1, type="have", fields={"piece_index": 3}),
        event("actor:decision", "Seeder", 9, what="unchoke", chosen=[1], candidates=[{"conn": 1}]),
        event("trace:gap", "trace", 1, lost=7),
        event("trace:end", "trace", 1, events=4),
    ]
    header = HEADER.to_line()
    return [header + b"".join(one.to_line() for one in events), header, header + b'{"time": 1']


def check(data: bytes) -> None:
    try:
        with TraceFile(BytesPath.of(data)) as trace:
            events = list(trace.events())
    except InvalidTraceError as error:
        check_refusal(error)
        return
    for one in events:
        assert 0 <= one.time_ns < MAX_TIME_NS
        assert 0 < len(one.name) <= MAX_NAME
        one.to_line()
    graph = Graph(events)
    graph.problems()
    lint(trace.header, events)
    statistics(trace.header, graph.events).to_json()
