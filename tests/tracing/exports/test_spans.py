"""How events become spans: what is below what, what is noted, and what is bounded."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.events import Event
from actortorrent.tracing.exports import otlp, spans
from actortorrent.tracing.exports.span_values import Span
from tests.peers.needs import need_module
from tests.telemetry.collecting import SCHEMA
from tests.tracing.traces import BEGIN_NS, HEADER, event, message


def spans_of(events: Iterable[Event]) -> Iterator[Span]:
    return spans.spans_of(HEADER, events, lambda _event: True)


def by_name(events: Iterable[Event]) -> dict[str, Span]:
    return {span.name: span for span in spans_of(events)}


def test_a_timer_is_linked_to_what_set_it_and_stands_below_the_session() -> None:
    made = by_name(
        [
            message("A", "B", "go", (1, 2, 3), ms=1),
            event("actor:timer", "B", 4, cause="B#2", ms=9, type="_tick", dur=5, lc=[4, 5]),
        ]
    )
    assert made["B._tick"].parent_id == made["session"].span_id
    assert made["B._tick"].links == (made["B.go"].span_id,)


def test_an_effect_of_what_is_noted_stands_below_the_span_that_it_is_noted_at() -> None:
    made = by_name(
        [
            message("A", "B", "go", (1, 2, 6), ms=1),
            event("actor:decision", "B", 3, cause="B#2", ms=1, what="drop"),
            message("B", "C", "went", (4, 5, 6), cause="B#3", ms=2),
        ]
    )
    assert made["C.went"].parent_id == made["B.go"].span_id


def test_what_is_done_long_after_its_cause_is_a_span_of_its_own() -> None:
    made = by_name(
        [
            message("A", "B", "go", (1, 2, 3), ms=1),
            event("actor:decision", "B", 4, cause="B#2", ms=5000, what="drop"),
        ]
    )
    assert made["decision drop"].parent_id == made["B.go"].span_id
    assert made["B.go"].notes == ()


def test_a_cause_that_is_not_told_is_a_link_and_no_parent() -> None:
    made = by_name([message("A", "B", "go", (1, 2, 3), cause="A#1", ms=1)])
    assert made["B.go"].parent_id == made["session"].span_id
    assert len(made["B.go"].links) == 1


def test_both_ends_of_a_connection_call_a_message_the_same() -> None:
    ends: tuple[dict[str, Any], ...] = (
        {"local": "10.0.0.1:5", "remote": "10.0.0.2:6"},
        {"local": "10.0.0.2:6", "remote": "10.0.0.1:5"},
    )
    about = {"conn": 1, "offset": 68, "length": 5, "type": "choke"}
    one, other = (
        [
            event("bt:connection_opened", "Peer-1", 1, conn=1, **end),
            event(f"bt:message_{way}", "Peer-1", 2, ms=1, **about),
        ]
        for end, way in zip(ends, ("sent", "received"), strict=True)
    )
    sent, received = by_name(one)["send choke"], by_name(other)["receive choke"]
    assert received.links == (sent.span_id,)
    assert received.trace_id == sent.trace_id


def test_a_long_trace_is_not_held_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MAX_KNOWN", 100)
    taken = 0

    def endless() -> Iterator[Event]:
        nonlocal taken
        while True:
            taken += 3
            yield message("A", "B", "go", (taken, taken + 1, taken + 2), ms=taken)

    made = spans_of(endless())
    ahead = []
    for given in range(3000):
        next(made)
        ahead.append(taken // 3 - given)
    assert max(ahead) < 400, "what may still be noted at is held for a second"


def test_times_are_those_of_the_wall_clock() -> None:
    header = replace(HEADER, wall_clock_time="2026-01-01T00:00:00.5+01:00")
    events = [message("A", "B", "go", (1, 2, 3), ms=250)]
    (span, _) = spans.spans_of(header, events, lambda _event: True)
    assert span.start_ns == 1_767_222_000_750_000_000
    assert span.end_ns - span.start_ns == 1000


def test_a_trace_without_a_time_is_refused() -> None:
    header = replace(HEADER, wall_clock_time="soon")
    with pytest.raises(InvalidTraceError, match="expected a time as wall_clock_time"):
        list(spans.spans_of(header, [], lambda _event: True))


def test_strange_values_can_be_sent_all_the_same() -> None:
    strange: dict[str, Any] = {"dur": 10**30, "wait": -1, "args": {"x": 10**40, "y": [1, {}]}}
    odd = message("A", "B", "\ud800", (1, 2, 3), ms=-1e15, status={"a": 1}, **strange)
    (span, _) = spans_of([odd])
    assert span.name == "B.?"
    assert (span.start_ns, span.attributes["args.y"]) == (0, "[1,{}]")
    assert 0 <= span.end_ns < 1 << 63
    assert len(str(span.attributes["args.x"])) < 50


def test_a_file_of_otlp_is_what_a_collector_reads() -> None:
    events = [
        message("A", "B", "go", (1, 2, 3), ms=1, args={"n": 3, "rate": 1.5, "is_new": True}),
        event("actor:decision", "B", 3, cause="B#2", ms=1, what="drop"),
    ]
    made = list(spans_of(events))
    (line,) = otlp.export(HEADER, events, lambda _event: True)
    assert line.startswith(otlp.START)
    parse = need_module("google.protobuf.json_format").Parse
    read = parse(_with_base64_ids(line), need_module(SCHEMA).ExportTraceServiceRequest())
    (scope,) = read.resource_spans[0].scope_spans
    assert [int.from_bytes(one.span_id) for one in scope.spans] == [one.span_id for one in made]
    assert [int.from_bytes(one.parent_span_id) for one in scope.spans] == [
        one.parent_id for one in made
    ]
    assert scope.spans[0].start_time_unix_nano == made[0].start_ns
    assert scope.spans[0].events[0].name == "decision drop"
    assert made[0].start_ns - HEADER.wall_clock_ns == 1_000_000 == events[0].time_ns - BEGIN_NS


def _with_base64_ids(line: str) -> str:
    """Return OTLP's JSON with ids as protobuf's own JSON has them: OTLP wants hexadecimal."""

    def changed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        is_id = {"traceId", "spanId", "parentSpanId"}
        return {
            key: base64.b64encode(bytes.fromhex(value)).decode() if key in is_id else value
            for key, value in pairs
        }

    return json.dumps(json.loads(line, object_pairs_hook=changed))
