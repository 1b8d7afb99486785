"""Spans as OpenTelemetry's exporters take them; its own tracers only make spans of now."""

from __future__ import annotations

from functools import lru_cache

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from actortorrent.tracing.exports.span_values import CONSUMER, PRODUCER, SERVICE, Peer, Span
from actortorrent.version import VERSION

KINDS = {PRODUCER: SpanKind.PRODUCER, CONSUMER: SpanKind.CONSUMER}
SCOPE = InstrumentationScope(SERVICE, VERSION)


def readable_span(span: Span) -> ReadableSpan:
    """Return a span as an exporter takes it."""
    return ReadableSpan(
        span.name,
        context=_context(span, span.span_id),
        parent=_context(span, span.parent_id) if span.parent_id else None,
        resource=_resource(span.peer),
        attributes=span.attributes,
        events=[Event(note.name, note.attributes, note.time_ns) for note in span.notes],
        links=[Link(_context(span, link)) for link in span.links],
        kind=KINDS.get(span.kind, SpanKind.INTERNAL),
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=SCOPE,
    )


def _context(span: Span, span_id: int) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(span.trace_id, span_id, is_remote=False, trace_flags=sampled)


@lru_cache(maxsize=64)
def _resource(peer: Peer) -> Resource:
    return Resource(peer.resource)
