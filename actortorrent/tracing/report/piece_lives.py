"""The lives of the pieces: offered, picked, stored, verified, failed; at each client."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from actortorrent.tracing.events import Event
from actortorrent.tracing.filters import picked_pieces
from actortorrent.tracing.report.peers import peer_actor

MAX_FACTS = 200_000  # of one report
ALL_PIECES = -1
NOBODY = ""

OFFERED, PICKED, STORED, VERIFIED, FAILED, FOUND, LOST = range(7)
Fact = tuple[int, int, str]  # what, piece index, the peer's actor


class PieceLives:
    """Collect what happened to pieces."""

    def __init__(self, piece_count: int, actor: Callable[[str], int]) -> None:
        self._piece_count = piece_count
        self._actor = actor
        self._facts: list[list[int]] = []
        self._left_out = 0

    def see(self, event: Event, row: int, micros: int) -> None:
        """Take what an event says of pieces."""
        for what, piece_index, peer in _facts_of(event, self._piece_count):
            if len(self._facts) >= MAX_FACTS:
                self._left_out += 1
                continue
            who = self._actor(peer) if peer else -1
            self._facts.append([micros, row, self._actor(event.actor), what, piece_index, who])

    def to_json(self) -> dict[str, Any]:
        """Return the facts: time, row of the event, actor, what, piece, the peer's actor."""
        return {"facts": self._facts, "left_out": self._left_out}


def _facts_of(event: Event, piece_count: int) -> Iterator[Fact]:
    data = event.data
    match event.name:
        case "bt:piece_verified":
            yield from _facts(VERIFIED, [data.get("piece")])
        case "bt:piece_failed":
            yield from _facts(FAILED, [data.get("piece")])
        case "actor:decision" if data.get("what") == "pick_piece":
            node, slash, _ = event.actor.rpartition("/")
            yield from _facts(PICKED, picked_pieces(event), f"{node}{slash}{data.get('peer')}")
        case "actor:message":
            yield from _facts_of_message(event, data, piece_count)
        case "bt:message_received":
            yield from _offers(event.actor, data, piece_count)


def _offers(actor: str, data: Mapping[str, Any], piece_count: int) -> Iterator[Fact]:
    fields = data.get("fields")
    if data.get("type") == "have all":
        yield OFFERED, ALL_PIECES, actor
    if not isinstance(fields, dict):
        return
    if data.get("type") == "have":
        yield from _facts(OFFERED, [fields.get("piece_index")], actor)
    elif data.get("type") == "bitfield" and fields.get("set_bits") == piece_count:
        yield OFFERED, ALL_PIECES, actor
    elif data.get("type") == "bitfield":
        yield from _facts(OFFERED, _pieces_of_bits(fields.get("bits"), piece_count), actor)


def _pieces_of_bits(bits: object, piece_count: int) -> list[int]:
    """Return the pieces of a bitfield, as traces hold it: in base64, its first bit the first."""
    if not isinstance(bits, str):
        return []
    try:
        raw = base64.b64decode(bits, validate=True)
    except ValueError:
        return []  # an older trace, or a bitfield too long to be kept
    indexes = range(min(piece_count, len(raw) * 8))
    return [index for index in indexes if raw[index // 8] >> (7 - index % 8) & 1]


def _facts_of_message(event: Event, data: Mapping[str, Any], piece_count: int) -> Iterator[Fact]:
    args = data.get("args")
    if not isinstance(args, dict):
        return
    match data.get("type"):
        case "content_checked":
            yield from _found(args.get("verified"), piece_count)
        case "piece_lost":
            yield from _facts(LOST, [args.get("piece_index")])
        case "runs_stored":
            stored = args.get("stored")
            runs = [one.get("run") for one in _dicts(stored)]
            pieces = [piece for run in _dicts(runs) for piece in _pieces_of_run(run)]
            yield from _facts(STORED, pieces, peer_actor(event.actor, args.get("conn")))


def _pieces_of_run(run: Mapping[str, Any]) -> list[Any]:
    row = run.get("pieces")
    return row if isinstance(row, list) else [run.get("piece_index")]


def _found(verified: object, piece_count: int) -> Iterator[Fact]:
    """Yield what was on the disk already: `verified` is a set of bits, or a text about one."""
    if verified == f"<{piece_count} bits set>":
        yield FOUND, ALL_PIECES, NOBODY
    elif isinstance(verified, int) and verified > 0:
        if verified == (1 << piece_count) - 1:
            yield FOUND, ALL_PIECES, NOBODY
        else:
            bits = range(min(piece_count, verified.bit_length()))
            yield from _facts(FOUND, [index for index in bits if verified >> index & 1])


def _facts(what: int, pieces: list[Any], peer: str = NOBODY) -> Iterator[Fact]:
    for piece in pieces:
        if isinstance(piece, int):
            yield what, piece, peer


def _dicts(values: object) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []
