"""`PeerServing`: the part of a peer's actor that says what we have, and serves the peer.

What the peer asks for waits in `peer_uploads.py` until the socket takes it and, where
uploading is limited, the bytes are granted. Between two that speak BEP 6 each request gets
an answer, its block or a reject, and a peer that begins is given a few pieces for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from actortorrent.actors.peer_exchanging import PeerExchanging
from actortorrent.actors.peer_uploads import ContentGoneError, Uploads
from actortorrent.rules.allowed_fast import allowed_fast_set, given_count, may_ask_though_choked
from actortorrent.rules.rates import RateMeter
from actortorrent.wire.block_rows import BlockRow, block_row
from actortorrent.wire.legal_order import State
from actortorrent.wire.messages import (
    AllowedFast,
    Bitfield,
    BlockName,
    Cancel,
    Choke,
    HaveAll,
    HaveNone,
    Message,
    Reject,
    Request,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Requests

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.peer_values import Neighbours


class PeerServing(PeerExchanging):
    """Serve one peer; `PeerActor` fetches from it besides."""

    is_fast = True
    _me: PeerProxy
    _tell: Neighbours

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        torrent = self._torrent
        self._uploads = Uploads(
            torrent.open_reader,
            self._trace.piece_headers,
            torrent.geometry.piece_count,
            is_limited=torrent.is_upload_limited,
        )
        self._upload_meter = RateMeter()
        self._has_asked_to_upload = False
        self._is_complete = False  # we are: nothing more will be fetched
        self._pieces_had = 0  # by the peer, as far as it told
        self._handlers.update(
            {
                Request: self._request_came,
                Requests: self._requests_came,
                Cancel: self._cancel_came,
            }
        )

    # --- what we have -----------------------------------------------------------------------

    def introduce(self, our_bitfield: bytes) -> None:
        """Say what we are, and what we have (nothing, if `our_bitfield` is empty)."""
        self._greet_extensions(is_upload_only=self._is_complete)
        if our_bitfield:
            self._uploads.offer_all(our_bitfield)
        first = self._first_message(our_bitfield)
        if first is not None:
            self._say(first)
        self._tell_dht_port()
        self._tell.seeder.peer_joined.defer(self._conn, self._me)

    def _first_message(self, our_bitfield: bytes) -> Message | None:
        """Return what says it: by BEP 6 something must, and two words are enough for most."""
        protocol = self._protocol
        if not our_bitfield:
            # Who asked before it knew what we have was answered before: then it is too late.
            is_first = protocol.our_state is State.AWAITING_FIRST_MESSAGE
            return HaveNone() if protocol.speaks_fast and is_first else None
        piece_count = int.from_bytes(our_bitfield).bit_count()
        if protocol.speaks_fast and piece_count == self._torrent.geometry.piece_count:
            return HaveAll()
        return Bitfield(our_bitfield)

    def we_have(self, piece_indexes: tuple[int, ...]) -> None:
        """Tell the peer of pieces that were verified."""
        self._uploads.offer(piece_indexes)
        self._send(self._protocol.haves(piece_indexes))
        self._rewatch()

    def we_are_complete(self) -> None:
        """Tell the peer that we fetch nothing more (BEP 21)."""
        self._is_complete = True
        if self._extensions.has_greeted:
            self._say(self._extensions.upload_only())

    # --- whom we serve ----------------------------------------------------------------------

    def choke(self) -> None:
        """Serve the peer no more; what it asked for is rejected or, by BEP 3, just forgotten."""
        forgotten = self._uploads.forget(spared=self._protocol.allowed_to_peer)
        if not self._protocol.am_choking:
            self._say(Choke())
        if self._protocol.speaks_fast:
            self._reject(forgotten)

    def unchoke(self) -> None:
        """Serve the peer."""
        if self._protocol.am_choking:
            self._say(Unchoke())

    def _told_pieces(self, pieces_had: int) -> None:
        """Learn how many pieces the peer has when we meet; who has few is given some (BEP 6)."""
        self._pieces_had += pieces_had
        protocol, torrent = self._protocol, self._torrent
        gives = protocol.speaks_fast and torrent.gives_fast and not protocol.allowed_to_peer
        if gives and may_ask_though_choked(self._pieces_had):
            host, piece_count = self._connection.address.host, torrent.geometry.piece_count
            count = given_count(piece_count)
            allowed = allowed_fast_set(torrent.info_hash, host, piece_count, count)
            if allowed:
                self._say(*[AllowedFast(piece_index) for piece_index in allowed])

    # --- what it asks for -------------------------------------------------------------------

    def _request_came(self, request: Request) -> None:
        name = (request.piece_index, request.block_offset, request.length)
        if self._protocol.am_choking and not self._may_ask(request.piece_index):
            self._reject([name])
        else:
            self._trace.asked(request)
            self._queue([block_row(name)])

    def _may_ask(self, piece_index: int) -> bool:
        """Say whether the peer may ask for a piece though we choke it."""
        is_allowed = piece_index in self._protocol.allowed_to_peer
        return is_allowed and may_ask_though_choked(self._pieces_had)

    def _requests_came(self, requests: Requests) -> None:
        self._queue(requests.rows)

    def _queue(self, rows: Sequence[BlockRow]) -> None:
        refused = self._uploads.ask(rows, may_refuse=self._protocol.speaks_fast)
        self._protocol.talked(len(refused))
        self._reject(refused)

    def _cancel_came(self, cancel: Cancel) -> None:
        name = (cancel.piece_index, cancel.block_offset, cancel.length)
        if self._uploads.cancel(*name) and self._protocol.speaks_fast:
            self._reject([name])

    def _reject(self, names: Sequence[BlockName]) -> None:
        """Answer requests that get no block."""
        if names:
            self._say(*[Reject(*name) for name in names])

    def _serve(self) -> None:
        super()._serve()
        try:
            sent = self._uploads.serve(self._open_socket())
        except ContentGoneError as error:
            self._content_gone(error)
            return
        if sent:
            now = self._last_sent = time.monotonic()
            self._upload_meter.add(sent, now)
        if not self._uploads.can_serve and self._uploads.queued_bytes:
            self._ask_to_upload()

    def _content_gone(self, error: ContentGoneError) -> None:
        """Tell of a piece that cannot be read; the peer hears that it gets none of it."""
        self._tell.storage.piece_unreadable.defer(error.piece_index, str(error))
        if not self._protocol.speaks_fast:
            raise error
        self._reject(self._uploads.withdraw(error.piece_index))

    def _ask_to_upload(self) -> None:
        if not self._has_asked_to_upload:
            self._has_asked_to_upload = True
            self._tell.seeder.wants_upload.defer(self._conn, self._uploads.queued_bytes)

    def grant_upload(self, byte_count: int) -> None:
        """Send so many bytes more (a limit is set)."""
        self._has_asked_to_upload = False
        self._uploads.allowance = (self._uploads.allowance or 0) + byte_count
        self._serve()
        self._rewatch()

    def _has_more_to_send(self) -> bool:
        return self._uploads.can_serve or super()._has_more_to_send()

    # --- the end ----------------------------------------------------------------------------

    def on_end(self, error: BaseException | None) -> None:
        """Tell that the peer wants nothing any more, and close the connection."""
        try:
            self._uploads.close()
            self._tell.seeder.peer_left.defer(self._conn)
        finally:
            super().on_end(error)
