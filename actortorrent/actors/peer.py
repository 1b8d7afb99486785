"""`PeerActor`: one connection, and all that both sides have said on it.

Its life: shake hands (`peer_connection.py`), say what we have, and then trade: it
fetches the runs that the piece manager lends it (`peer_downloads.py`), and serves the
peer's requests (`peer_serving.py`). What the peer says is told to others as facts;
what others want of the peer arrives as commands.

When it dies, of whatever cause, what came of its leases goes to the storage, the rest
back to the piece manager, and each neighbour is told that it has gone.
"""

from __future__ import annotations

import time
from collections.abc import Collection

from actortorrent.actors.base import Runtime, message, proxy_of
from actortorrent.actors.peer_connection import ConnectionProxy
from actortorrent.actors.peer_downloads import Downloads
from actortorrent.actors.peer_having import PeerHaving
from actortorrent.actors.peer_values import Connection, Neighbours, TorrentFacts
from actortorrent.errors import PeerProtocolError
from actortorrent.rules.borrowing import GivenBack
from actortorrent.rules.choking import PeerRates
from actortorrent.rules.geometry import BLOCK_BYTES, Run
from actortorrent.rules.leases import Lease
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.messages import (
    AllowedFast,
    Choke,
    Interested,
    NotInterested,
    Reject,
    Suggest,
    Unchoke,
)
from actortorrent.wire.peer_protocol import Block, Event, Placed

DOWNLOAD_WISH_BYTES = 4 * 1024 * 1024  # where downloading is limited; granted in parts
MAX_UNASKED_BLOCKS = 64  # more than were ever asked for; a few may be a client's mistake
INTEREST = (Interested, NotInterested)
MAX_REFUSALS = 20  # in a row, of all that was asked for at a time, by a peer that offers it


class PeerActor(PeerHaving):
    """Trade with one peer."""

    def __init__(
        self,
        runtime: Runtime,
        connection: Connection,
        torrent: TorrentFacts,
        neighbours: Neighbours,
    ) -> None:
        super().__init__(runtime, connection, torrent, neighbours.swarm)
        self._tell = neighbours
        self._downloads = Downloads(
            torrent.geometry, time.monotonic(), is_limited=torrent.is_download_limited
        )
        self._protocol.places = self._downloads.places
        self._has_asked_to_download = False
        self._is_unchoked = False  # as told to others
        self._has_rejected = False
        self._refusals = 0  # in a row
        self._handlers.update(
            {
                Choke: self._choke_came,
                Unchoke: self._unchoke_came,
                Interested: self._interested_came,
                NotInterested: self._not_interested_came,
                Reject: self._reject_came,
                AllowedFast: self._allowed_fast_came,
                Suggest: self._suggest_came,
            }
        )

    # --- what the peer says -----------------------------------------------------------------

    def welcome(self) -> None:
        """Begin to trade: the swarm has nothing against this peer."""
        self._me = proxy_of(self.actor_ref, PeerProxy)
        self._tell.piece_manager.peer_joined.defer(self._conn, self._me)
        self._welcome()

    def _introduced(self) -> None:
        super()._introduced()
        queue = self._extensions.theirs.request_queue
        if queue is not None:
            self._downloads.pipeline.peer_queues(queue)

    def _interested_came(self, _: Interested) -> None:
        self._tell.seeder.peer_interested.defer(self._conn, True)

    def _not_interested_came(self, _: NotInterested) -> None:
        self._tell.seeder.peer_interested.defer(self._conn, False)

    def _unchoke_came(self, _: Unchoke) -> None:
        if self._is_unchoked:  # libtorrent may say it twice: no reason to ask for twice as much
            return
        self._is_unchoked = True
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, True)
        self._downloads.has_asked = False  # that was for pieces allowed in spite of the choke
        self._ask_for_work()

    def _choke_came(self, _: Choke) -> None:
        self._is_unchoked = False
        self._tell.piece_manager.peer_unchoked_us.defer(self._conn, False)
        if not self._protocol.speaks_fast:  # else each request stands until it is answered
            self._give_back_leases()
        self._downloads.has_asked = False
        self._ask_for_work()

    def _allowed_fast_came(self, allowed: AllowedFast) -> None:
        self._tell.piece_manager.peer_allows_fast.defer(self._conn, (allowed.piece_index,))
        self._ask_for_work()

    def _suggest_came(self, _: Suggest) -> None:
        """Ignore it: what is rare matters to the swarm more than what a peer has in its cache."""

    # --- fetching -------------------------------------------------------------------------

    def _blocks_came(self, blocks: list[Block | Placed], now: float) -> None:
        protocol = self._protocol
        if protocol.blocks_received > protocol.requests_sent + MAX_UNASKED_BLOCKS:
            raise PeerProtocolError("expected blocks that we asked for, found a flood of others")
        self._refusals = 0
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
        if not self._may_ask_for(self._protocol.allowed_by_peer):
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

    def _may_ask_for(self, pieces: Collection[int]) -> bool:
        """Say whether blocks of these pieces may be requested now; of none, while choked."""
        protocol = self._protocol
        if not protocol.peer_choking or not protocol.am_interested:
            return protocol.am_interested
        return bool(pieces) and protocol.allowed_by_peer.issuperset(pieces)

    def lease(self, leases: tuple[Lease, ...]) -> None:
        """Take runs to fetch, and ask the peer for their blocks."""
        taken = [lease for lease in leases if self._may_ask_for(lease.run.pieces)]
        if len(taken) < len(leases):
            declined = [lease for lease in leases if lease not in taken]
            given_back = self._downloads.decline(declined)
            self._tell.piece_manager.leases_returned.defer(self._conn, given_back)
        self._downloads.borrow(taken, time.monotonic())
        if taken:
            self._request(taken)
        self._ask_for_work()

    def _request(self, leases: list[Lease]) -> None:
        stretches_of = self._torrent.geometry.stretches
        stretches = [stretch for lease in leases for stretch in stretches_of(lease.run)]
        rows = [BlockRow(*stretch, BLOCK_BYTES) for stretch in stretches]
        self._send(self._protocol.requests_for(rows))
        self._trace.tell_requests()
        self._rewatch()

    def _take(self, events: list[Event]) -> None:
        super()._take(_but_what_is_taken_back(events))
        if self._has_rejected:
            self._give_back_rejected()

    def _reject_came(self, reject: Reject) -> None:
        self._downloads.rejected(reject.piece_index, reject.block_offset, reject.length)
        self._has_rejected = True  # those that come together are given back together

    def _give_back_rejected(self) -> None:
        self._has_rejected = False
        self._refusals += self._may_ask_for(self._protocol.allowed_by_peer)
        if self._refusals > MAX_REFUSALS:
            raise PeerProtocolError(
                f"expected a block at last, found only rejects, {self._refusals} times"
            )
        came, given_back = self._downloads.give_back_rejected()
        if came:
            self._tell.storage.store_runs.defer(self._conn, came)
        if given_back:
            self._tell.piece_manager.leases_returned.defer(self._conn, given_back)
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
            if self._protocol.speaks_fast:
                self._downloads.cancelled(self._torrent.geometry.blocks_of(run))

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

    # --- the end ----------------------------------------------------------------------------

    def on_end(self, error: BaseException | None) -> None:
        """Give back all that was lent, and tell everyone that the peer has gone."""
        try:
            given_back = self._hand_over_what_came()
            self._tell.piece_manager.peer_left.defer(
                self._conn, given_back, self._downloads.last_lease_id
            )
            self._tell_rates(time.monotonic())
        finally:
            super().on_end(error)


def _but_what_is_taken_back(events: list[Event]) -> list[Event]:
    """Leave out interest, or the lack of it, where the same batch says otherwise later.

    Each change has the slots given out anew: a peer that flaps would keep the seeder busy.
    """
    last = next((one for one in reversed(events) if isinstance(one, INTEREST)), None)
    return [one for one in events if one is last or not isinstance(one, INTEREST)]


class PeerProxy(ConnectionProxy):
    """The messages that a peer's actor takes."""

    welcome = message(PeerActor.welcome)
    contacts_changed = message(PeerActor.contacts_changed)
    introduce = message(PeerActor.introduce)
    lease = message(PeerActor.lease)
    cancel_leases = message(PeerActor.cancel_leases)
    show_interest = message(PeerActor.show_interest)
    we_are_complete = message(PeerActor.we_are_complete)
    we_have = message(PeerActor.we_have)
    choke = message(PeerActor.choke)
    unchoke = message(PeerActor.unchoke)
    grant_download = message(PeerActor.grant_download)
    grant_upload = message(PeerActor.grant_upload)
    leave = message(PeerActor.leave)
