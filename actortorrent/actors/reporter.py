"""`Reporter`: the picture of the whole session, made of what every actor says of itself.

Twice a second it puts the picture into words and figures (`Progress`) for whoever
watches, passes the totals on to the tracker's actor, and asks `rules/ending.py`
whether the session is over. It speaks to the session, which is no actor, through the
outbox, a queue that it alone fills and the session alone empties.
"""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from actortorrent.actors.base import Actor, Proxy, Runtime, message
from actortorrent.errors import StorageError
from actortorrent.rules.activity import fetching_activity, metadata_activity, seeding_activity
from actortorrent.rules.ending import End, Goals, Situation, decide_end
from actortorrent.rules.progress import Progress
from actortorrent.rules.statuses import MetadataStatus, PiecesStatus, SwarmStatus, TransferStatus
from actortorrent.rules.tracker_status import TrackerStatus
from actortorrent.rules.web_seeds import WebSeedStatus, web_seeds_activity

if TYPE_CHECKING:
    from actortorrent.actors.tracker import TrackerProxy

TICK_SECONDS = 0.5
UNKNOWN_LEFT_BYTES = 16 * 1024  # told to trackers, who give seeds no seeds, while it is not known


class Notice(Struct, frozen=True):
    """Tell the user something in one line."""

    text: str


class ContentKnown(Struct, frozen=True):
    """Say that what is on disk has been checked."""


class TrackersLeft(Struct, frozen=True):
    """Say that the trackers know that we have gone, or will not hear it."""


Outbox = queue.SimpleQueue[Any]  # the session puts in what concerns it alone, too


@dataclass(frozen=True, slots=True)
class MetadataKnown:
    """Say that the info dictionary is here, and that it matches the info-hash."""

    raw_info: bytes = field(repr=False)


class Reporter(Actor):
    """Own the picture of the session."""

    def __init__(
        self,
        runtime: Runtime,
        goals: Goals,
        outbox: Outbox,
        *,
        has_trackers: bool,
        has_dht: bool = False,
        calls_locally: bool = False,
    ) -> None:
        super().__init__(runtime, "Reporter")
        self._goals = goals
        self._outbox = outbox
        self._has_trackers = has_trackers
        self._has_dht = has_dht
        self._calls_locally = calls_locally
        self._tracker: TrackerProxy | None = None
        self._phase = "starting"
        self._pieces = PiecesStatus()
        self._swarm = SwarmStatus()
        self._transfer = TransferStatus()
        self._metadata = MetadataStatus()
        self._trackers: dict[int, TrackerStatus] = {}
        self._web_seeds: dict[int, WebSeedStatus] = {}
        self._checked = (0, 0)
        self._has_dialled = False
        self._had_everything = False
        self._has_ended = False
        now = time.monotonic()
        self._began_at = self._last_progress_at = self._completed_at = now

    def on_start(self) -> None:
        """Begin to tell."""
        self._after(TICK_SECONDS, "_tick")

    # --- facts -------------------------------------------------------------------------------

    def dht_changed(self, nodes: int) -> None:
        """Learn how many nodes of the DHT are known: with none, nobody is found there."""
        self._has_dht = nodes > 0

    def pass_totals_to(self, tracker: TrackerProxy) -> None:
        """Learn whom to tell how much was transferred."""
        self._tracker = tracker
        self._pass_totals()

    def metadata_changed(self, status: MetadataStatus) -> None:
        """Note how much of the metadata is here; the torrent itself is being fetched."""
        self._phase = "metadata"
        if status.parts > self._metadata.parts:
            self._last_progress_at = time.monotonic()
        self._metadata = status

    def metadata_known(self, raw_info: bytes) -> None:
        """Pass on the info dictionary."""
        self._phase = "starting"
        self._has_dialled = False  # what is said of the swarm from now on is what counts
        self._metadata = MetadataStatus()
        self._outbox.put(MetadataKnown(raw_info))

    def checking(self, bytes_done: int, bytes_total: int) -> None:
        """Note how far the check of what is on disk has come."""
        if self._phase != "checking":
            self._phase = "checking"
            self._checked = (bytes_done, bytes_total)
            self._tell()
        self._checked = (bytes_done, bytes_total)

    def content_known(self, is_complete: bool) -> None:
        """Note that the check is over; fetching begins, unless nothing is left to do."""
        self._phase = "fetching"
        self._had_everything = is_complete
        self._last_progress_at = time.monotonic()
        if not is_complete or self._goals.stays_when_complete:
            self._outbox.put(ContentKnown())

    def content_completed(self) -> None:
        """Note that everything wanted is there."""
        self._phase = "seeding"
        self._completed_at = time.monotonic()
        if self._tracker is not None:
            self._pass_totals()
            if not self._had_everything:
                self._tracker.content_completed.defer()
        self._tell()
        self._end_if_due()

    def pieces_changed(self, status: PiecesStatus) -> None:
        """Note how the pieces stand."""
        if status.verified_pieces > self._pieces.verified_pieces:
            self._last_progress_at = time.monotonic()
        self._pieces = status

    def swarm_changed(self, status: SwarmStatus) -> None:
        """Note how the swarm stands."""
        self._swarm = status
        self._has_dialled = True

    def transfer_changed(self, status: TransferStatus) -> None:
        """Note how much was sent and received."""
        if status.useful_bytes > self._transfer.useful_bytes:
            self._last_progress_at = time.monotonic()
        self._transfer = status

    def tracker_changed(self, status: TrackerStatus) -> None:
        """Note how a tracker stands."""
        self._trackers[status.number] = status

    def web_seed_changed(self, status: WebSeedStatus) -> None:
        """Note how a web seed stands."""
        if status.is_gone:
            self._web_seeds.pop(status.number, None)
        else:
            self._web_seeds[status.number] = status

    def trackers_left(self) -> None:
        """Pass on that the trackers have been told that we go."""
        self._outbox.put(TrackersLeft())

    def disk_failed(self, error: StorageError) -> None:
        """End the session: the disk will not do what is needed."""
        self._finish(End(error))

    def notice(self, text: str) -> None:
        """Pass a line on to the user."""
        self._outbox.put(Notice(text))

    # --- telling -----------------------------------------------------------------------------

    def progress(self) -> Progress:
        """Return the picture as it is now."""
        now = time.monotonic()
        pieces, swarm, transfer = self._pieces, self._swarm, self._transfer
        return Progress(
            phase=self._phase,
            activity=self._activity(),
            elapsed_seconds=now - self._began_at,
            wanted_bytes=pieces.wanted_bytes or self._checked[1],
            verified_bytes=pieces.verified_bytes,
            checked_bytes=self._checked[0],
            fetched_bytes=transfer.downloaded_bytes,
            uploaded_bytes=transfer.uploaded_bytes,
            wasted_bytes=pieces.wasted_bytes + transfer.wasted_bytes,
            download_rate=transfer.download_rate,
            upload_rate=transfer.upload_rate,
            eta_seconds=self._eta_seconds(),
            ratio=self._ratio(),
            piece_count=pieces.wanted_pieces,
            verified_pieces=pieces.verified_pieces,
            peers_connected=swarm.connected,
            peers_dialling=swarm.dialling,
            peers_known=swarm.waiting,
            peers_unchoking_us=pieces.peers_unchoking_us,
            peers_interested=transfer.interested,
            peers_unchoked=transfer.unchoked,
            metadata_parts=self._metadata.parts,
            metadata_part_count=self._metadata.part_count,
            trackers=tuple(str(status) for status in self._trackers.values()),
        )

    def _activity(self) -> str:
        match self._phase:
            case "metadata":
                trackers = tuple(self._trackers.values())
                return metadata_activity(self._metadata, self._swarm, trackers)
            case "checking":
                return "checking what is already on disk"
            case "fetching":
                web_seeds = tuple(self._web_seeds.values())
                told = web_seeds_activity(web_seeds, self._transfer.download_rate)
                if told and not self._swarm.connected:
                    return told
                trackers = tuple(self._trackers.values())
                return fetching_activity(self._pieces, self._swarm, self._transfer, trackers)
            case "seeding":
                return seeding_activity(self._swarm, self._transfer)
            case phase:
                return phase

    def _eta_seconds(self) -> float | None:
        left = self._pieces.wanted_bytes - self._pieces.verified_bytes
        if self._phase != "fetching" or self._transfer.download_rate < 1:
            return None
        return left / self._transfer.download_rate

    def _ratio(self) -> float:
        base = self._transfer.downloaded_bytes or self._pieces.wanted_bytes
        return self._transfer.uploaded_bytes / base if base else 0.0

    def _tick(self) -> None:
        self._tell()
        self._pass_totals()
        self._end_if_due()
        self._after(TICK_SECONDS, "_tick")

    def _tell(self) -> None:
        self._outbox.put(self.progress())

    def _pass_totals(self) -> None:
        if self._tracker is not None:
            # It comes with the tracker's actor, which not every session has.
            from actortorrent.rules.announcing import TransferTotals  # noqa: PLC0415

            left = self._pieces.wanted_bytes - self._pieces.verified_bytes
            if self._phase not in ("fetching", "seeding"):
                left = UNKNOWN_LEFT_BYTES
            transfer = self._transfer
            self._tracker.progress_changed.defer(
                TransferTotals(transfer.uploaded_bytes, transfer.downloaded_bytes, left)
            )

    # --- the end -----------------------------------------------------------------------------

    def _end_if_due(self) -> None:
        end = decide_end(self._goals, self._situation()) if self._is_running() else None
        if end is not None:
            self._finish(end)

    def _is_running(self) -> bool:
        return self._phase in ("metadata", "fetching", "seeding") and not self._has_ended

    def _finish(self, end: End) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._outbox.put(end)

    @property
    def _is_hopeless(self) -> bool:
        of_use = [seed for seed in self._web_seeds.values() if not seed.has_nothing]
        return self._has_dialled and self._swarm.is_hopeless and not of_use

    def _situation(self) -> Situation:
        now = time.monotonic()
        trackers = self._trackers.values()
        has_all_refused = any(status.has_every_tracker_refused for status in trackers)
        return Situation(
            is_complete=self._phase == "seeding",
            seconds_complete=now - self._completed_at,
            seconds_without_progress=now - self._last_progress_at,
            ratio=self._ratio(),
            is_swarm_hopeless=self._is_hopeless,
            is_anyone_known=self._swarm.waiting > 0,
            has_had_peers=self._swarm.has_met_anyone,
            has_trackers=self._has_trackers,
            has_dht=self._has_dht,
            calls_locally=self._calls_locally,
            tracker_refusals=tuple(map(str, trackers)) if has_all_refused else (),
            last_dial_failure=self._swarm.last_failure,
            activity=self._activity(),
        )


class ReporterProxy(Proxy):
    """The messages that the reporter takes."""

    dht_changed = message(Reporter.dht_changed)
    pass_totals_to = message(Reporter.pass_totals_to)
    metadata_changed = message(Reporter.metadata_changed)
    metadata_known = message(Reporter.metadata_known)
    checking = message(Reporter.checking)
    content_known = message(Reporter.content_known)
    content_completed = message(Reporter.content_completed)
    pieces_changed = message(Reporter.pieces_changed)
    swarm_changed = message(Reporter.swarm_changed)
    transfer_changed = message(Reporter.transfer_changed)
    tracker_changed = message(Reporter.tracker_changed)
    web_seed_changed = message(Reporter.web_seed_changed)
    trackers_left = message(Reporter.trackers_left)
    disk_failed = message(Reporter.disk_failed)
    notice = message(Reporter.notice)
    progress = message(Reporter.progress)
