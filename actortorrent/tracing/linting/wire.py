"""The rules of the peer protocol, as one trace can judge them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from actortorrent.tracing.events import GAP, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.linting.talk import (
    MAX_PIECES,
    SENDS_LATER_BITFIELDS,
    Side,
    Talk,
    block_of,
    piece_size,
    pieces_of_bits,
    speaks_fast,
)

MAX_REQUEST_BYTES = 128 * 1024
ANSWER_NS = 30 * 10**9  # since the last request, or the choke: no answer is on its way any more
# What may come before a bitfield: as in wire/legal_order.py.
NEUTRAL = frozenset(["handshake", "keep-alive", "port", "extended", "unknown"])
NEUTRAL |= {"suggest", "allowed fast"}
# Kinds of BEP 6 by the numbers that older traces have of them.
HAVE_ALL, HAVE_NONE, ALLOWED_FAST = 14, 15, 17
FAST_KINDS = {HAVE_ALL: "have all", HAVE_NONE: "have none", ALLOWED_FAST: "allowed fast"}

Blame = Callable[[str, Event, str], None]  # rule, event, sentence


class WireRules:
    """Judge what went over the wire; to be told all events of one node, in order.

    Args:
        header: of that node's trace.
        blame: is told of each rule that was broken.
    """

    def __init__(self, header: TraceHeader, blame: Blame) -> None:
        self._header = header
        self._blame = blame
        self._is_heard_between = bool(header.imported_from)  # not at either end
        self._broken: set[int] = set()  # connections of which bytes are missing
        self.talks: dict[int, Talk] = {}
        self._judges: Mapping[str, Callable[[Event, Side, Side, dict[str, Any]], None]] = {
            "handshake": self._handshake,
            "bitfield": self._bitfield,
            "have": self._have,
            "request": self._request,
            "cancel": self._cancel,
            "piece": self._piece,
            "choke": self._choke,
            "unchoke": self._unchoke,
            "interested": self._interest,
            "not interested": self._interest,
            "have all": self._fast,
            "have none": self._fast,
            "allowed fast": self._fast,
            "reject": self._reject,
            "unknown": self._fast,
        }

    def hear(self, event: Event) -> None:
        """Judge one event."""
        conn = event.data.get("conn")
        if type(conn) is int and event.name == GAP:
            self._broken.add(conn)  # what was missed may have been what made all right
        if type(conn) is not int or not event.name.startswith("bt:") or conn in self._broken:
            return
        talk = self.talks.setdefault(conn, Talk(conn))
        talk.last_id = event.id
        if event.name in (WIRE_SENT, WIRE_RECEIVED):
            self._message(event, talk)
        elif event.name in ("bt:requests_sent", "bt:requests_received"):
            speaker, listener = talk.sides(event.name.rpartition("_")[2])
            self._asks(event, speaker, listener, _count(event))
        elif event.name in ("bt:blocks_sent", "bt:blocks_received"):
            speaker, _ = talk.sides(event.name.rpartition("_")[2])
            self._sends_blocks(event, speaker, _count(event))
        elif event.name == "bt:connection_closed":
            self._closed(event, talk)

    def _message(self, event: Event, talk: Talk) -> None:
        speaker, listener = talk.sides(event.name.rpartition("_")[2])
        kind = event.data.get("type")
        fields = event.data.get("fields")
        self._place(event, speaker)
        if kind != "handshake" and not speaker.handshakes:
            self._blame("handshake-first", event, f"{speaker.name} sent {kind} before a handshake")
        judge = self._judges.get(kind) if isinstance(kind, str) else None
        if judge is not None:
            judge(event, speaker, listener, fields if isinstance(fields, dict) else {})
        speaker.messages += kind not in NEUTRAL

    def _place(self, event: Event, speaker: Side) -> None:
        """Check that streams have no overlaps; sums between messages leave room."""
        offset, length = event.data.get("offset"), event.data.get("length")
        if type(offset) is not int or type(length) is not int:
            return
        if offset < speaker.next_offset:
            text = f"{speaker.name}: byte {offset} is told twice in this direction"
            self._blame("stream", event, text)
        speaker.next_offset = offset + length

    # --- one for each message -------------------------------------------------------------

    def _handshake(self, event: Event, speaker: Side, _: Side, fields: dict[str, Any]) -> None:
        if speaker.handshakes or speaker.messages:
            self._blame("handshake-first", event, f"{speaker.name} sent another handshake")
        speaker.handshakes += 1
        speaker.peer_id = str(fields.get("peer_id", ""))
        speaker.speaks_fast = speaks_fast(fields.get("reserved"))
        info_hash = fields.get("info_hash", self._header.info_hash)
        if info_hash != self._header.info_hash:
            self._blame("wrong-torrent", event, f"{speaker.name} shook hands for {info_hash}")

    def _bitfield(self, event: Event, speaker: Side, _: Side, fields: dict[str, Any]) -> None:
        is_excused = speaker.peer_id.startswith(SENDS_LATER_BITFIELDS)
        if speaker.bitfields and not is_excused:
            self._blame("second-bitfield", event, f"{speaker.name} sent another bitfield")
        elif speaker.messages and not is_excused:
            self._blame("late-bitfield", event, f"{speaker.name} sent a bitfield late")
        speaker.bitfields += 1
        self._check_size(event, speaker, fields)
        pieces = pieces_of_bits(fields.get("bits"), self._header.piece_count)
        speaker.pieces = None if pieces is None else (speaker.pieces or 0) | pieces

    def _check_size(self, event: Event, speaker: Side, fields: dict[str, Any]) -> None:
        length, set_bits = event.data.get("length"), fields.get("set_bits")
        expected = 5 + (self._header.piece_count + 7) // 8
        if length != expected:
            text = f"{speaker.name} sent a bitfield of {length} bytes, not {expected}"
            self._blame("bitfield-size", event, text)
        if type(set_bits) is int and set_bits > self._header.piece_count:
            self._blame("bitfield-size", event, f"{speaker.name} set {set_bits} bits")

    def _have(self, event: Event, speaker: Side, _: Side, fields: dict[str, Any]) -> None:
        piece = fields.get("piece_index")
        if type(piece) is not int or not piece_size(self._header, piece):
            self._blame("out-of-range", event, f"{speaker.name} sent have for piece {piece}")
            return
        speaker.told.add(piece)
        if speaker.pieces is not None:
            speaker.pieces |= 1 << piece

    def _request(self, event: Event, speaker: Side, listener: Side, fields: dict[str, Any]) -> None:
        self._asks(event, speaker, listener, 1)
        block = block_of(fields)
        if block is None or not self._is_in_range(block):
            self._blame("out-of-range", event, f"{speaker.name} asked for {_block_text(fields)}")
            return
        if block[2] > MAX_REQUEST_BYTES:
            self._blame("over-long-request", event, f"{speaker.name} asked for {block[2]} bytes")
        speaker.asked.add(block)

    def _cancel(self, event: Event, speaker: Side, _: Side, fields: dict[str, Any]) -> None:
        block = block_of(fields)
        if block is None or not self._is_in_range(block):
            self._blame("out-of-range", event, f"{speaker.name} cancelled {_block_text(fields)}")
        elif speaker.asked and block not in speaker.asked:
            text = f"{speaker.name} cancelled {_block_text(fields)}, which was not asked for"
            self._blame("cancel-unasked", event, text)

    def _piece(self, event: Event, speaker: Side, listener: Side, fields: dict[str, Any]) -> None:
        self._sends_blocks(event, speaker, 1)
        block = block_of(fields)
        if block is None or not self._is_in_range(block):
            self._blame("out-of-range", event, f"{speaker.name} sent {_block_text(fields)}")
        elif block not in listener.asked:
            text = f"{speaker.name} sent {_block_text(fields)}, which was not asked for"
            self._blame("unasked-block", event, text)

    def _choke(self, event: Event, speaker: Side, _: Side, _fields: dict[str, Any]) -> None:
        if speaker.is_us and speaker.is_choking:
            self._blame("said-twice", event, "we choked a peer that was choked")
        speaker.is_choking = True
        speaker.busy_ns = event.time_ns

    def _unchoke(self, event: Event, speaker: Side, _: Side, _fields: dict[str, Any]) -> None:
        if speaker.is_us and not speaker.is_choking:
            self._blame("said-twice", event, "we unchoked a peer that was unchoked")
        speaker.is_choking = False
        speaker.has_unchoked = True

    def _interest(self, event: Event, speaker: Side, listener: Side, _: dict[str, Any]) -> None:
        is_interested = event.data.get("type") == "interested"
        if speaker.is_us and speaker.is_interested == is_interested:
            self._blame("said-twice", event, f"we said {event.data.get('type')} again")
        speaker.is_interested = is_interested
        if is_interested and listener.pieces == 0 and not listener.bitfields:
            text = f"{speaker.name} said interested, and nothing was offered"
            self._blame("interest-in-nothing", event, text)

    def _fast(self, event: Event, speaker: Side, _: Side, fields: dict[str, Any]) -> None:
        """Learn from messages of BEP 6."""
        kind, number = event.data.get("type"), fields.get("kind")
        if kind == "unknown" and type(number) is int:
            kind = FAST_KINDS.get(number)
        speaker.bitfields += kind in ("have all", "have none")
        if kind == "have all":
            speaker.pieces = (1 << min(self._header.piece_count, MAX_PIECES)) - 1
        speaker.allows_fast |= kind == "allowed fast"

    def _reject(self, event: Event, speaker: Side, listener: Side, fields: dict[str, Any]) -> None:
        speaker.rejects += 1
        if listener.asked and block_of(fields) not in listener.asked:
            text = f"{speaker.name} rejected {_block_text(fields)}, which was not asked for"
            self._blame("unasked-reject", event, text)

    # --- also from sums -----------------------------------------------------------------------

    def _asks(self, event: Event, speaker: Side, listener: Side, count: int) -> None:
        speaker.requested += count
        speaker.busy_ns = event.time_ns
        # A request of the peer's may have crossed our choke; ours is behind what we heard.
        knows_of_choke = speaker.is_us and not self._is_heard_between
        is_choked = listener.is_choking if knows_of_choke else not listener.has_unchoked
        if is_choked and not listener.allows_fast:
            self._blame("request-while-choked", event, f"{speaker.name} asked while choked")
        if not speaker.is_interested:
            text = f"{speaker.name} asked without having said interested"
            self._blame("request-without-interest", event, text)

    def _sends_blocks(self, event: Event, speaker: Side, count: int) -> None:
        speaker.blocks += count
        # What the peer was reading from its disk when it choked comes all the same (libtorrent).
        is_late = speaker.has_unchoked and (not speaker.is_us or self._is_heard_between)
        if speaker.is_choking and not is_late and not speaker.allows_fast:
            text = f"{speaker.name} sent a block while choking the other side"
            self._blame("block-while-choking", event, text)

    def _closed(self, event: Event, talk: Talk) -> None:
        """Compare the sums: only at the end is it known which request came before a block."""
        talk.is_closed = True
        for speaker, listener in ((talk.ours, talk.theirs), (talk.theirs, talk.ours)):
            if speaker.blocks > listener.requested and not listener.asked:
                text = (
                    f"{speaker.name} sent {speaker.blocks} blocks for {listener.requested} requests"
                )
                self._blame("unasked-block", event, text)
            elif speaker.blocks + speaker.rejects > listener.requested and not listener.asked:
                text = f"{speaker.name} rejected more than the {listener.requested} requests"
                self._blame("unasked-reject", event, text)
            self._check_answers(event, speaker, listener)

    def _check_answers(self, event: Event, speaker: Side, listener: Side) -> None:
        """Blame who chokes, has had the time to answer each request, and did not (BEP 6)."""
        owed = listener.requested - speaker.blocks - speaker.rejects
        is_bound = speaker.speaks_fast and listener.speaks_fast and speaker.is_choking
        quiet_ns = event.time_ns - max(speaker.busy_ns, listener.busy_ns)
        if owed > 0 and is_bound and not speaker.allows_fast and quiet_ns > ANSWER_NS:
            text = f"{speaker.name} neither answered nor rejected {owed} requests"
            self._blame("unanswered-request", event, text)

    def _is_in_range(self, block: tuple[int, int, int]) -> bool:
        piece, offset, length = block
        return offset >= 0 and length > 0 and offset + length <= piece_size(self._header, piece)


def _count(event: Event) -> int:
    count = event.data.get("count")
    return count if type(count) is int else 0


def _block_text(fields: dict[str, Any]) -> str:
    piece, offset = fields.get("piece_index"), fields.get("block_offset")
    return f"piece {piece} [{offset}, +{fields.get('length')}]"
