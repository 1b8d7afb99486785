"""How each part of a session stands: what the actors tell the reporter of themselves."""

from __future__ import annotations

from msgspec import Struct


class PiecesStatus(Struct, frozen=True, kw_only=True):
    """Count the wanted pieces and their bytes, and the peers that would serve us."""

    wanted_pieces: int = 0
    verified_pieces: int = 0
    wanted_bytes: int = 0
    verified_bytes: int = 0
    wasted_bytes: int = 0
    peers_with_wanted: int = 0
    peers_unchoking_us: int = 0
    unavailable_pieces: int = 0  # lacking, and no connected peer has them
    is_complete: bool = False


class SwarmStatus(Struct, frozen=True, kw_only=True):
    """Count connections and addresses.

    `is_hopeless`: nobody is connected or being dialled, and every address known (if
    any) has failed more than once. `has_met_anyone`: some peer has shaken hands, ever.
    `last_failure` says how the last dial that came to nothing ended.
    """

    connected: int = 0
    dialling: int = 0
    waiting: int = 0
    banned: int = 0
    is_hopeless: bool = False
    has_met_anyone: bool = False
    last_failure: str = ""


class MetadataStatus(Struct, frozen=True, kw_only=True):
    """Count the parts of the metadata that are here, of how many, and who has them (BEP 9).

    `part_count` is 0 as long as no peer has said how many there are.
    """

    parts: int = 0
    part_count: int = 0
    peers: int = 0


class TransferStatus(Struct, frozen=True, kw_only=True):
    """Add up what all peers of the session sent and received, gone ones included.

    `wasted_bytes`: of what came, what had come from another peer before.
    """

    downloaded_bytes: int = 0
    wasted_bytes: int = 0
    uploaded_bytes: int = 0
    download_rate: float = 0.0
    upload_rate: float = 0.0
    interested: int = 0
    unchoked: int = 0

    @property
    def useful_bytes(self) -> int:
        """Return the bytes that came and were asked for."""
        return self.downloaded_bytes - self.wasted_bytes
