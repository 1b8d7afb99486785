"""What is worth looking at in the trace of a lab's swarm: three things, and how to see them.

Which three depends on the scenario, and on what really happened: the merged trace is
read, and the first (or for some, the last) of each kind is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from actortorrent.tracing.events import DECISION, Event
from actortorrent.tracing.filters import picked_pieces
from actortorrent.tracing.wording import chosen_text

HOW_MANY = 3
NS_A_SECOND = 1e9
# What each scenario is about comes first, then what any swarm shows.
FIRST_OF: Mapping[str, tuple[str, ...]] = {
    "basic": ("unchoke", "rarest", "endgame"),
    "free-rider": ("rider refused", "rider drawn", "trade"),
    "slow-seed": ("rarest", "trade", "endgame"),
    "bad-peer": ("failed", "banned", "unchoke"),
    "endgame": ("endgame", "cancel", "rarest"),
    "tracker-down": ("announce_failed", "unchoke", "rarest"),
    "super-choked": ("turn", "refused", "trade"),
}
RIDER = "free-rider"
ANY = ("unchoke", "trade", "rarest", "drawn", "endgame", "cancel")
WHY_REFUSED = "rider refused"  # of these the last is shown: it has a history
# Reasons of verdicts on who is served, what kind of highlight each is, and in which words.
VERDICTS: Mapping[str, tuple[str, str]] = {
    "sends us most": ("trade", "{node} serves {name}, which sends it most"),
    "drawn by lot": ("drawn", "{node} serves {name}, which was drawn by lot"),
    "waited longest": ("turn", "{node} gives {name} its turn, which waited longest"),
    "waits for its turn": ("refused", "{node} does not serve {name}, which waits for its turn"),
    "others send us more": ("refused", "{node} does not serve {name}: others send it more"),
}


class Highlight(Struct, frozen=True):
    """Say what happened, and how `actortorrent trace` tells more about it.

    Attributes:
        seconds: since the trace began.
        filters: options of the question.
        question: what to ask the trace: `show`, or `why choke`.
    """

    kind: str
    seconds: float
    text: str
    filters: tuple[str, ...]
    question: tuple[str, ...] = ("show",)


class Highlights:
    """Find what is worth looking at in events of a merged trace.

    Args:
        connections: (node, connection there, node, connection there), as in its header.
    """

    def __init__(self, connections: Iterable[tuple[str, int, str, int]]) -> None:
        self._names: dict[str, str] = {}  # of nodes, by names of peers' actors
        for node, conn, other, other_conn in connections:
            self._names[f"{node}/Peer-{conn}"] = other
            self._names[f"{other}/Peer-{other_conn}"] = node
        self._found: dict[str, Highlight] = {}

    def read(self, events: Iterable[Event], begin_ns: int = 0) -> None:
        """Look at all events, in their order."""
        for event in events:
            node = event.actor.partition("/")[0]
            for kind, text, filters in self._seen(event, node):
                if kind not in self._found or kind == WHY_REFUSED:
                    seconds = (event.time_ns - begin_ns) / NS_A_SECOND
                    self._found[kind] = _highlight(kind, seconds, text, filters)

    def chosen(self, scenario: str) -> list[Highlight]:
        """Return at most three, in the order in which they happened."""
        wanted = dict.fromkeys([*FIRST_OF[scenario], *ANY])
        found = [self._found[kind] for kind in wanted if kind in self._found][:HOW_MANY]
        return sorted(found, key=lambda highlight: highlight.seconds)

    def _seen(self, event: Event, node: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        if event.name == DECISION:
            yield from self._decided(event, node)
        elif event.name == "bt:piece_failed":
            piece = event.data.get("piece")
            text = f"piece {piece} that {node} fetched does not match its hash"
            yield "failed", text, ("--actor", f"{node}/*", "--piece", str(piece))
        elif event.name == "bt:announce_failed":
            text = f"{node} cannot tell the tracker, and goes on"
            yield "announce_failed", text, ("--actor", f"{node}/*", "--type", "announce_*")
        elif event.name == "bt:message_sent" and event.data.get("type") == "cancel":
            name = self._name(node, event.actor.partition("/")[2])
            text = f"{node} tells {name} not to send a block: it came from another"
            yield "cancel", text, ("--actor", event.actor, "--type", "cancel")

    def _decided(self, event: Event, node: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        data = event.data
        match data.get("what"):
            case "unchoke":
                filters = ("--actor", event.actor, "--type", "unchoke")
                for kind, text in self._unchoked(data, node):
                    yield kind, text, filters
            case "pick_piece" if data.get("rule") == "rarest first":
                text = f"{node} picks {_picked(event)}"
                yield "rarest", text, ("--actor", f"{node}/*", "--piece", str(data.get("chosen")))
            case "endgame":
                left = data.get("blocks_out_bytes")
                text = f"{node} is in the endgame: the last {left:,} bytes are asked of several"
                yield "endgame", text, ("--actor", f"{node}/PieceManager", "--type", "endgame")
            case "ban_peer":
                culprit = self._name(node, str(data.get("chosen")))
                text = f"{node} bans {culprit}, which sent bad data for piece {data.get('piece')}"
                yield "banned", text, ("--type", "ban_peer", "--type", "piece_failed")

    def _unchoked(self, data: Mapping[str, Any], node: str) -> Iterator[tuple[str, str]]:
        chosen = [self._name(node, peer) for peer in data.get("chosen", ())]
        if not chosen:
            return
        rule = data.get("rule")
        yield "unchoke", f"{node} serves {_list(chosen)} ({rule})"
        for candidate in data.get("candidates", ()):
            name, reason = self._name(node, candidate["peer"]), candidate["reason"]
            kind, text = VERDICTS.get(reason, ("", ""))
            if kind and not (kind == "refused" and rule == "fill free slots"):
                yield kind, text.format(node=node, name=name)
                if name == RIDER:
                    yield f"rider {kind}", text.format(node=node, name=name)

    def _name(self, node: str, peer: str) -> str:
        return self._names.get(f"{node}/{peer}", f"its {peer}")


def _highlight(kind: str, seconds: float, text: str, filters: tuple[str, ...]) -> Highlight:
    if kind == WHY_REFUSED:
        return Highlight(kind, seconds, text, ("--peer", RIDER), ("why", "choke"))
    return Highlight(kind, seconds, text, filters)


def _picked(event: Event) -> str:
    """Return which pieces are picked as the rarest, and how rare they are."""
    is_row = len(picked_pieces(event)) > 1
    what, them = ("pieces", "them") if is_row else ("piece", "it")
    count = event.data.get("peers_having_it")
    holders = f"only one peer has {them}" if count == 1 else f"{count} peers have {them}"
    return f"{what} {chosen_text(event.data)}, the rarest it can get: {holders}"


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
