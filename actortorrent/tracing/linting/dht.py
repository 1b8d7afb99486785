"""The rules of the DHT: answers answer queries, and do not amplify."""

from __future__ import annotations

from collections import OrderedDict, defaultdict

from actortorrent.tracing.events import GAP, Event
from actortorrent.tracing.linting.wire import Blame

QUERIES = frozenset(["ping", "find_node", "get_peers", "announce_peer", "unknown", "malformed"])
MAX_ASKED = 20_000  # queries that are remembered, of which the oldest are forgotten

Key = tuple[str, str, str]  # which actor of ours, the node's address, the transaction


class DhtRules:
    """Judge the DHT's messages; to be told all events of one node, in order."""

    def __init__(self, blame: Blame) -> None:
        self._blame = blame
        self._is_whole = True
        self._sent: OrderedDict[Key, None] = OrderedDict()
        self._came: OrderedDict[Key, None] = OrderedDict()
        self._credits: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._hears_us: set[tuple[str, str]] = set()

    def hear(self, event: Event) -> None:
        """Judge one event."""
        if event.name == GAP:
            self._is_whole = False
        elif event.name in ("dht:message_sent", "dht:message_received") and self._is_whole:
            data = event.data
            kind, node, txn = data.get("type"), data.get("node"), data.get("txn")
            if isinstance(node, str) and isinstance(txn, str) and isinstance(kind, str):
                size = data.get("bytes")
                self._message(event, kind, (event.actor, node, txn), size)

    def _message(self, event: Event, kind: str, key: Key, size: object) -> None:
        is_sent = event.name == "dht:message_sent"
        if not is_sent:
            self._credits[key[:2]] += size if type(size) is int else 0
        if kind in QUERIES:
            _remember(self._sent if is_sent else self._came, key)
            if kind == "announce_peer" and not is_sent:  # its token may have shown it
                self._hears_us.add(key[:2])
        elif key not in (self._came if is_sent else self._sent):
            who = "we" if is_sent else f"the node {key[1]}"
            self._blame("unasked-answer", event, f"{who} sent an answer that nobody asked for")
        elif is_sent:
            self._answer(event, key, size if type(size) is int else 0)
        else:
            self._hears_us.add(key[:2])

    def _answer(self, event: Event, key: Key, size: int) -> None:
        """Judge how long an answer of ours is."""
        self._credits[key[:2]] -= size
        missing = -self._credits[key[:2]]
        if missing > 0 and key[:2] not in self._hears_us:
            text = f"we sent {missing} bytes more than came from {key[1]}, which may not hear us"
            self._blame("amplified", event, text)


def _remember(queries: OrderedDict[Key, None], key: Key) -> None:
    queries[key] = None
    if len(queries) > MAX_ASKED:
        queries.popitem(last=False)
