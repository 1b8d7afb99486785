"""What a session is doing, or waiting for, in one sentence: never 0 % without a reason."""

from __future__ import annotations

from collections.abc import Sequence

from actortorrent.rules.statuses import MetadataStatus, PiecesStatus, SwarmStatus, TransferStatus
from actortorrent.rules.tracker_status import TrackerState, TrackerStatus


def fetching_activity(
    pieces: PiecesStatus,
    swarm: SwarmStatus,
    transfer: TransferStatus,
    trackers: Sequence[TrackerStatus],
) -> str:
    """Say what fetching waits for, or from how many peers it comes."""
    if not swarm.connected:
        return _looking_for_peers(swarm, trackers)
    peers = _count(swarm.connected, "peer")
    if not pieces.peers_with_wanted:
        return f"{peers}, none has what is missing here"
    if not pieces.peers_unchoking_us:
        return f"{peers}, all choking us"
    if transfer.download_rate < 1:
        return f"waiting for blocks from {_count(pieces.peers_unchoking_us, 'peer')}"
    return f"fetching from {_count(pieces.peers_unchoking_us, 'peer')}"


def metadata_activity(
    metadata: MetadataStatus, swarm: SwarmStatus, trackers: Sequence[TrackerStatus]
) -> str:
    """Say how much of the metadata is there, or what it waits for (BEP 9)."""
    if metadata.part_count and metadata.peers:
        parts = _count(metadata.part_count, "part")
        return f"metadata: {metadata.parts} of {parts}, from {_count(metadata.peers, 'peer')}"
    if not swarm.connected:
        return f"metadata: {_looking_for_peers(swarm, trackers)}"
    return f"metadata: {_count(swarm.connected, 'peer')}, none offers it yet"


def seeding_activity(swarm: SwarmStatus, transfer: TransferStatus) -> str:
    """Say whom seeding serves, or that nobody asks."""
    if transfer.unchoked and transfer.upload_rate >= 1:
        return f"uploading to {_count(transfer.unchoked, 'peer')}"
    if not swarm.connected:
        return "waiting for peers"
    if not transfer.interested:
        return f"{_count(swarm.connected, 'peer')}, none wants anything"
    return f"{_count(transfer.interested, 'peer')} interested"


def _looking_for_peers(swarm: SwarmStatus, trackers: Sequence[TrackerStatus]) -> str:
    if swarm.dialling:
        return f"dialling {_count(swarm.dialling, 'peer')}"
    asking = [tracker for tracker in trackers if tracker.state is TrackerState.ASKING]
    if asking:
        return f"asking tracker {asking[0].url}"
    if swarm.waiting:
        last = f" ({swarm.last_failure})" if swarm.last_failure else ""
        return f"{_count(swarm.waiting, 'peer')} known, none connected{last}; trying again"
    if any(tracker.state is TrackerState.WORKING for tracker in trackers):
        return "no peers yet; the tracker knows of none"
    failed = [tracker for tracker in trackers if tracker.state is TrackerState.FAILED]
    if failed:
        return f"no tracker answers: {failed[-1]}; trying again"
    return f"no tracker to ask: {trackers[-1]}" if trackers else "no peers known"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
