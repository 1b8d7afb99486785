"""Send spans to a collector, and say what it took or why it did not."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from msgspec import Struct

from actortorrent.errors import UsageError
from actortorrent.tracing.exports.otlp import batches
from actortorrent.tracing.exports.span_values import Span

PATH = "/v1/traces"  # of traces at a collector, by OTLP's specification
TIMEOUT_SECONDS = 10.0  # for a request with all its repetitions
INSTALL = "pip install 'actortorrent[otel]'"


class Sent(Struct, frozen=True):
    """Say what a collector took: so many spans of so many peers, in one trace."""

    spans: int
    peers: int
    trace_id: str


def send_spans(
    spans: Iterable[Span], address: str, *, timeout_seconds: float = TIMEOUT_SECONDS
) -> Sent:
    """Send spans to a collector, some hundreds at a time, and return what it took.

    Headers (with a key, say) and certificates come from the environment, as for any
    exporter of OpenTelemetry: OTEL_EXPORTER_OTLP_HEADERS, OTEL_EXPORTER_OTLP_CERTIFICATE.

    Args:
        spans: of one trace.
        address: of the collector, as http://HOST:4318.
        timeout_seconds: for each request.

    Raises:
        CollectorError: if the collector is not there, does not answer, or refuses.
        UsageError: if `address` is none, or the extra is not installed.
    """
    endpoint = endpoint_of(address)
    try:
        from actortorrent.telemetry.collector import Collector  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(f"to send to a collector, first: {INSTALL}") from error
    count, trace_id = 0, 0
    peers: set[str] = set()
    with Collector(endpoint, timeout_seconds) as collector:
        for batch in batches(spans):
            collector.send(batch)
            count += len(batch)
            trace_id = batch[0].trace_id
            peers |= {span.peer.instance for span in batch}
    return Sent(count, len(peers), f"{trace_id:032x}")


def endpoint_of(address: str) -> str:
    """Return where traces are posted at a collector.

    Raises:
        UsageError: if `address` is none that has HTTP.
    """
    try:
        parts = urlsplit(address)
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        has_port = False
    if not has_port or parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"expected a collector's address as http://HOST:4318, found {address}")
    path = parts.path.rstrip("/")
    return parts._replace(path=path if path.endswith(PATH) else path + PATH).geturl()
