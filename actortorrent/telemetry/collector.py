"""A collector as OpenTelemetry's exporter reaches it, in words that a person can use.

The exporter repeats what may go better in a moment, and for how long it does is bounded;
it only says whether spans were taken. Why not is seen by the session that it sends through.
"""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.trace.export import SpanExportResult
from urllib3.exceptions import HTTPError

from actortorrent.errors import CollectorError
from actortorrent.telemetry.readable import readable_span
from actortorrent.tracing.exports.span_values import Span

MAX_REPLY_BYTES = 64 * 1024
MAX_WORDS = 200  # characters of what a collector says
LIBRARY = logging.getLogger("opentelemetry")  # writes to stderr what we say ourselves


class Collector:
    """Send spans to one collector; to be used as a context manager."""

    def __init__(self, endpoint: str, timeout_seconds: float) -> None:
        self._address = urlsplit(endpoint).netloc.rpartition("@")[2]  # without a password
        self._session = _WatchedSession()
        self._exporter = OTLPSpanExporter(
            endpoint,
            timeout=timeout_seconds,
            compression=Compression.Gzip,
            session=self._session,
        )
        self._level = logging.NOTSET

    def __enter__(self) -> Self:
        """Keep the library quiet from now on."""
        self._level = LIBRARY.level
        LIBRARY.setLevel(logging.CRITICAL + 1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the connection."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]
        LIBRARY.setLevel(self._level)

    def send(self, spans: list[Span]) -> None:
        """Send some spans.

        Raises:
            CollectorError: if the collector did not take all of them.
        """
        result = self._exporter.export([readable_span(span) for span in spans])
        if result is not SpanExportResult.SUCCESS or self._session.failure:
            why = self._session.failure or "was not sent what it should have been"
            raise CollectorError(f"the collector at {self._address} {why}")


class _AbsentError(Exception):
    """Keep the exporter from asking again and again a collector that never was there."""


class _WatchedSession(requests.Session):
    """Know why a request failed."""

    def __init__(self) -> None:
        super().__init__()
        self.failure = ""
        self._has_answered = False

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send as requests do, and note what became of it."""
        try:
            reply = super().send(request, **{**options, "stream": True})
        except requests.Timeout:
            self.failure = "does not answer in time"
            raise
        except requests.RequestException as error:
            self.failure = f"cannot be reached: {_reason(error)}"
            if self._has_answered:
                raise  # it may be back in a moment
            raise _AbsentError from error
        self._has_answered = True
        self.failure = _refusal(reply)
        return reply


def _refusal(reply: requests.Response) -> str:
    """Return how a collector refused spans, or nothing if it took them all."""
    with reply:
        if reply.status_code // 100 != 2:
            return f"refuses: {reply.status_code} {(reply.reason or '')[:MAX_WORDS]}".rstrip()
        try:
            body = reply.raw.read(MAX_REPLY_BYTES, decode_content=True)
            said = ExportTraceServiceResponse.FromString(body).partial_success
        except (DecodeError, OSError, requests.RequestException, HTTPError):
            return ""  # taken, whatever else it says
    if not said.rejected_spans:
        return ""
    return f"refuses {said.rejected_spans} spans: {said.error_message[:MAX_WORDS]}".rstrip(": ")


def _reason(error: BaseException) -> str:
    """Return the innermost cause of a failed connection: the others' texts show objects."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    said = getattr(error, "strerror", None)
    return said if isinstance(said, str) else type(error).__name__
