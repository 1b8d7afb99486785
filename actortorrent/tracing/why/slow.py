"""Why a fetch took as long as it did: what it waited for, and its longest single waits.

Every moment of the fetch belongs to one of `PHASES`, the first that fits. So the sums
say where the time went; the single waits say whose fault it was, each with its event.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from actortorrent.tracing.events import MESSAGE, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.show import Line, Part
from actortorrent.tracing.why.mail_waits import MOST_WAITS, MailWaits
from actortorrent.tracing.why.story import NodeStory, Story, conn_named
from actortorrent.tracing.wording import duration_text

PHASES: Mapping[str, str] = {
    "checking": "what was on the disk was checked",
    "alone": "nobody was connected",
    "nothing offered": "nobody who was connected had anything we lacked",
    "choked": "those who had something choked us",
    "nothing asked": "a peer would have served us, and no request was under way",
    "fetching": "blocks were on their way",
    "unknown": "only the wire was captured, not what the client waited for",
}
END = "content_completed"


class Wait(Struct, frozen=True):
    """Name one stretch in which something waited, and for what."""

    seconds: float
    at_seconds: float
    event_id: str
    cause: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "seconds": self.seconds,
            "at": self.at_seconds,
            "event": self.event_id,
            "cause": self.cause or None,
            "text": self.text,
        }


class SlowAnswer(Struct):
    """Say where the time of one node's fetch went.

    Attributes:
        seconds: from the beginning of the trace to completion, or to its end.
        phases: seconds spent in each of `PHASES`.
        waits: the longest single ones, the longest first.
        snubs: how often a peer let us wait so long that its blocks were asked of others.
    """

    node: str
    seconds: float
    is_complete: bool
    phases: dict[str, float] = field(default_factory=dict)
    waits: list[Wait] = field(default_factory=list)
    snubs: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        return {
            "node": self.node,
            "seconds": self.seconds,
            "is_complete": self.is_complete,
            "phases": [
                {"phase": name, "seconds": seconds, "meaning": PHASES[name]}
                for name, seconds in self.phases.items()
            ],
            "snubs": self.snubs,
            "waits": [wait.to_json() for wait in self.waits],
        }

    def lines(self) -> Iterator[Line]:
        """Yield the answer for people."""
        by = f"{self.node}: " if self.node else ""
        end = "until all was there" if self.is_complete else "until the trace ends"
        yield (Part("heading", f"{by}{duration_text(self.seconds * 1e9)} {end}, in which"),)
        for name, seconds in sorted(self.phases.items(), key=lambda phase: -phase[1]):
            share = f"{100 * seconds / self.seconds:5.1f} %" if self.seconds else ""
            text = f"  {share} {duration_text(seconds * 1e9):>9}  {PHASES[name]}"
            yield (Part("plain", text), Part("quiet", f" ({name})"))
        if self.snubs:
            yield (Part("plain", f"  {self.snubs} times a peer let us wait for 20 s"),)
        yield (Part("heading", "the longest waits"),)
        for wait in self.waits:
            yield (
                Part("time", f"{wait.at_seconds:9.4f}  "),
                Part("plain", f"{duration_text(wait.seconds * 1e9):>9}  {wait.text}"),
                Part("quiet", f"  ({wait.event_id})"),
            )


def why_slow(story: Story) -> list[SlowAnswer]:
    """Answer for each node that fetched; for all, if none did."""
    fetches = [SlowFetch(story, node) for node in story.nodes.values()]
    for fetch, node in zip(fetches, story.nodes.values(), strict=True):
        for event in node.events:
            fetch.hear(event)
    return answers_of(fetches)


def answers_of(fetches: Iterable[SlowFetch]) -> list[SlowAnswer]:
    """Return the answers of those that fetched; of all, if none did."""
    answers = [fetch.answer() for fetch in fetches]
    fetched = [answer for answer in answers if answer.phases.get("fetching")]
    return fetched or answers


class SlowFetch:
    """Go through one node's trace and charge each moment to what was waited for."""

    def __init__(self, story: Story, node: NodeStory) -> None:
        self._story = story
        self._node = node
        self._is_checked = False
        self._joined: set[int] = set()
        self._wanted: set[int] = set()
        self._unchoking: set[int] = set()
        self._out: dict[int, int] = {}  # lease id: conn
        self._is_complete = False
        self._since_ns = 0
        self._spent: dict[str, int] = {}
        self._begun: dict[tuple[str, int], tuple[str, Event]] = {}
        self._waits: list[Wait] = []
        self._mail = MailWaits()
        self._snubs = 0

    def hear(self, event: Event) -> None:
        """Charge the time until an event, and learn from it; its node has heard it."""
        self._mail.hear(event)
        if self._is_complete:
            return
        self._charge(event.time_ns)
        self._hear(event)
        self._is_complete = event.name == MESSAGE and event.data.get("type") == END

    def answer(self) -> SlowAnswer:
        """Return what came of it, once all events were told."""
        if not self._is_complete:
            self._charge(self._node.last_ns)
        mail = (_wait(self._story, event, spent_ns, text) for event, spent_ns, text in self._mail)
        waits = [*_one_each(self._waits), *mail]
        return SlowAnswer(
            node=self._node.name,
            seconds=round((self._since_ns - self._node.first_ns) / 1e9, 6),
            is_complete=self._is_complete,
            phases={
                name: round(self._spent[name] / 1e9, 6) for name in PHASES if name in self._spent
            },
            waits=heapq.nlargest(MOST_WAITS, waits, key=lambda wait: wait.seconds),
            snubs=self._snubs,
        )

    def _charge(self, now_ns: int) -> None:
        if not self._spent:
            self._since_ns = self._node.first_ns
        phase = self._phase()
        self._spent[phase] = self._spent.get(phase, 0) + max(0, now_ns - self._since_ns)
        self._since_ns = max(now_ns, self._since_ns)

    def _phase(self) -> str:
        if self._node.header.imported_from:
            return "unknown"
        if not self._is_checked:
            return "checking"
        if self._out:
            return "fetching"
        if not self._joined:
            return "alone"
        if not self._wanted:
            return "nothing offered"
        return "nothing asked" if self._wanted & self._unchoking else "choked"

    def _hear(self, event: Event) -> None:
        if event.name in (WIRE_SENT, WIRE_RECEIVED):
            self._wire(event)
        elif event.name == MESSAGE and event.data.get("status") == "ok":
            self._message(event)
        elif event.name == "bt:connection_closed":
            self._left(event.data.get("conn"))
        elif event.name == "bt:peer_snubbed":
            self._snubs += 1

    def _wire(self, event: Event) -> None:
        conn, kind = event.data.get("conn"), event.data.get("type")
        if type(conn) is not int:
            return
        if event.name == WIRE_RECEIVED and kind in ("choke", "unchoke"):
            (self._unchoking.add if kind == "unchoke" else self._unchoking.discard)(conn)
            self._waited("unchoke", conn, event, is_over=kind == "unchoke")
        elif event.name == WIRE_RECEIVED and kind == "handshake":
            self._joined.add(conn)
            self._waited("handshake", conn, event, is_over=True)
        elif event.name == WIRE_SENT and kind == "handshake":
            self._waits_for("handshake", conn, event)
        elif event.name == WIRE_SENT and kind in ("interested", "not interested"):
            is_wanted = kind == "interested"
            (self._wanted.add if is_wanted else self._wanted.discard)(conn)
            if is_wanted and conn not in self._unchoking:
                self._waits_for("unchoke", conn, event)

    def _message(self, event: Event) -> None:
        kind, args = event.data.get("type"), event.data.get("args")
        if not isinstance(args, dict):
            return
        if kind == "content_known":
            self._is_checked = True
        elif kind == "lease":
            self._lent(event, args)
        elif kind in ("leases_filled", "cancel_leases"):
            for lease in _list(args.get("lease_ids")):
                self._back(lease, event)
        elif kind in ("leases_returned", "peer_left"):
            for row in _list(args.get("given_back")):
                self._back(row.get("lease_id") if isinstance(row, dict) else None, event)

    def _lent(self, event: Event, args: dict[str, Any]) -> None:
        conn = conn_named(event.actor)
        for row in _list(args.get("leases")):
            lease = row.get("lease_id") if isinstance(row, dict) else None
            if type(lease) is int and conn is not None:
                self._out[lease] = conn
                self._waits_for("lease", lease, event)

    def _back(self, lease: Any, event: Event) -> None:
        if type(lease) is int and self._out.pop(lease, None) is not None:
            self._waited("lease", lease, event, is_over=True)

    def _left(self, conn: Any) -> None:
        if type(conn) is not int:
            return
        for group in (self._joined, self._wanted, self._unchoking):
            group.discard(conn)
        self._out = {lease: other for lease, other in self._out.items() if other != conn}
        self._begun = {
            key: begun for key, begun in self._begun.items() if key[0] == "lease" or key[1] != conn
        }

    def _waits_for(self, what: str, number: int, event: Event) -> None:
        conn = conn_named(event.actor)
        peer = self._node.peer_text(conn) if conn is not None else event.actor
        said = {
            "unchoke": f"interested in {peer}, which choked us",
            "handshake": f"{peer} did not answer our handshake",
            "lease": f"blocks of lease {number} were on their way from {peer}",
        }
        self._begun.setdefault((what, number), (said[what], event))

    def _waited(self, what: str, number: int, event: Event, *, is_over: bool) -> None:
        begun = self._begun.pop((what, number), None) if is_over else None
        if begun is not None:
            text, since = begun
            self._waits.append(_wait(self._story, since, event.time_ns - since.time_ns, text))


def _one_each(waits: list[Wait]) -> list[Wait]:
    """Keep the longest of the waits that began with the same event, as leases of one message."""
    longest: dict[str, Wait] = {}
    for wait in waits:
        known = longest.get(wait.event_id)
        if known is None or known.seconds < wait.seconds:
            longest[wait.event_id] = wait
    return list(longest.values())


def _wait(story: Story, event: Event, nanoseconds: int, text: str) -> Wait:
    return Wait(
        seconds=round(nanoseconds / 1e9, 6),
        at_seconds=story.seconds(event.time_ns),
        event_id=event.id,
        cause=event.cause,
        text=text,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
