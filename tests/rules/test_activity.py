from __future__ import annotations

import pytest

from actortorrent.rules.activity import fetching_activity, metadata_activity, seeding_activity
from actortorrent.rules.statuses import MetadataStatus, PiecesStatus, SwarmStatus, TransferStatus
from actortorrent.rules.tracker_status import TrackerState, TrackerStatus

NOBODY = SwarmStatus()


def tracker(state: TrackerState, name: str = "a", message: str = "") -> TrackerStatus:
    return TrackerStatus(number=0, url=f"http://{name}/", state=state, message=message)


def fetching(
    swarm: SwarmStatus,
    *trackers: TrackerStatus,
    with_wanted: int = 0,
    unchoking: int = 0,
    rate: float = 0.0,
) -> str:
    pieces = PiecesStatus(peers_with_wanted=with_wanted, peers_unchoking_us=unchoking)
    return fetching_activity(pieces, swarm, TransferStatus(download_rate=rate), trackers)


# --- while the torrent itself is fetched --------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "swarm", "sentence"),
    [
        (MetadataStatus(), SwarmStatus(dialling=2), "metadata: dialling 2 peers"),
        (MetadataStatus(), SwarmStatus(connected=1), "metadata: 1 peer, none offers it yet"),
        (
            MetadataStatus(parts=3, part_count=5, peers=2),
            SwarmStatus(connected=4),
            "metadata: 3 of 5 parts, from 2 peers",
        ),
        (MetadataStatus(part_count=1, peers=1), NOBODY, "metadata: 0 of 1 part, from 1 peer"),
        (MetadataStatus(parts=1, part_count=2), NOBODY, "metadata: no peers known"),
    ],
)
def test_it_says_how_much_of_the_metadata_is_here(
    metadata: MetadataStatus, swarm: SwarmStatus, sentence: str
) -> None:
    assert metadata_activity(metadata, swarm, ()) == sentence


# --- while nobody is connected ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("swarm", "trackers", "sentence"),
    [
        (NOBODY, [], "no peers known"),
        (SwarmStatus(dialling=1, waiting=5), [], "dialling 1 peer"),
        (SwarmStatus(dialling=2), [tracker(TrackerState.ASKING)], "dialling 2 peers"),
        (SwarmStatus(waiting=1), [tracker(TrackerState.ASKING)], "asking tracker http://a/"),
        (SwarmStatus(waiting=1), [], "1 peer known, none connected; trying again"),
        (
            SwarmStatus(waiting=3, last_failure="10.0.0.1:1: Connection refused"),
            [tracker(TrackerState.WORKING)],
            "3 peers known, none connected (10.0.0.1:1: Connection refused); trying again",
        ),
        (NOBODY, [tracker(TrackerState.WORKING)], "no peers yet; the tracker knows of none"),
    ],
)
def test_it_says_who_is_looked_for_and_where(
    swarm: SwarmStatus, trackers: list[TrackerStatus], sentence: str
) -> None:
    assert fetching(swarm, *trackers) == sentence


def test_a_tracker_that_answers_counts_more_than_one_that_does_not() -> None:
    trackers = tracker(TrackerState.FAILED), tracker(TrackerState.WORKING)
    assert fetching(NOBODY, *trackers) == "no peers yet; the tracker knows of none"


def test_trackers_that_do_not_answer_are_named_with_the_reason() -> None:
    failed = tracker(TrackerState.FAILED, "b", "no answer in 30 s")
    skipped = tracker(TrackerState.SKIPPED, "c", "of a kind unknown here")
    expected = "no tracker answers: http://b/: failed, no answer in 30 s; trying again"
    assert fetching(NOBODY, tracker(TrackerState.FAILED), failed) == expected
    assert fetching(NOBODY, failed, skipped) == expected


def test_where_no_tracker_can_be_asked_it_says_why() -> None:
    skipped = tracker(TrackerState.SKIPPED, "c", "of a kind unknown here")
    expected = "no tracker to ask: http://c/: skipped, of a kind unknown here"
    assert fetching(NOBODY, skipped) == expected


# --- while somebody is connected ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connected", "with_wanted", "unchoking", "rate", "sentence"),
    [
        (1, 0, 0, 0.0, "1 peer, none has what is missing here"),
        (3, 0, 3, 9.0, "3 peers, none has what is missing here"),
        (3, 2, 0, 0.0, "3 peers, all choking us"),
        (3, 2, 1, 0.5, "waiting for blocks from 1 peer"),
        (3, 2, 2, 1.0, "fetching from 2 peers"),
    ],
)
def test_it_says_what_the_peers_do_for_us(
    connected: int, with_wanted: int, unchoking: int, rate: float, sentence: str
) -> None:
    said = fetching(
        SwarmStatus(connected=connected), with_wanted=with_wanted, unchoking=unchoking, rate=rate
    )
    assert said == sentence


@pytest.mark.parametrize(
    ("connected", "interested", "unchoked", "rate", "sentence"),
    [
        (0, 0, 0, 0.0, "waiting for peers"),
        (2, 0, 0, 0.0, "2 peers, none wants anything"),
        (2, 1, 0, 0.0, "1 peer interested"),
        (2, 2, 2, 0.5, "2 peers interested"),
        (2, 2, 1, 1.0, "uploading to 1 peer"),
    ],
)
def test_a_seed_says_whom_it_serves(
    connected: int, interested: int, unchoked: int, rate: float, sentence: str
) -> None:
    transfer = TransferStatus(interested=interested, unchoked=unchoked, upload_rate=rate)
    assert seeding_activity(SwarmStatus(connected=connected), transfer) == sentence
