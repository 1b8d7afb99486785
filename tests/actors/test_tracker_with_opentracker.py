"""Our announces and scrapes, against a real tracker."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

from actortorrent.actors.base import Runtime
from actortorrent.actors.tracker_calls import CallStarter
from actortorrent.rules.tracker_calls import CallAnswered, CallFailed, CallOutcome, TrackerCall
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import (
    AnnounceEvent,
    AnnounceReply,
    AnnounceRequest,
    Ask,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.tracker_urls import parse_tracker_url
from tests.peers.opentracker import OpenTracker, opentracker

HASH = bytes(range(200, 220))
SEED, LEECH = Address("127.0.0.1", 7001), Address("127.0.0.1", 7002)

either_scheme = pytest.mark.parametrize("scheme", ["http", "udp"])


def ask(url: str, question: Ask) -> CallOutcome:
    outcomes: queue.SimpleQueue[CallOutcome] = queue.SimpleQueue()
    CallStarter(Runtime())(TrackerCall(1, parse_tracker_url(url), question), outcomes.put)
    return outcomes.get(timeout=60)


def announce(
    url: str, who: Address, event: AnnounceEvent, *, left: int, info_hash: bytes = HASH
) -> AnnounceReply:
    question = AnnounceRequest(
        info_hash=info_hash,
        peer_id=b"-AT0100-%012d" % who.port,
        port=who.port,
        uploaded=0,
        downloaded=0,
        left=left,
        event=event,
        key=who.port,
    )
    outcome = ask(url, question)
    assert isinstance(outcome, CallAnswered), outcome
    assert isinstance(outcome.reply, AnnounceReply)
    return outcome.reply


def scrape(url: str) -> ScrapeReply:
    outcome = ask(url, ScrapeRequest(HASH))
    assert isinstance(outcome, CallAnswered), outcome
    assert isinstance(outcome.reply, ScrapeReply)
    return outcome.reply


def url_of(tracker: OpenTracker, scheme: str) -> str:
    return tracker.http_url if scheme == "http" else tracker.udp_url


@either_scheme
def test_two_peers_learn_of_each_other(tmp_path: Path, scheme: str) -> None:
    with opentracker(tmp_path / "tracker", [HASH]) as tracker:
        url = url_of(tracker, scheme)
        announce(url, SEED, AnnounceEvent.STARTED, left=0)
        reply = announce(url, LEECH, AnnounceEvent.STARTED, left=100)
        assert SEED in reply.peers
        assert (reply.seeders, reply.leechers) == (1, 1)
        assert LEECH in announce(url, SEED, AnnounceEvent.NONE, left=0).peers


@either_scheme
def test_events_are_counted_and_who_stopped_is_named_no_more(tmp_path: Path, scheme: str) -> None:
    with opentracker(tmp_path / "tracker", [HASH]) as tracker:
        url = url_of(tracker, scheme)
        announce(url, SEED, AnnounceEvent.STARTED, left=0)
        announce(url, LEECH, AnnounceEvent.STARTED, left=100)
        assert scrape(url) == ScrapeReply(seeders=1, completed=0, leechers=1)
        announce(url, LEECH, AnnounceEvent.COMPLETED, left=0)
        assert scrape(url) == ScrapeReply(seeders=2, completed=1, leechers=0)
        announce(url, LEECH, AnnounceEvent.STOPPED, left=0)
        assert scrape(url) == ScrapeReply(seeders=1, completed=1, leechers=0)
        assert LEECH not in announce(url, SEED, AnnounceEvent.NONE, left=0).peers


@either_scheme
def test_a_torrent_that_is_not_allowed_is_refused(tmp_path: Path, scheme: str) -> None:
    with opentracker(tmp_path / "tracker", [HASH]) as tracker:
        question = AnnounceRequest(
            info_hash=b"x" * 20, peer_id=b"p" * 20, port=1, uploaded=0, downloaded=0, left=1
        )
        outcome = ask(url_of(tracker, scheme), question)
        assert isinstance(outcome, CallFailed)
        assert outcome.has_refused
