"""What the seeder knows of each connection, and what all of them have transferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from actortorrent.rules.choking import PeerRates, PeerStanding
from actortorrent.rules.rates import NOTHING, FairShare
from actortorrent.rules.statuses import TransferStatus
from actortorrent.rules.web_seeds import is_web_seed

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy


class KnownPeer(Struct):
    """One connection; it is served only once its actor has joined (has a `proxy`)."""

    conn: int
    proxy: PeerProxy | None = None
    is_interested: bool = False
    is_choked: bool = True
    connected_at: float = 0.0
    turn_began_at: float | None = None
    rates: PeerRates | None = None
    early_wishes: list[tuple[FairShare, int]] = field(default_factory=list)

    def standing(self) -> PeerStanding:
        """Return what the choking rules look at."""
        rates = self.rates
        return PeerStanding(
            conn=self.conn,
            is_interested=self.is_interested,
            is_choked_by_us=self.is_choked,
            connected_at=self.connected_at,
            turn_began_at=self.turn_began_at,
            download_rate=rates.download_rate if rates else 0.0,
            upload_rate=rates.upload_rate if rates else 0.0,
            is_snubbed=rates.is_snubbed if rates else False,
            recent_download=rates.recent_download if rates else NOTHING,
            recent_upload=rates.recent_upload if rates else NOTHING,
        )


class KnownPeers:
    """Keep the connections by number, and the totals of those that have gone."""

    def __init__(self) -> None:
        self._peers: dict[int, KnownPeer] = {}
        self._gone_downloaded_bytes = 0
        self._gone_wasted_bytes = 0
        self._gone_uploaded_bytes = 0

    def __getitem__(self, conn: int) -> KnownPeer:
        """Return a connection, new if nothing was heard of it before."""
        return self._peers.setdefault(conn, KnownPeer(conn))

    def forget(self, conn: int) -> None:
        """Drop a connection, but for what it transferred."""
        peer = self._peers.pop(conn, None)
        if peer is not None and peer.rates is not None:
            self._gone_downloaded_bytes += peer.rates.downloaded_bytes_total
            self._gone_wasted_bytes += peer.rates.wasted_bytes_total
            self._gone_uploaded_bytes += peer.rates.uploaded_bytes_total

    def standings(self) -> list[PeerStanding]:
        """Return how each peer stands that has joined; web seeds want nothing of us."""
        return [
            peer.standing()
            for peer in self._peers.values()
            if peer.proxy is not None and not is_web_seed(peer.conn)
        ]

    def transfer_status(self) -> TransferStatus:
        """Add up what all connections have transferred, and how fast they do."""
        peers = self._peers.values()
        rates = [peer.rates for peer in peers if peer.rates is not None]
        return TransferStatus(
            downloaded_bytes=self._gone_downloaded_bytes
            + sum(one.downloaded_bytes_total for one in rates),
            wasted_bytes=self._gone_wasted_bytes + sum(one.wasted_bytes_total for one in rates),
            uploaded_bytes=self._gone_uploaded_bytes
            + sum(one.uploaded_bytes_total for one in rates),
            download_rate=sum(one.download_rate for one in rates),
            upload_rate=sum(one.upload_rate for one in rates),
            interested=sum(peer.is_interested for peer in peers),
            unchoked=sum(not peer.is_choked for peer in peers),
        )
