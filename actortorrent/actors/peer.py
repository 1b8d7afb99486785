"""`PeerActor`: one connection, and all that both sides have said on it.

Its life: shake hands (`peer_connection.py`), say what we have, and then trade: it
fetches the runs that the piece manager lends it (`peer_downloads.py`), and serves the
peer's requests (`peer_uploads.py`). What the peer says is told to others as facts;
what others want of the peer arrives as commands.

When it dies, of whatever cause, what came of its leases goes to the storage, the rest
back to the piece manager, and each neighbour is told that it has gone.
"""

from __future__ import annotations

import time
from typing import Any

from actortorrent.actors.base import Proxy, message, proxy_of
from actortorrent.actors.peer_connection import PeerConnection
from actortorrent.actors.peer_downloads import Downloads
from actortorrent.actors.peer_uploads import ContentGoneError, Uploads
from actortorrent.actors.peer_values import Parting
from actortorrent.rules.borrowing import GivenBack
from actortorrent.rules.choking import PeerRates
from actortorrent.rules.geometry import BLOCK_BYTES, Run
from actortorrent.rules.leases import Lease
from actortorrent.rules.rates import RateMeter
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import (
    Bitfield,
    Cancel,
    Choke,
    Have,
    Interested,
    NotInterested,
    Request,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Block, Placed, Requests

DOWNLOAD_WISH_BYTES = 4 * 1024 * 1024  # where downloading is limited; granted in parts


class PeerActor(PeerConnection):
    """Trade with one peer."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        torrent = self._torrent
        self._downloads = Downloads(
            torrent.geometry, time.monotonic(), is_limited=torrent.is_download_limited
        )
        self._uploads = Uploads(
            torrent.open_reader,
            self._trace.piece_headers,
            torrent.geometry.piece_count,
            is_limited=torrent.is_upload_limited,
        )
        self._protocol.places = self._downloads.places
        self._upload_meter = RateMeter()
        self._has_asked_to_upload = False
        self._has_asked_to_download = False
        self._handlers.update(
            {
                Choke: self._choke_came,
                Unchoke: self._unchoke_came,
                Interested: self._interested_came,
                NotInterested: self._not_interested_came,
                Have: self._have_came,
                Bitfield: self._bitfield_came,
                Request: self._request_came,
                Requests: self._requests_came,
                Cancel: self._cancel_came,
            }
        )

    # --- what the peer says -----------------------------------------------------------------

    def _joined(self, handshake: Handshake) -> None:
        self._me = proxy_of(self.actor_ref, PeerProxy)
        self._tell.swarm.peer_handshaken.defer(self._conn, handshake.peer_id)

    def welcome(self) -> None:
        """Begin to trade: the swarm has nothing against this peer."""
        self._tell.piece_manager.peer_joined.defer(self._conn, self._me)
        self._welcome()

    def _bitfield_came(self, bitfield: Bitfield) -> None:
        self._tell.piece_manager.peer_has_bitfield.defer(self._conn, bitfield.bits)

    def _have_came(self, have: Have) -> None:
        self._tell.piece_manager.peer_has.defer(self._conn, (have.piece_index,))

    def _interested_came(self, _: Interested) -> None:
        self._tell.seeder.peer_interested.defer(self._conn, True)

    def _not_interested_came(self, _: NotInterested) -> None:
        self._tell.seeder.peer_interested.defer(self._conn, False)

    def _unchoke_came(self, _: Unchoke) -> None:
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, True)
        self._ask_for_work()

    def _choke_came(self, _: Choke) -> None:
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, False)
        self._give_back_leases()

    # --- fetching -------------------------------------------------------------------------

    def _blocks_came(self, blocks: list[Block | Placed], now: float) -> None:
        filled = self._downloads.blocks_came(blocks, now)
        if filled:
            self._trace.tell_blocks()
            self._tell.storage.store_runs.defer(self._conn, filled)
            lease_ids = tuple([one.lease_id for one in filled])
            wants_bytes = self._bytes_to_ask_for()
            self._tell.piece_manager.leases_filled.defer(self._conn, lease_ids, wants_bytes)
        else:
            self._ask_for_work()

    def _ask_for_work(self) -> None:
        byte_count = self._bytes_to_ask_for()
        if byte_count:
            self._trace.tell_blocks()
            self._tell.piece_manager.wants_work.defer(self._conn, byte_count)

    def _bytes_to_ask_for(self) -> int:
        """Return how much work to ask for, 0 for none; to be asked for at once."""
        if self._protocol.peer_choking or not self._protocol.am_interested:
            return 0
        byte_count = self._downloads.bytes_to_ask_for
        self._downloads.has_asked = self._downloads.has_asked or byte_count > 0
        return byte_count

    def _give_back_leases(self) -> None:
        given_back = self._hand_over_what_came()
        if given_back:
            self._tell.piece_manager.leases_returned.defer(self._conn, given_back)

    def _hand_over_what_came(self) -> tuple[GivenBack, ...]:
        came, given_back = self._downloads.give_back()
        if came:
            self._tell.storage.store_runs.defer(self._conn, came)
        return given_back

    def lease(self, leases: tuple[Lease, ...]) -> None:
        """Take runs to fetch, and ask the peer for their blocks."""
        self._downloads.borrow(leases, time.monotonic())
        if self._protocol.peer_choking or not self._protocol.am_interested:
            self._give_back_leases()
            return
        blocks_of = self._torrent.geometry.blocks_of
        names = [name for lease in leases for name in blocks_of(lease.run)]
        self._send(self._protocol.requests_for(names))
        self._trace.tell_requests()
        self._rewatch()
        self._ask_for_work()

    def cancel_leases(self, lease_ids: tuple[int, ...]) -> None:
        """Drop leases whose blocks came from another peer (endgame)."""
        for lease_id in lease_ids:
            self._send_cancels(self._downloads.cancel(lease_id))
        self._rewatch()
        self._ask_for_work()

    def _send_cancels(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            self._send(self._protocol.cancels(run.piece_index, run.offset, run.length, BLOCK_BYTES))

    def show_interest(self, is_interested: bool) -> None:
        """Tell the peer whether it has anything that we want."""
        if is_interested != self._protocol.am_interested:
            self._say(Interested() if is_interested else NotInterested())
        self._ask_for_work()

    def grant_download(self, byte_count: int) -> None:
        """Read so many bytes more (a limit is set)."""
        self._has_asked_to_download = False
        self._downloads.grant(byte_count, time.monotonic())
        self._rewatch()

    def _ask_to_download(self) -> None:
        if not self._has_asked_to_download:
            self._has_asked_to_download = True
            self._tell.seeder.wants_download.defer(self._conn, DOWNLOAD_WISH_BYTES)

    # --- serving ----------------------------------------------------------------------------

    def introduce(self, our_bitfield: bytes) -> None:
        """Say what we have (nothing, if `our_bitfield` is empty): the first message of ours."""
        if our_bitfield:
            self._uploads.offer_all(our_bitfield)
            self._say(Bitfield(our_bitfield))
        self._tell.seeder.peer_joined.defer(self._conn, self._me)

    def we_have(self, piece_indexes: tuple[int, ...]) -> None:
        """Tell the peer of pieces that were verified."""
        self._uploads.offer(piece_indexes)
        self._send(self._protocol.haves(piece_indexes))
        self._rewatch()

    def choke(self) -> None:
        """Serve the peer no more, and forget what it asked for."""
        self._uploads.forget_all()
        if not self._protocol.am_choking:
            self._say(Choke())

    def unchoke(self) -> None:
        """Serve the peer."""
        if self._protocol.am_choking:
            self._say(Unchoke())

    def _request_came(self, request: Request) -> None:
        self._uploads.ask([(request.piece_index, request.block_offset, request.length)])
        self._trace.asked(request)

    def _requests_came(self, requests: Requests) -> None:
        self._uploads.ask(requests.names)

    def _cancel_came(self, cancel: Cancel) -> None:
        self._uploads.cancel(cancel.piece_index, cancel.block_offset, cancel.length)

    def _serve(self) -> None:
        try:
            sent = self._uploads.serve(self._open_socket())
        except ContentGoneError as error:
            self._tell.storage.piece_unreadable.defer(error.piece_index, str(error))
            raise
        if sent:
            now = self._last_sent = time.monotonic()
            self._upload_meter.add(sent, now)
        if not self._uploads.can_serve and self._uploads.queued_bytes:
            self._ask_to_upload()

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

    # --- time -------------------------------------------------------------------------------

    def _look_after(self, now: float) -> None:
        self._trace.tell_blocks()
        if self._downloads.has_stalled(now):
            self._snub()
        self._tell_rates(now)

    def _tell_rates(self, now: float) -> None:
        download, upload = self._downloads.meter.recent(now), self._upload_meter.recent(now)
        self._tell.seeder.peer_rates.defer(
            PeerRates(
                conn=self._conn,
                downloaded_bytes_total=self._downloads.came_bytes,
                uploaded_bytes_total=self._uploads.sent_bytes,
                download_rate=download.rate,
                upload_rate=upload.rate,
                is_snubbed=self._downloads.is_snubbed,
                wasted_bytes_total=self._downloads.wasted_bytes,
                recent_download=download,
                recent_upload=upload,
            )
        )

    def _snub(self) -> None:
        """Give back what does not come, so that others fetch it; keep asking for a little."""
        self._downloads.snub()
        self._record("bt:peer_snubbed", {"conn": self._conn})
        given_back = self._hand_over_what_came()
        for lease in given_back:
            self._send_cancels(lease.missing)
        self._tell.piece_manager.leases_returned.defer(self._conn, given_back)
        self._ask_for_work()

    # --- limits -----------------------------------------------------------------------------

    def _most_bytes_to_read(self) -> int | None:
        allowance = self._downloads.allowance
        if allowance is not None and allowance <= 0:
            self._ask_to_download()
            return 0
        return allowance

    def _did_read(self, byte_count: int) -> None:
        if self._downloads.allowance is not None:
            self._downloads.allowance -= byte_count

    def _has_more_to_send(self) -> bool:
        return self._uploads.can_serve

    # --- the end ----------------------------------------------------------------------------

    def leave(self, parting: Parting, reason: str) -> None:
        """End the connection."""
        self._go(parting, reason)

    def on_end(self, error: BaseException | None) -> None:
        """Give back all that was lent, and tell everyone that the peer has gone."""
        try:
            self._uploads.close()
            given_back = self._hand_over_what_came()
            self._tell.piece_manager.peer_left.defer(
                self._conn, given_back, self._downloads.last_lease_id
            )
            self._tell_rates(time.monotonic())
            self._tell.seeder.peer_left.defer(self._conn)
        finally:
            super().on_end(error)


class PeerProxy(Proxy):
    """The messages that a peer's actor takes."""

    welcome = message(PeerActor.welcome)
    introduce = message(PeerActor.introduce)
    lease = message(PeerActor.lease)
    cancel_leases = message(PeerActor.cancel_leases)
    show_interest = message(PeerActor.show_interest)
    we_have = message(PeerActor.we_have)
    choke = message(PeerActor.choke)
    unchoke = message(PeerActor.unchoke)
    grant_download = message(PeerActor.grant_download)
    grant_upload = message(PeerActor.grant_upload)
    leave = message(PeerActor.leave)
