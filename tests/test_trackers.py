from __future__ import annotations

import queue
import time
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from actortorrent.errors import UsageError
from actortorrent.trackers import (
    MAX_PARALLEL,
    AnnounceEvent,
    AnnounceReply,
    ScrapeReply,
    announce_once,
    scrape_once,
)
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.metainfo_writing import build_metainfo
from tests.actors.playing_trackers import (
    HttpTalk,
    PlayedHttpTracker,
    answer_properly,
    played_udp_tracker,
)


def torrent(*trackers: str) -> Metainfo:
    raw = build_metainfo(
        name="x",
        piece_length=16384,
        piece_hashes=bytes(20),
        files=[(("x",), 100)],
        is_single_file=True,
        tracker_tiers=[[url] for url in trackers],
    )
    return Metainfo.from_bytes(raw)


def events_of(paths: Sequence[str]) -> list[str]:
    return [path.partition("event=")[2].partition("&")[0] for path in paths]


def reply_well(talk: HttpTalk) -> None:
    talk.send_reply({"interval": 900, "complete": 1, "incomplete": 2, "peers": b""})


def test_all_trackers_are_asked_and_answer_in_their_own_time() -> None:
    quick_has_answered: queue.SimpleQueue[None] = queue.SimpleQueue()

    def slow(talk: HttpTalk) -> None:
        quick_has_answered.get(timeout=60)
        reply_well(talk)

    with PlayedHttpTracker(slow) as first, played_udp_tracker(answer_properly) as second:
        answers = announce_once(
            torrent(first.url, second.url, "wss://x/"), event=AnnounceEvent.NONE
        )
        unusable, quick = next(answers), next(answers)
        quick_has_answered.put(None)
        (late,) = answers
    assert (unusable.url, unusable.reply) == ("wss://x/…", None)
    assert isinstance(quick.reply, AnnounceReply)
    assert len(quick.reply.peers) == 2
    assert isinstance(late.reply, AnnounceReply)
    assert (late.reply.seeders, late.reply.leechers) == (1, 2)
    assert late.seconds >= quick.seconds


def test_who_asked_without_an_event_takes_its_leave() -> None:
    with PlayedHttpTracker(reply_well) as tracker:
        list(announce_once(torrent(tracker.url)))
        assert events_of(tracker.paths) == ["started", "stopped"]
        assert "left=100" in tracker.paths[0]


def test_also_if_the_answers_are_not_read_to_the_end() -> None:
    with PlayedHttpTracker(reply_well) as tracker, PlayedHttpTracker(HttpTalk.hang) as silent:
        answers = announce_once(torrent(tracker.url, silent.url))
        next(answers)
        answers.close()
        assert events_of(tracker.paths) == ["started", "stopped"]


def test_an_event_that_was_asked_for_is_announced_alone() -> None:
    with PlayedHttpTracker(reply_well) as tracker:
        list(announce_once(torrent(tracker.url), event=AnnounceEvent.COMPLETED))
        assert events_of(tracker.paths) == ["completed"]


def test_a_silent_tracker_ends_with_the_time_given() -> None:
    with PlayedHttpTracker(HttpTalk.hang) as http, played_udp_tracker(lambda _: None) as udp:
        began = time.monotonic()
        answers = list(announce_once(torrent(http.url, udp.url), timeout_seconds=0.3))
        assert time.monotonic() - began < 10, "each of them would be waited for much longer"
    assert {answer.error for answer in answers} == {
        "no whole answer in 0.3 s",
        "no answer in 0.3 s",
    }


def test_many_trackers_are_asked_in_turn() -> None:
    with ExitStack() as stack:
        trackers = [
            stack.enter_context(PlayedHttpTracker(reply_well)) for _ in range(MAX_PARALLEL + 3)
        ]
        answers = list(
            announce_once(torrent(*(t.url for t in trackers)), event=AnnounceEvent.STARTED)
        )
        assert all(answer.reply for answer in answers)
        assert [len(tracker.paths) for tracker in trackers] == [1] * len(trackers)


def test_a_scrape_counts_without_announcing() -> None:
    with played_udp_tracker(answer_properly) as tracker:
        (answer,) = scrape_once(torrent("http://x.invalid/"), trackers=[tracker.url])
    assert answer.reply == ScrapeReply(3, 9, 4)


def test_a_torrent_without_trackers_needs_one_given() -> None:
    with pytest.raises(UsageError, match="names no tracker"):
        scrape_once(torrent())
