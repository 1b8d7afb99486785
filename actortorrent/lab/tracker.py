"""An HTTP tracker for the lab, the demo and tests: announce and scrape (BEP 3, 23, 48).

As a process of its own it prints one JSON object a line, the first says where it is::

    $ python -m actortorrent.lab.tracker
    {"event": "listening", "url": "http://127.0.0.1:41873/announce"}
    {"event": "announced", "what": "started", "peer": "127.0.0.1:6881", "left": 0, ...}

It is meant for one machine: every torrent is welcome, and nothing is kept on disk.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self

from msgspec import Struct

from actortorrent.errors import TrackerError
from actortorrent.lab.tracked_peers import TrackedPeers
from actortorrent.lab.tracker_requests import (
    read_announce,
    read_scrape,
    write_announce_reply,
    write_failure,
    write_scrape_reply,
)
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import AnnounceRequest

INTERVAL_SECONDS = 60
SILENCE_SECONDS = 5.0  # of a client in the middle of its request
MAX_REQUESTS_AT_ONCE = 64
CLOSING_POLL_SECONDS = 0.05


class Heard(Struct, frozen=True):
    """Tell of one announce: who, and what it said."""

    peer: Address
    request: AnnounceRequest

    def as_json(self) -> str:
        """Return it as one line."""
        request = self.request
        return json.dumps(
            {
                "event": "announced",
                "what": str(request.event),
                "peer": str(self.peer),
                "info_hash": request.info_hash.hex(),
                "peer_id": request.peer_id.decode("latin-1"),
                "left": request.left,
                "downloaded": request.downloaded,
                "uploaded": request.uploaded,
            }
        )


class EmbeddedTracker:
    """Serve announces from threads of its own while its `with` block runs.

    Args:
        host: address to listen on, IPv4 or IPv6.
        port: port to listen on; 0: any.
        interval_seconds: how often peers are asked to announce.
        dice_seed: what is drawn by lot depends on; None: chance.
        on_announce: called with each announce, in the thread that serves it.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        interval_seconds: int = INTERVAL_SECONDS,
        dice_seed: int | None = None,
        on_announce: Callable[[Heard], None] = lambda _heard: None,
    ) -> None:
        self._interval_seconds = interval_seconds
        self._on_announce = on_announce
        self._peers = TrackedPeers(interval_seconds, random.Random(dice_seed))
        self._peers_lock = threading.Lock()
        self._server = _Server(self, host, port)
        self._address = Address(host, self._server.server_address[1])
        self._thread = threading.Thread(
            target=partial(self._server.serve_forever, CLOSING_POLL_SECONDS),
            name="embedded tracker",
        )

    @property
    def url(self) -> str:
        """Return the URL that a torrent names."""
        return f"http://{self._address}/announce"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def announce(self, query: str, host: str) -> bytes:
        """Answer an announce that came from `host`."""
        request = read_announce(query)
        self._on_announce(Heard(Address(host, request.port), request))
        now = time.monotonic()
        with self._peers_lock:
            peers = self._peers.announce(request, host, now)
            counts = self._peers.counts(request.info_hash, now)
        return write_announce_reply(peers, counts, self._interval_seconds, host)

    def scrape(self, query: str) -> bytes:
        """Answer a scrape."""
        asked, now = read_scrape(query), time.monotonic()
        with self._peers_lock:
            counts = [(info_hash, self._peers.counts(info_hash, now)) for info_hash in asked]
        return write_scrape_reply(counts)


class _Server(ThreadingHTTPServer):
    """Serve each request in a thread, so many at a time; closing cuts off those still open."""

    daemon_threads = False  # closing waits for them
    request_queue_size = MAX_REQUESTS_AT_ONCE

    def __init__(self, tracker: EmbeddedTracker, host: str, port: int) -> None:
        self.tracker = tracker
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._room = threading.BoundedSemaphore(MAX_REQUESTS_AT_ONCE)
        self._open: set[socket.socket] = set()
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Bind without asking for the name of the host, which can take seconds."""
        TCPServer.server_bind(self)

    def server_close(self) -> None:
        """Stop listening, and end every request, however slow its client is."""
        for request in tuple(self._open):
            with suppress(OSError):  # it ended by itself
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Start a thread for a request, as soon as there is room for one."""
        self._room.acquire()
        self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one request, in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away in the middle."""


class _Handler(BaseHTTPRequestHandler):
    """Answer one request; anything wrong with it becomes a refusal in words."""

    timeout = SILENCE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answer `/announce` and `/scrape`."""
        path, _, query = self.path.partition("?")
        try:
            self._reply(200, self._answer(path, query))
        except TrackerError as error:
            self._reply(200, write_failure(str(error)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- http.server's name
        """Print nothing: each announce is told by `on_announce`."""

    def _answer(self, path: str, query: str) -> bytes:
        tracker = self.server.tracker
        if path == "/announce":
            return tracker.announce(query, self.client_address[0])
        if path == "/scrape":
            return tracker.scrape(query)
        raise TrackerError("ask for /announce or /scrape")

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Run a tracker until its standard input ends or it is interrupted."""
    parser = argparse.ArgumentParser(description="Run an HTTP tracker for this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--interval", type=int, default=INTERVAL_SECONDS, metavar="SECONDS")
    parser.add_argument("--dice-seed", type=int, metavar="N")
    options = parser.parse_args()
    tracker = EmbeddedTracker(
        host=options.host,
        port=options.port,
        interval_seconds=options.interval,
        dice_seed=options.dice_seed,
        on_announce=lambda heard: _print_line(heard.as_json()),
    )
    with tracker:
        _print_line(json.dumps({"event": "listening", "url": tracker.url}))
        try:
            sys.stdin.buffer.read()
        except KeyboardInterrupt:
            return


def _print_line(text: str) -> None:
    """Print a line in one piece: several threads do."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
