"""How a session is doing (`Progress`), put into words and figures for people."""

from __future__ import annotations

from msgspec import Struct


class Progress(Struct, frozen=True, kw_only=True):
    """Say how a session stands at one moment; what progress views and scripts are given.

    Attributes:
        phase: "starting", "metadata" (while the torrent itself is fetched from peers),
            "checking", "fetching", "seeding" or, once asked to, "stopping".
        activity: one sentence on what it does, or what it waits for.
        elapsed_seconds: since the session began.
        wanted_bytes: bytes of the pieces that hold any byte of the selected files.
        verified_bytes: of these, the bytes whose piece matched its hash.
        checked_bytes: while checking, the bytes read so far (of `wanted_bytes`).
        fetched_bytes: payload received from peers in this session.
        uploaded_bytes: payload sent to peers in this session.
        wasted_bytes: payload received that was of no use (failed its hash, or came twice).
        download_rate: bytes a second, smoothed.
        upload_rate: bytes a second, smoothed.
        eta_seconds: until complete, at the present rate; None where unknown.
        ratio: uploaded / (fetched or, where nothing was fetched, wanted) bytes.
        piece_count: pieces wanted.
        verified_pieces: of these, verified.
        peers_connected: connections with a finished handshake.
        peers_dialling: connections under way.
        peers_known: addresses in the address book that may be dialled.
        peers_unchoking_us: peers that would serve us.
        peers_interested: peers that want something of ours.
        peers_unchoked: peers that we serve.
        metadata_parts: parts of the metadata that are here (BEP 9).
        metadata_part_count: of how many; 0 where that is not known, or not asked.
        trackers: one line a tracker that matters now, for people.
    """

    phase: str = "starting"
    activity: str = ""
    elapsed_seconds: float = 0.0
    wanted_bytes: int = 0
    verified_bytes: int = 0
    checked_bytes: int = 0
    fetched_bytes: int = 0
    uploaded_bytes: int = 0
    wasted_bytes: int = 0
    download_rate: float = 0.0
    upload_rate: float = 0.0
    eta_seconds: float | None = None
    ratio: float = 0.0
    piece_count: int = 0
    verified_pieces: int = 0
    peers_connected: int = 0
    peers_dialling: int = 0
    peers_known: int = 0
    peers_unchoking_us: int = 0
    peers_interested: int = 0
    peers_unchoked: int = 0
    metadata_parts: int = 0
    metadata_part_count: int = 0
    trackers: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Say whether every selected file is whole and verified."""
        return self.phase == "seeding"
