"""The rule of private torrents: no DHT, no exchange of peers, no calls in our own network."""

from __future__ import annotations

from actortorrent.tracing.events import WIRE_SENT, Event
from actortorrent.tracing.linting.wire import Blame

PRIVATE = "bt:torrent_is_private"
UNDER_WAY_NS = 10**9  # what was under way when the metadata said that the torrent is private
# Sources of addresses, as the swarm names them, that are nobody's but ours to ask.
OPEN_SOURCES = frozenset(["DHT", "a peer", "the local network"])


class PrivateRules:
    """Judge a session whose torrent is private; to be told all events of one node, in order."""

    def __init__(self, blame: Blame) -> None:
        self._blame = blame
        self._silent_from_ns: int | None = None

    def hear(self, event: Event) -> None:
        """Judge one event."""
        if event.name == PRIVATE:
            spare = 0 if event.data.get("was_known") is True else UNDER_WAY_NS
            self._silent_from_ns = event.time_ns + spare
        elif self._silent_from_ns is not None and event.time_ns > self._silent_from_ns:
            text = _breach(event)
            if text:
                self._blame("private", event, text)


def _breach(event: Event) -> str:
    """Return what a private torrent forbids in this event; empty if nothing."""
    if event.name == "dht:message_sent":
        return "we spoke in the DHT"
    if event.name == "bt:called_locally":
        return "we called in our own network"
    if event.name == "bt:peers_found" and event.data.get("source") in OPEN_SOURCES:
        return f"we took addresses of peers from: {event.data['source']}"
    if event.name == WIRE_SENT and event.data.get("type") == "extended":
        return _breach_of_words(event.data.get("fields"))
    return ""


def _breach_of_words(fields: object) -> str:
    says = fields.get("says") if isinstance(fields, dict) else None
    if not isinstance(says, str):
        return ""
    if says.startswith("exchange of peers"):
        return "we told a peer of others"
    is_offered = says.startswith("handshake") and "ut_pex" in says.partition(": ")[2]
    return "we offered to exchange peers" if is_offered else ""
