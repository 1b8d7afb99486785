"""Why a piece came when it did, and from whom: what it waited for, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from actortorrent.errors import UsageError
from actortorrent.tracing.events import DECISION, MESSAGE, WIRE_RECEIVED, Event
from actortorrent.tracing.filters import picked_pieces, pieces_of
from actortorrent.tracing.linting.talk import pieces_of_bits
from actortorrent.tracing.show import Line, Part
from actortorrent.tracing.why.story import NodeStory, Story, conn_named
from actortorrent.tracing.wording import chosen_text, duration_text

# The stretches of a piece's way, and what is waited for in each.
STRETCHES = (
    ("available", "until somebody who is connected had it"),
    ("unchoked", "until one of those who had it unchoked us"),
    ("picked", "until it was picked: others came first"),
    ("stored", "until its last block came"),
    ("verified", "until it was written and its hash compared"),
)


class Step(Struct, frozen=True):
    """Say one thing that happened to a piece."""

    seconds: float
    event_id: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"seconds": self.seconds, "event": self.event_id, "text": self.text}


class PieceAnswer(Struct):
    """Tell the life of a piece at one node.

    Attributes:
        moments: seconds at which each of `STRETCHES` was over, as far as it came.
        steps: what happened, by time.
        others_first: picks of other pieces since it could have been picked.
    """

    node: str
    piece: int
    began: float = 0.0
    moments: dict[str, float] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    others_first: int = 0
    was_there: bool = False

    @property
    def waits(self) -> list[tuple[str, float, str]]:
        """Return name, seconds and meaning of each stretch that was passed."""
        passed, before = [], self.began
        for name, meaning in STRETCHES:
            if name in self.moments:
                after = max(before, self.moments[name])
                passed.append((name, round(after - before, 6), meaning))
                before = after
        return passed

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        return {
            "node": self.node,
            "piece": self.piece,
            "was_there": self.was_there,
            "waits": [
                {"for": name, "seconds": seconds, "meaning": meaning}
                for name, seconds, meaning in self.waits
            ],
            "others_picked_first": self.others_first,
            "steps": [step.to_json() for step in self.steps],
        }

    def lines(self) -> Iterator[Line]:
        """Yield the answer for people."""
        yield (Part("heading", f"{self._by()}piece {self.piece}: {self._verdict()}"),)
        for step in self.steps:
            yield (
                Part("time", f"{step.seconds:9.4f}  "),
                Part("plain", step.text),
                Part("quiet", f"  ({step.event_id})"),
            )
        for _, seconds, meaning in self.waits:
            yield (Part("quiet", f"  {duration_text(seconds * 1e9):>9} {meaning}"),)
        if self.others_first:
            yield (Part("quiet", f"  {self.others_first} other picks came between"),)

    def _by(self) -> str:
        return f"{self.node}: " if self.node else ""

    def _verdict(self) -> str:
        if self.was_there:
            return "it was on the disk from the beginning"
        if not self.waits:
            return "nobody who was connected ever had it"
        _, seconds, meaning = max(self.waits, key=lambda wait: wait[1])
        end = "" if "verified" in self.moments else "not fetched in this trace; "
        return f"{end}most of its time, {duration_text(seconds * 1e9)}, passed {meaning}"


def why_piece(story: Story, piece: int) -> list[PieceAnswer]:
    """Answer for each node that fetched: one whose trace has a pick of it, or lacked it.

    Raises:
        UsageError: if the torrent has no such piece.
    """
    count = story.header.piece_count
    if piece >= count:
        raise UsageError(f"no piece {piece} in this torrent: its pieces are 0 to {count - 1}")
    answers = [_Life(story, node, piece).tell() for node in story.nodes.values()]
    fetched = [answer for answer in answers if answer.steps and not answer.was_there]
    return fetched or answers


class _Life:
    """Follow one piece through one node's trace."""

    def __init__(self, story: Story, node: NodeStory, piece: int) -> None:
        self._story = story
        self._node = node
        self._piece = piece
        self._answer = PieceAnswer(node.name, piece)
        self._having: set[int] = set()
        self._unchoking: set[int] = set()
        self._lease_ids: set[int] = set()

    def tell(self) -> PieceAnswer:
        for event in self._node.events:
            if event.name == WIRE_RECEIVED:
                self._received(event)
            elif event.name == DECISION and event.data.get("what") == "pick_piece":
                self._picked(event)
            elif event.name == MESSAGE and event.data.get("status") == "ok":
                self._message(event)
            elif event.name in ("bt:piece_verified", "bt:piece_failed"):
                self._judged(event)
            elif event.name == "bt:connection_closed":
                self._having.difference_update(_ints([event.data.get("conn")]))
                self._unchoking.difference_update(_ints([event.data.get("conn")]))
        return self._answer

    def _moment(self, name: str, event: Event) -> bool:
        """Note when a stretch was first over, and say whether that is now."""
        is_first = name not in self._answer.moments
        if is_first:
            self._answer.moments[name] = self._story.seconds(event.time_ns)
        return is_first

    def _step(self, event: Event, text: str) -> None:
        self._answer.steps.append(Step(self._story.seconds(event.time_ns), event.id, text))

    def _received(self, event: Event) -> None:
        conn, kind = event.data.get("conn"), event.data.get("type")
        fields = event.data.get("fields")
        if type(conn) is not int:
            return
        if kind in ("choke", "unchoke"):
            (self._unchoking.add if kind == "unchoke" else self._unchoking.discard)(conn)
        elif self._announces(kind, fields if isinstance(fields, dict) else {}):
            self._having.add(conn)
            if self._moment("available", event):
                self._step(event, f"{self._node.peer_text(conn)} has it: the first of those here")
        if self._having & self._unchoking and self._moment("unchoked", event):
            self._step(event, f"{self._node.peer_text(conn)} has it and serves us")

    def _announces(self, kind: Any, fields: dict[str, Any]) -> bool:
        if kind == "have":
            return fields.get("piece_index") == self._piece
        if kind != "bitfield":
            return bool(kind == "have all")
        bits = pieces_of_bits(fields.get("bits"), self._node.header.piece_count)
        if bits is None:  # not in the trace: all of them, or we cannot tell
            return fields.get("set_bits") == self._node.header.piece_count
        return bool(bits >> self._piece & 1)

    def _picked(self, event: Event) -> None:
        data = event.data
        if self._piece not in picked_pieces(event):
            could_be = "unchoked" in self._answer.moments and "picked" not in self._answer.moments
            self._answer.others_first += could_be
            return
        self._moment("picked", event)
        lease = data.get("lease")
        if type(lease) is int:
            self._lease_ids.add(lease)
        conn = conn_named(data.get("peer"))
        peer = self._node.peer_text(conn) if conn is not None else str(data.get("peer"))
        having, candidates = data.get("peers_having_it"), data.get("candidates")
        row = f" in a row, {chosen_text(data)}," if len(picked_pieces(event)) > 1 else ","
        figures = f"peers that have it: {having}; other pieces to choose from: {candidates}"
        self._step(event, f"picked for {peer}{row} by the rule {data.get('rule')}; {figures}")

    def _message(self, event: Event) -> None:
        kind, args = event.data.get("type"), event.data.get("args")
        if not isinstance(args, dict):
            return
        if kind == "content_known":
            self._answer.began = self._story.seconds(event.time_ns)
        elif kind == "content_checked":
            verified = args.get("verified")
            self._answer.was_there = type(verified) is int and bool(verified >> self._piece & 1)
        elif kind == "store_runs" and self._piece in pieces_of(event):
            if "verified" not in self._answer.moments:
                self._answer.moments["stored"] = self._story.seconds(event.time_ns)
            self._step(event, f"came from {self._peer_of(args)}, and is handed to the storage")
        elif kind == "leases_returned" and self._lease_ids & _lease_ids(args):
            self._step(event, f"{self._peer_of(args)} gave it back: it is to be lent again")
        elif kind == "cancel_leases" and self._lease_ids & set(_ints(args.get("lease_ids"))):
            self._step(event, "cancelled: it came from another peer first")

    def _peer_of(self, args: dict[str, Any]) -> str:
        conn = args.get("conn")
        return self._node.peer_text(conn) if type(conn) is int else "a peer"

    def _judged(self, event: Event) -> None:
        if event.data.get("piece") != self._piece:
            return
        if event.name == "bt:piece_failed":
            names = [self._node.peer_text(conn) for conn in _ints(event.data.get("contributors"))]
            self._step(event, f"its hash was wrong; blocks came from {', '.join(names)}")
            self._answer.moments.pop("picked", None)
        elif self._moment("verified", event):
            self._step(event, "verified: its hash is right")


def _lease_ids(args: dict[str, Any]) -> set[int]:
    rows = _list(args.get("given_back"))
    return set(_ints([row.get("lease_id") for row in rows if isinstance(row, dict)]))


def _ints(value: Any) -> list[int]:
    return [item for item in _list(value) if type(item) is int]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
