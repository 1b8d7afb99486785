"""When a session has done what it was asked, and when it must give up and say so."""

from __future__ import annotations

from msgspec import Struct

from actortorrent.errors import (
    ActorTorrentError,
    NoProgressError,
    StalledError,
    TrackersRefusedError,
)

LOCAL_ANSWER_SECONDS = 3.0  # for peers in the local network to have heard us, and to dial us


class Goals(Struct, frozen=True, kw_only=True):
    """Say what a session is to reach, and how long it may take without progress.

    `is_seed_only`: it was started to seed, and waits for peers as long as it is let.
    """

    is_seed_only: bool = False
    keep_seeding: bool = False
    seed_ratio: float | None = None
    seed_seconds: float | None = None
    stall_timeout_seconds: float | None = None

    @property
    def stays_when_complete(self) -> bool:
        """Say whether a complete session goes on seeding."""
        has_limit = self.seed_ratio is not None or self.seed_seconds is not None
        return self.is_seed_only or self.keep_seeding or has_limit


class Situation(Struct, frozen=True, kw_only=True):
    """Say how a session stands, as far as its end depends on it."""

    is_complete: bool = False
    seconds_complete: float = 0.0
    seconds_without_progress: float = 0.0
    ratio: float = 0.0
    is_swarm_hopeless: bool = False
    is_anyone_known: bool = True  # an address that may be dialled
    has_had_peers: bool = False
    has_trackers: bool = False
    has_dht: bool = False  # and know nodes there, or are joining it
    calls_locally: bool = False  # peers in the local network hear of us
    tracker_refusals: tuple[str, ...] = ()  # one line each, once every tracker has refused
    last_dial_failure: str = ""
    activity: str = ""


class End(Struct, frozen=True):
    """Say that a session is over: with what it wanted, or with the error."""

    error: ActorTorrentError | None = None


def decide_end(goals: Goals, situation: Situation) -> End | None:
    """Say whether a session is over."""
    if situation.is_complete:
        return _end_of_complete(goals, situation)
    if goals.is_seed_only:
        return None
    timeout = goals.stall_timeout_seconds
    if timeout is not None and situation.seconds_without_progress >= timeout:
        return End(_stalled(timeout, situation.activity))
    if situation.is_swarm_hopeless and not (situation.has_had_peers and situation.is_anyone_known):
        return _end_of_hopeless(situation)
    return None


def _end_of_complete(goals: Goals, situation: Situation) -> End | None:
    if not goals.stays_when_complete:
        return End()
    seconds = goals.seed_seconds
    if seconds is not None and situation.seconds_complete >= seconds:
        return End()
    if goals.seed_ratio is not None and situation.ratio >= goals.seed_ratio:
        return End()
    return None


def _end_of_hopeless(situation: Situation) -> End | None:
    if situation.has_dht or _may_be_heard_of_locally(situation):
        return None
    if not situation.has_trackers:
        why = f" (last: {situation.last_dial_failure})" if situation.last_dial_failure else ""
        return End(
            NoProgressError(
                f"expected a peer that answers, found none{why}",
                hint="check the addresses given by --peer, or use a torrent with a tracker",
            )
        )
    if situation.tracker_refusals:
        return End(
            TrackersRefusedError(
                "every tracker refused: " + "; ".join(situation.tracker_refusals),
                hint="name a peer yourself with --peer HOST:PORT, or try again later",
            )
        )
    return None


def _may_be_heard_of_locally(situation: Situation) -> bool:
    return situation.calls_locally and situation.seconds_without_progress < LOCAL_ANSWER_SECONDS


def _stalled(timeout_seconds: float, activity: str) -> StalledError:
    return StalledError(
        f"nothing came for {timeout_seconds:g} s; at the end: {activity or 'nothing'}",
        hint="what was verified is kept: run the same command again to go on",
    )
