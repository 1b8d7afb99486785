"""A collector for tests: it reads OTLP over HTTP by OpenTelemetry's own schema, and keeps it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.peers.needs import need_module

SCHEMA = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"


@dataclass
class Collecting:
    """Hold what came, and say how it is answered.

    Attributes:
        port: of 127.0.0.1.
        requests: what was posted, decoded.
        heads: path and headers of each.
        answers: a status for each of the next requests; then 200.
        rejected: how many spans of each request it says it did not take.
    """

    port: int
    requests: list[Any] = field(default_factory=list)
    heads: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    rejected: int = 0
    is_silent: bool = False
    closing: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def spans(self) -> list[Any]:
        """Return all spans that came."""
        return [span for spans in self.spans_of_peers().values() for span in spans]

    def spans_of_peers(self) -> dict[str, list[Any]]:
        """Return the spans that came, by the instance in their resource."""
        found: dict[str, list[Any]] = {}
        for request in self.requests:
            for one in request.resource_spans:
                spans = found.setdefault(attributes(one.resource)["service.instance.id"], [])
                spans += [span for scope in one.scope_spans for span in scope.spans]
        return found


def attributes(of: Any) -> dict[str, Any]:
    """Return attributes by name."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


@contextmanager
def collecting() -> Iterator[Collecting]:
    """Run a collector on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.collecting = collector = Collecting(server.server_port)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield collector
        finally:
            collector.closing.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        collector: Collecting = self.server.collecting  # type: ignore[attr-defined]
        schema = need_module(SCHEMA)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if collector.is_silent:
            collector.closing.wait()
            return
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        collector.heads.append((self.path, dict(self.headers)))
        status = collector.answers.pop(0) if collector.answers else 200
        if status == 200:
            collector.requests.append(schema.ExportTraceServiceRequest.FromString(body))
        reply = schema.ExportTraceServiceResponse()
        if collector.rejected:
            reply.partial_success.rejected_spans = collector.rejected
            reply.partial_success.error_message = "too old"
        content = reply.SerializeToString()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Retry-After", "0")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
