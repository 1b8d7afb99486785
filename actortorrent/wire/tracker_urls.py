"""Trackers' addresses as torrents give them (BEP 3, 12, 15, 41, 48).

A URL often carries a passkey that names its user: in the path, the query or before the
host. So a `TrackerUrl` shows itself without all that, and its full text is only for
the one who asks the tracker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from actortorrent.errors import TrackerError

MAX_URL_CHARACTERS = 2_048
DEFAULT_PORTS = {"http": 80, "https": 443}
SCHEMES = ("http", "https", "udp")


@dataclass(frozen=True, slots=True)
class TrackerUrl:
    """Name a tracker that we can ask.

    Attributes:
        scheme: "http", "https" or "udp".
        host: a name or an address, without brackets.
        port: 1 to 65535.
        text: the whole URL, which may be secret.
    """

    scheme: str
    host: str
    port: int
    text: str = field(repr=False)

    def __str__(self) -> str:
        """Show the URL without its secrets: `http://tracker.example:6969/…`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/…"

    @property
    def is_udp(self) -> bool:
        """Say whether BEP 15 is spoken, not HTTP."""
        return self.scheme == "udp"

    @property
    def path_and_query(self) -> str:
        """Return all behind host and port: what BEP 41 tells a UDP tracker."""
        parts = urlsplit(self.text)
        return parts.path + (f"?{parts.query}" if parts.query else "")


def parse_tracker_url(text: str) -> TrackerUrl:
    """Read the URL of a tracker.

    Raises:
        TrackerError: if it is of a kind that we do not speak (`wss:`), or no URL at all.
    """
    if len(text) > MAX_URL_CHARACTERS or not text.isprintable() or " " in text:
        raise TrackerError(f"expected a URL of at most {MAX_URL_CHARACTERS} printable characters")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    except ValueError:
        raise TrackerError("expected a URL with a host and a port") from None
    if parts.scheme not in SCHEMES:
        shown = parts.scheme[:20] or "none"
        raise TrackerError(f"expected a tracker by {', '.join(SCHEMES)}; found scheme {shown}")
    if not host or not port:
        raise TrackerError(f"expected a host and a port in the {parts.scheme} URL")
    return TrackerUrl(parts.scheme, host, port, text)


def sort_out(
    tiers: Sequence[Sequence[str]], *, takes_udp: bool = True
) -> tuple[list[list[TrackerUrl]], list[tuple[str, str]]]:
    """Return, tier by tier, the trackers that we can ask; and the others, shown, with the reason."""
    usable: list[list[TrackerUrl]] = []
    unusable: list[tuple[str, str]] = []
    for tier in tiers:
        usable.append([])
        for text in tier:
            try:
                usable[-1].append(_checked(parse_tracker_url(text), takes_udp=takes_udp))
            except TrackerError as error:
                unusable.append((shown_url(text), str(error)))
    return usable, unusable


def _checked(url: TrackerUrl, *, takes_udp: bool) -> TrackerUrl:
    if url.is_udp and not takes_udp:
        raise TrackerError("not asked: it speaks UDP, which would go around the proxy")
    return url


def shown_url(text: str) -> str:
    """Return a URL without its secrets, also one that we cannot use."""
    try:
        return str(parse_tracker_url(text))
    except TrackerError:
        scheme, separator, rest = text[:MAX_URL_CHARACTERS].partition("://")
        host = rest.partition("/")[0].rpartition("@")[2].partition("?")[0]
        shown = f"{scheme}://{host}/…" if separator else text.partition("?")[0]
        return "".join(c if c.isprintable() else "?" for c in shown)[:100]
