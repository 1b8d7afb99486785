"""`PeerHaving`: the part of a peer's actor that hears which pieces the peer has.

Of a peer that fetches quickly, a dozen `have` come at a time: they are told of together.
"""

from __future__ import annotations

from typing import Any

from actortorrent.actors.peer_serving import PeerServing
from actortorrent.rules.bitfield import all_pieces, to_wire
from actortorrent.wire.messages import Bitfield, Have, HaveAll, HaveNone
from actortorrent.wire.peer_protocol import Event


class PeerHaving(PeerServing):
    """Tell the piece manager what the peer has; `PeerActor` fetches it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._news: list[int] = []  # pieces that the peer has now, to be told of
        self._news_cause = ""  # the last `have` of them
        self._handlers.update(
            {
                Have: self._have_came,
                Bitfield: self._bitfield_came,
                HaveAll: self._have_all_came,
                HaveNone: self._have_none_came,
            }
        )

    def _bitfield_came(self, bitfield: Bitfield) -> None:
        self._tell.piece_manager.peer_has_bitfield.defer(self._conn, bitfield.bits)
        self._told_pieces(int.from_bytes(bitfield.bits).bit_count())

    def _have_all_came(self, _: HaveAll) -> None:
        piece_count = self._torrent.geometry.piece_count
        self._bitfield_came(Bitfield(to_wire(all_pieces(piece_count), piece_count)))

    def _have_none_came(self, _: HaveNone) -> None:
        self._told_pieces(0)

    def _have_came(self, have: Have) -> None:
        self._pieces_had += 1
        self._news.append(have.piece_index)
        self._news_cause = self._inbox.clock.cause

    def _take(self, events: list[Event]) -> None:
        super()._take(events)
        if self._news:
            self._tell_news()

    def _tell_news(self) -> None:
        news, self._news = self._news, []
        clock = self._inbox.clock
        before, clock.cause = clock.cause, self._news_cause
        self._tell.piece_manager.peer_has.defer(self._conn, tuple(news))
        clock.cause = before
