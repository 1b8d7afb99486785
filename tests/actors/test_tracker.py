from __future__ import annotations

import queue

import pytest

from actortorrent.actors import tracker as tracker_module
from actortorrent.actors.base import Runtime
from actortorrent.actors.tracker_calls import CallStarter
from actortorrent.rules.announcing import TransferTotals
from actortorrent.rules.tracker_status import TrackerState
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import AnnounceEvent, AnnounceReply
from actortorrent.wire.tracker_udp_exchange import UdpConnection
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.actors.tracker_stage import ME, PEERS, SECONDS, stage

HALF = TransferTotals(uploaded=1, downloaded=2, left=100)
NOTHING_MISSING = TransferTotals(0, 0, 0)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patience and goodbyes be short."""
    monkeypatch.setattr(tracker_module, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(tracker_module, "GOODBYE_SECONDS", 0.2)


A, B, C = "http://a/announce", "http://b/announce", "udp://c:1/announce"


class TestAnnouncing:
    def test_nothing_is_announced_before_it_is_known_what_is_missing(self) -> None:
        with stage([A]) as it:
            it.tracker.announce_now.defer()
            it.no_call()

    def test_the_first_announce_says_started_and_all_about_us(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            ask = it.call().ask
            assert (ask.info_hash, ask.peer_id) == (ME.info_hash, ME.peer_id)
            assert (ask.port, ask.key, ask.event) == (6881, 7, AnnounceEvent.STARTED)
            assert (ask.uploaded, ask.downloaded, ask.left) == (1, 2, 100)

    def test_later_progress_announces_nothing(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.tracker.progress_changed.defer(HALF)
            it.call()
            it.no_call()

    def test_peers_go_to_the_swarm_and_counts_to_the_reporter(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            call = it.call()
            assert it.status(TrackerState.ASKING).url == "http://a:80/…"
            call.answer()
            assert it.peers.get(timeout=SECONDS) == ("peers", PEERS, "tracker")
            status = it.status(TrackerState.WORKING)
            assert (status.seeders, status.leechers, status.peers) == (3, 4, 1)
            assert status.next_announce_seconds == pytest.approx(900, abs=5)

    def test_a_warning_is_passed_on(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer(AnnounceReply(warning="please update"))
            assert it.status(TrackerState.WORKING).message == "please update"
            assert it.peers.empty()

    def test_what_it_says_of_our_address_goes_to_the_swarm(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer(AnnounceReply(external_host="9.9.9.9"))
            assert it.peers.get(timeout=SECONDS) == ("our address", "http://a:80/…", "9.9.9.9")

    def test_that_it_sees_us_where_only_neighbours_can_is_not_believed(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer(AnnounceReply(external_host="10.0.0.7"))
            it.status(TrackerState.WORKING)
            assert it.peers.empty()

    def test_when_one_fails_the_next_is_asked_at_once(self) -> None:
        with stage([A], [B]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().fail("no answer")
            assert it.call().host == "b"
            status = it.status(TrackerState.FAILED)
            assert (status.message, status.has_every_tracker_refused) == ("no answer", False)

    @pytest.mark.usefixtures("soon")
    def test_when_one_is_slow_the_next_is_asked_beside_it_and_both_answers_count(self) -> None:
        with stage([A], [B]) as it:
            it.tracker.progress_changed.defer(HALF)
            slow, quick = it.call(), it.call()
            assert (slow.host, quick.host) == ("a", "b")
            quick.answer()
            slow.answer()
            assert it.peers.get(timeout=SECONDS) == it.peers.get(timeout=SECONDS)
            assert not slow.is_cancelled

    @pytest.mark.usefixtures("soon")
    def test_in_a_private_torrent_the_slow_one_is_waited_for(self) -> None:
        with stage([A], [B], is_private=True) as it:
            it.tracker.progress_changed.defer(HALF)
            call = it.call()
            with pytest.raises(queue.Empty):
                it.calls.get(timeout=0.3)
            call.fail()
            assert it.call().host == "b"

    def test_it_asks_again_after_the_interval(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer(AnnounceReply(interval_seconds=0, min_interval_seconds=0))
            again = it.call()
            assert again.event is AnnounceEvent.NONE

    def test_when_all_are_dead_it_tries_again_after_a_while(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("actortorrent.rules.announcing.BACK_OFF_SECONDS", 0.05)
        with stage([A], [B]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().fail()
            it.call().fail()
            assert it.call().event is AnnounceEvent.STARTED

    def test_when_peers_run_out_those_not_asked_so_far_are_asked(self) -> None:
        with stage([A], [B]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer()
            it.tracker.announce_now.defer()
            assert it.call().host == "b"
            it.tracker.announce_now.defer()
            it.no_call()

    def test_a_connection_is_used_while_it_lasts(self) -> None:
        connection = UdpConnection(77, Address("192.0.2.9", 1), expires_at=10.0**12)
        with stage([C]) as it:
            it.tracker.progress_changed.defer(HALF)
            reply = AnnounceReply(interval_seconds=0, min_interval_seconds=0)
            it.call().answer(reply, connection)
            call = it.call()
            assert call.call.connection is connection
            expired = UdpConnection(78, Address("192.0.2.9", 1), expires_at=0.0)
            call.answer(reply, expired)
            assert it.call().call.connection is None

    def test_trackers_of_a_kind_we_do_not_speak_are_named(self) -> None:
        with stage(["wss://x.example/PASSKEY", A]) as it:
            it.tracker.progress_changed.defer(HALF)
            status = it.status(TrackerState.SKIPPED)
            assert status.url == "wss://x.example/…"
            assert "scheme wss" in status.message
            assert not status.has_every_tracker_refused
            assert it.call().host == "a"

    def test_with_none_that_we_can_ask_it_says_so(self) -> None:
        with stage(["wss://x.example/"]) as it:
            it.tracker.progress_changed.defer(HALF)
            assert it.status(TrackerState.SKIPPED).has_every_tracker_refused

    def test_when_each_has_refused_it_says_so(self) -> None:
        with stage([A], [B]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().fail("not registered", has_refused=True)
            first = it.status(TrackerState.FAILED)
            it.call().fail("gone", has_refused=True)
            second = it.status(TrackerState.FAILED)
            assert first.message == "it refused: not registered"
            assert [first.has_every_tracker_refused, second.has_every_tracker_refused] == [
                False,
                True,
            ]


class TestCompletion:
    def test_it_is_told_at_once_to_whoever_knew_us_incomplete(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer()
            it.tracker.content_completed.defer()
            call = it.call()
            assert (call.event, call.ask.left) == (AnnounceEvent.COMPLETED, 0)
            call.answer()
            it.no_call()

    def test_it_waits_for_the_answer_under_way(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            call = it.call()
            it.tracker.content_completed.defer()
            it.no_call()
            call.answer()
            assert it.call().event is AnnounceEvent.COMPLETED

    def test_who_was_complete_from_the_start_tells_nothing(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(NOTHING_MISSING)
            it.call().answer()
            it.tracker.content_completed.defer()
            it.no_call()


class TestGoodbye:
    def test_stopped_goes_to_all_who_may_know_us_and_then_the_trackers_are_left(self) -> None:
        with stage([A], [B], [C]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer()
            it.tracker.announce_now.defer()
            under_way = it.call()
            it.tracker.say_goodbye.defer()
            goodbyes = [it.call(), it.call()]
            assert under_way.is_cancelled
            assert [(call.host, call.event) for call in goodbyes] == [
                ("a", AnnounceEvent.STOPPED),
                ("b", AnnounceEvent.STOPPED),
            ]
            goodbyes[0].answer()
            goodbyes[1].fail()
            assert it.left.get(timeout=SECONDS) == "left"
            it.no_call()

    def test_nobody_needs_a_goodbye_who_does_not_know_us(self) -> None:
        with stage([A]) as it:
            it.tracker.say_goodbye.defer()
            assert it.left.get(timeout=SECONDS) == "left"
            it.tracker.progress_changed.defer(HALF)
            it.no_call()

    def test_a_completion_under_way_is_told_first(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer()
            it.tracker.content_completed.defer()
            it.tracker.say_goodbye.defer()
            completed = it.call()
            it.no_call()
            assert not completed.is_cancelled
            completed.answer()
            goodbye = it.call()
            assert goodbye.event is AnnounceEvent.STOPPED
            assert it.left.empty()
            goodbye.answer()
            assert it.left.get(timeout=SECONDS) == "left"

    @pytest.mark.usefixtures("soon")
    def test_silent_trackers_are_not_waited_for_and_left_is_told_once(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer()
            it.tracker.say_goodbye.defer()
            silent = it.call()
            assert it.left.get(timeout=SECONDS) == "left"
            it.tracker.say_goodbye.defer()
            silent.answer()
            it.no_call()
            assert it.left.empty()

    def test_a_tracker_that_never_answered_is_waited_for_less(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tracker_module, "UNMET_SECONDS", 0.1)
        monkeypatch.setattr(tracker_module, "GOODBYE_SECONDS", 2 * SECONDS)
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call()
            it.tracker.say_goodbye.defer()
            assert it.call().event is AnnounceEvent.STOPPED
            assert it.left.get(timeout=SECONDS) == "left"

    def test_a_tracker_that_knows_us_is_waited_for_longer(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tracker_module, "UNMET_SECONDS", 0.0)
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            it.call().answer()
            it.tracker.say_goodbye.defer()
            goodbye = it.call()
            it.no_call()
            assert it.left.empty()
            goodbye.answer()
            assert it.left.get(timeout=SECONDS) == "left"

    def test_calls_under_way_are_cancelled_at_the_end(self) -> None:
        with stage([A]) as it:
            it.tracker.progress_changed.defer(HALF)
            call = it.call()
        assert call.is_cancelled


class TestRealCalls:
    def test_the_whole_life_of_an_announce(self) -> None:
        events: queue.SimpleQueue[str] = queue.SimpleQueue()

        def talk(talk: HttpTalk) -> None:
            events.put(talk.path.partition("event=")[2].partition("&")[0])
            talk.send_reply({"interval": 900, "peers": b"\xc0\x00\x02\x01\x1a\xe1"})

        with (
            PlayedHttpTracker(talk) as played,
            stage([played.url], start_call=CallStarter(Runtime())) as it,
        ):
            it.tracker.progress_changed.defer(HALF)
            assert it.peers.get(timeout=SECONDS) == ("peers", PEERS, "tracker")
            it.tracker.content_completed.defer()
            it.status(TrackerState.WORKING)
            it.status(TrackerState.WORKING)
            it.tracker.say_goodbye.defer()
            assert it.left.get(timeout=SECONDS) == "left"
            assert [events.get(timeout=SECONDS) for _ in range(3)] == [
                "started",
                "completed",
                "stopped",
            ]

    def test_it_ends_at_once_though_trackers_hang_in_every_way(self) -> None:
        talks = [HttpTalk.hang, lambda t: t.drip(b"HTTP/1.1 200 OK\r\nX: y")]
        with PlayedHttpTracker(talks[0]) as silent, PlayedHttpTracker(talks[1]) as slow:
            tiers = [[silent.url], [slow.url]]
            with stage(*tiers, start_call=CallStarter(Runtime())) as it:
                it.tracker.progress_changed.defer(HALF)
                assert silent.arrived.acquire(timeout=SECONDS)


def test_nothing_that_leaves_the_tracker_holds_a_passkey() -> None:
    with stage(["http://u:SECRET@a/SECRET/announce?k=SECRET"]) as it:
        it.tracker.progress_changed.defer(HALF)
        call = it.call()
        assert "SECRET" in call.call.url.text
        assert "SECRET" not in f"{call.call} {call.call!r}"
        call.fail()
        assert "SECRET" not in repr(it.status(TrackerState.FAILED))
