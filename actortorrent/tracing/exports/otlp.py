"""A trace for OpenTelemetry: OTLP/JSON, a line for each request that a collector would get.

What the spans are is said in `spans.py`; `telemetry.py` sends them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from actortorrent.tracing.events import Event
from actortorrent.tracing.exports.span_values import SERVICE, Attributes, Note, Span
from actortorrent.tracing.exports.spans import spans_of
from actortorrent.tracing.header import TraceHeader

START = '{"resourceSpans":['
MAX_SPANS = 512  # of a request: some hundred KiB
ERROR = 2  # the code of a status
_to_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def export(
    header: TraceHeader,
    events: Iterable[Event],
    wanted: Callable[[Event], bool],
    run: str = "",
) -> Iterator[str]:
    """Yield the lines of the file; `run` keeps traces of the same torrent apart."""
    for batch in batches(spans_of(header, events, wanted, run)):
        groups = groupby(sorted(batch, key=_instance), key=lambda span: span.peer)
        yield _to_json({"resourceSpans": [_resource(list(spans)) for _, spans in groups]}) + "\n"


def batches(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Yield spans by as many as go into a request."""
    waiting = iter(spans)
    while batch := list(islice(waiting, MAX_SPANS)):
        yield batch


def _instance(span: Span) -> str:
    return span.peer.instance


def _resource(spans: Sequence[Span]) -> dict[str, Any]:
    return {
        "resource": {"attributes": _attributes(spans[0].peer.resource)},
        "scopeSpans": [{"scope": {"name": SERVICE}, "spans": [_span(span) for span in spans]}],
    }


def _span(span: Span) -> dict[str, Any]:
    trace_id = f"{span.trace_id:032x}"
    return {
        "traceId": trace_id,
        "spanId": f"{span.span_id:016x}",
        **({"parentSpanId": f"{span.parent_id:016x}"} if span.parent_id else {}),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(span.end_ns),
        "attributes": _attributes(span.attributes),
        "events": [_note(note) for note in span.notes],
        "links": [{"traceId": trace_id, "spanId": f"{link:016x}"} for link in span.links],
        "status": {"code": ERROR, "message": span.error} if span.error else {},
    }


def _note(note: Note) -> dict[str, Any]:
    return {
        "timeUnixNano": str(note.time_ns),
        "name": note.name,
        "attributes": _attributes(note.attributes),
    }


def _attributes(attributes: Attributes) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in attributes.items()]


def _value(value: str | bool | float) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
