"""Rules about what we have: pieces verified, told to others, and who sent bad ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from actortorrent.tracing.conn_names import conn_name, conn_of_name
from actortorrent.tracing.events import DECISION, END, MESSAGE, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.linting.talk import piece_size
from actortorrent.tracing.linting.wire import Blame, WireRules

NEWS_NS = 1_000_000_000  # for which an actor may not have heard of a piece yet


class ContentRules:
    """Judge what is said of pieces; to be told all events of one node, in order.

    Invariant: `_verified` are the pieces known to be had, or None where the trace does
    not say which were there from the beginning.
    """

    def __init__(self, header: TraceHeader, wire: WireRules, blame: Blame) -> None:
        self._header = header
        self._wire = wire
        self._blame = blame
        self._verified: int | None = None
        self._verified_ns = 0
        self._has_end = False
        self._owed: dict[tuple[int, int], Event] = {}  # conn and piece, to be told by have
        self._accused: dict[int, Event] = {}  # conn that alone sent a bad piece
        self._banned: set[int] = set()
        self._judges: Mapping[str, Callable[[Event], None]] = {
            MESSAGE: self._message,
            DECISION: self._decision,
            WIRE_SENT: self._sent,
            "bt:piece_verified": self._has_verified,
            "bt:piece_failed": self._has_failed,
            "bt:connection_closed": self._forgive,
        }

    def hear(self, event: Event) -> None:
        """Judge one event; to be called before the wire's rules have heard of it."""
        judge = self._judges.get(event.name)
        if judge is not None:
            judge(event)
        self._has_end = self._has_end or event.name == END

    def end(self) -> None:
        """Judge what never came; in a trace that breaks off, it might have yet."""
        if not self._has_end:
            return
        for (conn, piece), event in self._owed.items():
            self._blame(
                "have-not-sent", event, f"Peer-{conn} was never told that we have piece {piece}"
            )
        for conn, event in self._accused.items():
            text = (
                f"{conn_name(conn)} alone sent piece {event.data.get('piece')}, and was not banned"
            )
            self._blame("bad-data-unpunished", event, text)

    def _message(self, event: Event) -> None:
        kind, args = event.data.get("type"), event.data.get("args")
        if not isinstance(args, dict) or event.data.get("status") != "ok":
            return
        if kind == "content_checked":
            verified = args.get("verified")
            self._verified = verified if type(verified) is int else None
        elif kind == "introduce":
            talk = self._wire.talks.get(_conn_of(event.actor))
            if talk is not None and talk.conn > 0:  # web seeds are told nothing
                talk.has_joined = True
        elif kind == "piece_lost" and self._verified is not None:
            lost = args.get("piece_index")
            if type(lost) is int and piece_size(self._header, lost):
                self._verified &= ~(1 << lost)

    def _has_verified(self, event: Event) -> None:
        piece = event.data.get("piece")
        if type(piece) is not int or not piece_size(self._header, piece):
            self._blame("out-of-range", event, f"piece {piece} was verified")
            return
        if self._verified is not None:
            if self._verified >> piece & 1:
                self._blame("verified-twice", event, f"piece {piece} was verified again")
            self._verified |= 1 << piece
        self._verified_ns = event.time_ns
        for talk in self._wire.talks.values():
            their = talk.theirs.pieces
            is_there = talk.has_joined and not talk.is_closed and their is not None
            if is_there and not (their or 0) >> piece & 1 and piece not in talk.ours.told:
                self._owed[talk.conn, piece] = event

    def _sent(self, event: Event) -> None:
        fields = event.data.get("fields")
        piece = fields.get("piece_index") if isinstance(fields, dict) else None
        if event.data.get("type") == "interested":
            self._wants(event)
        conn = event.data.get("conn")
        if event.data.get("type") != "have" or type(piece) is not int or type(conn) is not int:
            return
        if not piece_size(self._header, piece):
            return
        self._owed.pop((conn, piece), None)
        if self._verified is not None and not self._verified >> piece & 1:
            self._blame("have-not-had", event, f"we told of piece {piece}, which we lack")

    def _wants(self, event: Event) -> None:
        conn = event.data.get("conn")
        talk = self._wire.talks.get(conn) if type(conn) is int else None
        if talk is None or self._verified is None or not talk.theirs.pieces:
            return
        is_old_news = event.time_ns - self._verified_ns > NEWS_NS
        if is_old_news and not talk.theirs.pieces & ~self._verified:
            self._blame("interest-in-nothing", event, "we said interested, and lack nothing it has")

    def _decision(self, event: Event) -> None:
        what, chosen = event.data.get("what"), event.data.get("chosen")
        slots = event.data.get("slots")
        if what == "ban_peer" and isinstance(chosen, str):
            self._accused.pop(_conn_of(chosen), None)
            self._banned.add(_conn_of(chosen))
        count = len(chosen) if what == "unchoke" and isinstance(chosen, list) else 0
        if type(slots) is int and count > slots:
            text = f"{count} peers were unchoked, with {slots} slots"
            self._blame("too-many-unchoked", event, text)

    def _has_failed(self, event: Event) -> None:
        contributors = event.data.get("contributors")
        if not isinstance(contributors, list) or len(contributors) != 1:
            return
        alone = contributors[0]
        if (
            type(alone) is int and alone and alone not in self._banned
        ):  # 0 stands for an earlier session
            self._accused.setdefault(alone, event)

    def _forgive(self, event: Event) -> None:
        """Expect nothing more to be told to a peer that has gone."""
        for owed in [key for key in self._owed if key[0] == event.data.get("conn")]:
            del self._owed[owed]


def _conn_of(actor: str) -> int:
    """Return the connection whose actor it is, 0 for none."""
    return conn_of_name(actor) or 0
