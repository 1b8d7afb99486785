"""What did not happen: requests without an answer, interest in vain, messages never read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct, field

from actortorrent.tracing.events import MESSAGE, STATE, Event
from actortorrent.tracing.report.kinds import LOST_STATUSES

MAX_OF_A_SORT = 500  # that are listed; the others are counted
Block = tuple[object, object]


class _Talk(Struct):
    """Hold what is open on one connection."""

    open_requests: dict[Block, int] = field(default_factory=dict)
    choked_away: int = 0
    summed: Counter[str] = field(default_factory=Counter)
    interest: dict[str, int] = field(default_factory=dict)  # row where it began, by whose
    heard: set[str] = field(default_factory=set)  # whose interest was ever met
    last_row: int = 0


class Missing:
    """Keep what is open, and tell at the end what still is."""

    def __init__(self, actor: Callable[[str], int]) -> None:
        self._actor = actor
        self._talks: dict[str, _Talk] = {}
        self._lost: list[tuple[int, str]] = []
        self._announces: dict[tuple[str, object], int] = {}

    def see(self, event: Event, row: int) -> None:
        """Take what an event opens or closes."""
        data = event.data
        if event.name == MESSAGE:
            if data.get("status") in LOST_STATUSES:
                self._lost.append((row, str(data["status"])))
        elif event.name == STATE:
            self._see_flag(event, row)
        elif event.name.startswith("bt:announce_"):
            self._see_announce(event, row)
        elif event.name.startswith("bt:") and isinstance(data.get("conn"), int):
            self._see_wire(event, row)

    def _see_announce(self, event: Event, row: int) -> None:
        call = (event.actor, event.data.get("call"))
        if event.name == "bt:announce_sent":
            self._announces[call] = row
        else:
            self._announces.pop(call, None)

    def _talk(self, actor: str) -> _Talk:
        return self._talks.setdefault(actor, _Talk())

    def _see_flag(self, event: Event, row: int) -> None:
        talk, key, new = self._talk(event.actor), event.data.get("key"), event.data.get("new")
        if key in ("am_interested", "peer_interested"):
            whose = "ours" if key == "am_interested" else "theirs"
            if new is True:
                talk.interest.setdefault(whose, row)
        elif key in ("peer_choking", "am_choking") and new is False:
            talk.heard.add("ours" if key == "peer_choking" else "theirs")

    def _see_wire(self, event: Event, row: int) -> None:
        data, talk = event.data, self._talk(event.actor)
        talk.last_row = row
        if event.name in ("bt:requests_sent", "bt:blocks_received"):
            count = data.get("count")
            talk.summed[event.name] += count if isinstance(count, int) else 0
        fields = data.get("fields")
        named = fields if isinstance(fields, dict) else {}
        block = (named.get("piece_index"), named.get("block_offset"))
        talk.summed[_heard_or_said(event)] += 1
        match event.name, data.get("type"):
            case "bt:message_sent", "request":
                talk.open_requests[block] = row
            case ("bt:message_sent", "cancel") | ("bt:message_received", "piece"):
                talk.open_requests.pop(block, None)
            case "bt:message_received", "choke":
                talk.choked_away += len(talk.open_requests)
                talk.open_requests.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """Return sorts of missing things, each with its rows and how many there are in all."""
        sorts: tuple[tuple[str, Iterable[tuple[int, dict[str, Any]]]], ...] = (
            ("lost", self._lost_rows()),
            ("requests", self._request_rows()),
            ("sums", self._summed_rows()),
            ("interest", self._interest_rows()),
            ("announces", ((row, {}) for row in self._announces.values())),
        )
        told = []
        for name, rows in sorts:
            found = list(rows)
            told.append({"sort": name, "count": len(found), "rows": found[:MAX_OF_A_SORT]})
        return told

    def _lost_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from ((row, {"status": status}) for row, status in self._lost)

    def _request_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for name, talk in self._talks.items():
            for (piece, offset), row in talk.open_requests.items():
                yield row, {"peer": self._actor(name), "piece": piece, "offset": offset}

    def _summed_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for name, talk in self._talks.items():
            asked, came = talk.summed["bt:requests_sent"], talk.summed["bt:blocks_received"]
            cancelled = talk.summed["cancel"]
            if asked > came + cancelled:
                about = {"asked": asked, "came": came, "cancelled": cancelled}
                chokes = talk.summed["choke"]
                yield talk.last_row, {"peer": self._actor(name), **about, "chokes": chokes}
            if talk.choked_away:
                yield talk.last_row, {"peer": self._actor(name), "choked_away": talk.choked_away}

    def _interest_rows(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for name, talk in self._talks.items():
            for whose, row in talk.interest.items():
                if whose not in talk.heard:
                    yield row, {"peer": self._actor(name), "whose": whose}


def _heard_or_said(event: Event) -> str:
    """Return `cancel` for one that we sent, `choke` for one that came, nothing for the rest."""
    match event.name, event.data.get("type"):
        case "bt:message_sent", "cancel":
            return "cancel"
        case "bt:message_received", "choke":
            return "choke"
    return ""
