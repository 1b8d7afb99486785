"""A trace may be anybody's: whatever its events say, the questions end with an answer."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.diffing import compare
from actortorrent.tracing.events import Event
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.linting import lint
from actortorrent.tracing.merging import merge_traces
from actortorrent.tracing.stats import statistics
from actortorrent.tracing.ticks import ticks_of
from actortorrent.tracing.why import Story, why_choke, why_piece, why_slow
from tests.tracing.traces import HEADER, write_trace

NAMES = st.sampled_from(
    [
        "actor:message", "actor:timer", "actor:reply", "actor:spawned", "actor:decision",
        "actor:failed", "bt:message_sent", "bt:message_received", "bt:requests_sent",
        "bt:blocks_received", "bt:connection_begun", "bt:connection_opened",
        "bt:connection_closed", "bt:piece_verified", "bt:piece_failed", "trace:gap", "trace:end",
    ]
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "conn", "type", "fields", "offset", "length", "from", "to", "id", "lc", "args", "wait",
        "dur", "depth", "status", "op", "what", "chosen", "candidates", "rule", "slots", "peer",
        "by", "piece", "contributors", "count", "block_bytes", "address", "we_dialled", "local",
        "leases", "lease_id", "lease_ids", "given_back", "piece_index", "block_offset", "bits",
        "set_bits", "peer_id", "info_hash", "step", "answers", "verified", "reason", "run",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        "handshake", "bitfield", "have", "request", "cancel", "piece", "choke", "unchoke",
        "interested", "lease", "leases_filled", "leases_returned", "store_runs", "unchoke",
        "pick_piece", "content_checked", "piece_lost", "introduce", "ok", "ask", "Peer-1", "A",
        "Peer-1#3", "taken", "sent", "", "#", "/",
    ]
)  # fmt: skip
ATOMS = st.one_of(st.none(), st.booleans(), st.integers(-3, 50), st.floats(-1, 1e9), WORDS)
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=8,
)
EVENTS = st.lists(
    st.builds(
        Event,
        time_ns=st.integers(0, 100),
        name=NAMES,
        actor=st.sampled_from(["Peer-1", "Peer-2", "PieceManager", "Seeder", "A/B#3"]),
        lc=st.integers(0, 9),
        cause=st.sampled_from(["", "Peer-1#3", "nonsense", "#"]),
        data=st.dictionaries(KEYS, VALUES, max_size=8),
    ),
    max_size=12,
)


def told(answer: Any) -> None:
    answer.to_json()
    assert all(isinstance(part.text, str) for line in answer.lines() for part in line)


@settings(max_examples=100, deadline=None)
@given(EVENTS)
def test_every_question_is_answered(events: list[Event]) -> None:
    graph = Graph(events)
    for event in graph.events:
        assert graph.causes(event)[-1] is event
        assert next(iter(graph.effects(event))) == (0, event)
        assert ticks_of(event)
    graph.problems()
    lint(HEADER, events)
    story = Story(HEADER, graph.events)
    for answer in (*why_choke(story, "1"), *why_piece(story, 3), *why_slow(story)):
        told(answer)
    told(statistics(HEADER, graph.events))
    told(compare((HEADER, graph.events), (HEADER, events)))


@settings(max_examples=50, deadline=None)
@given(EVENTS, EVENTS)
def test_two_traces_are_merged_or_refused(first: list[Event], second: list[Event]) -> None:
    with TemporaryDirectory() as folder:
        paths = [
            write_trace(Path(folder) / name, events)
            for name, events in (("a.trace", first), ("b.trace", second))
        ]
        try:
            merge = merge_traces(paths)
        except InvalidTraceError:
            return
        merged = list(merge.events())
    assert len(merged) == len(first) + len(second)
    assert {one.actor.partition("/")[0] for one in merged} <= {"a", "b"}
