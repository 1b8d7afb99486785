"""Fetch a .torrent file from the web, within limits, in a way that Ctrl-C ends at once."""

from __future__ import annotations

import threading

from actortorrent.actors.http_fetching import HttpAnswer, HttpFetch, HttpLimits
from actortorrent.errors import InvalidTorrentError, TrackerError
from actortorrent.wire.proxy_handshake import Proxy
from actortorrent.wire.tracker_urls import parse_tracker_url, shown_url

MAX_TORRENT_BYTES = 32 * 1024 * 1024  # the largest that are about have a third of that
LIMITS = HttpLimits(total_seconds=60.0, body_bytes=MAX_TORRENT_BYTES)
STATUS_OK = 200


def download_torrent(
    url: str, *, bind: str | None = None, proxy: Proxy | None = None, limits: HttpLimits = LIMITS
) -> bytes:
    """Return what an http(s) URL holds: a .torrent file, one hopes.

    Args:
        url: may be secret; errors show its host alone.
        bind: our own address to ask from, or None.
        proxy: through which to ask, or None.
        limits: what to put up with.

    Raises:
        InvalidTorrentError: if it cannot be fetched.
    """
    shown = shown_url(url)
    try:
        if parse_tracker_url(url).is_udp:
            raise TrackerError("expected a URL by http or https")
        answer = _fetched(HttpFetch(bind=bind, proxy=proxy, limits=limits), url)
    except TrackerError as error:
        raise InvalidTorrentError(f"cannot fetch the torrent from {shown}: {error}") from error
    if answer.status != STATUS_OK:
        raise InvalidTorrentError(
            f"cannot fetch the torrent from {shown}: the server answers {answer.status}",
            hint="is the address right, or does it want a login?",
        )
    return answer.body


def _fetched(fetch: HttpFetch, url: str) -> HttpAnswer:
    """Fetch in a thread of its own: to look up a name cannot be interrupted, to wait can."""
    outcome: list[HttpAnswer | TrackerError] = []

    def run() -> None:
        try:
            outcome.append(fetch.run(url))
        except TrackerError as error:
            outcome.append(error)

    thread = threading.Thread(target=run, name="torrent download", daemon=True)
    thread.start()
    try:
        thread.join()
    except BaseException:
        fetch.cancel()
        raise
    if not outcome:
        raise TrackerError("it failed: a bug of ours")
    if isinstance(outcome[0], TrackerError):
        raise outcome[0]
    return outcome[0]
