from __future__ import annotations

import queue
import struct
import threading

import pytest

from actortorrent.actors.base import Runtime
from actortorrent.actors.http_fetching import HttpLimits
from actortorrent.actors.resolving import Resolve, resolve
from actortorrent.actors.tracker_calls import CallStarter, UdpLimits
from actortorrent.errors import TrackerError
from actortorrent.rules.tracker_calls import CallAnswered, CallFailed, CallOutcome, TrackerCall
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import (
    AnnounceReply,
    AnnounceRequest,
    Ask,
    ScrapeReply,
    ScrapeRequest,
)
from actortorrent.wire.tracker_udp_exchange import UdpConnection
from actortorrent.wire.tracker_urls import parse_tracker_url
from tests.actors.playing_trackers import (
    HttpTalk,
    PlayedHttpTracker,
    answer_properly,
    played_udp_tracker,
)
from tests.chance import usually
from tests.peers.processes import free_port

HASH = b"h" * 20
ANNOUNCE = AnnounceRequest(
    info_hash=HASH, peer_id=b"p" * 20, port=6881, uploaded=0, downloaded=0, left=1
)
SCRAPE = ScrapeRequest(HASH)
PEERS = (Address("192.0.2.1", 6881), Address("192.0.2.2", 6881))


class Call:
    """One call, and what comes of it."""

    def __init__(
        self,
        url: str,
        ask: Ask = ANNOUNCE,
        *,
        patience_seconds: float = 0.1,
        total_seconds: float = 5.0,
        bind: str | None = None,
        find_addresses: Resolve = resolve,
        connection: UdpConnection | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        starter = CallStarter(
            runtime or Runtime(),
            bind,
            HttpLimits(total_seconds=total_seconds),
            UdpLimits(patience_seconds, total_seconds),
            find_addresses,
        )
        self.outcomes: queue.SimpleQueue[CallOutcome] = queue.SimpleQueue()
        call = TrackerCall(5, parse_tracker_url(url), ask, connection)
        self.running = starter(call, self.outcomes.put)

    def outcome(self) -> CallOutcome:
        return self.outcomes.get(timeout=60)

    def answered(self) -> CallAnswered:
        outcome = self.outcome()
        assert isinstance(outcome, CallAnswered), outcome
        return outcome

    def failed(self) -> CallFailed:
        outcome = self.outcome()
        assert isinstance(outcome, CallFailed), outcome
        return outcome


class TestHttp:
    def test_an_announce_is_answered(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_reply({"interval": 900})) as tracker:
            reply = AnnounceReply(interval_seconds=900)
            assert Call(tracker.url).outcome() == CallAnswered(5, reply)
            assert tracker.paths[0].startswith("/announce?info_hash=hhhhhhhhhhhhhhhhhhhh&")

    def test_a_scrape_is_answered(self) -> None:
        files = {HASH: {"complete": 3, "downloaded": 9, "incomplete": 4}}
        with PlayedHttpTracker(lambda t: t.send_reply({"files": files})) as tracker:
            assert Call(tracker.url, SCRAPE).answered().reply == ScrapeReply(3, 9, 4)
            assert tracker.paths[0].startswith("/scrape?info_hash=")

    def test_a_refusal_is_told_from_a_failure(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_reply({"failure reason": "go"})) as tracker:
            assert Call(tracker.url).outcome() == CallFailed(5, "go", has_refused=True)
        assert not Call(tracker.url).failed().has_refused

    def test_a_cancelled_call_ends_though_the_tracker_is_silent(self) -> None:
        with PlayedHttpTracker(HttpTalk.hang) as tracker:
            call = Call(tracker.url)
            assert tracker.arrived.acquire(timeout=60)
            call.running.cancel()
            assert call.failed().message == "cancelled"


class TestUdp:
    def test_an_announce_is_answered_over_a_connection(self) -> None:
        with played_udp_tracker(answer_properly) as tracker:
            outcome = Call(tracker.url).answered()
        assert isinstance(outcome.reply, AnnounceReply)
        assert outcome.reply.peers == PEERS
        assert outcome.connection is not None
        assert outcome.connection.connection_id == 77
        assert [len(packet) for packet in tracker.packets] == [16, 98 + len("/announce") + 3]

    def test_a_scrape_is_answered(self) -> None:
        with played_udp_tracker(answer_properly) as tracker:
            assert Call(tracker.url, SCRAPE).answered().reply == ScrapeReply(3, 9, 4)

    def test_ipv6_is_spoken(self) -> None:
        peer = bytes.fromhex("20010db8000000000000000000000001") + b"\x1a\xe1"

        def answer(packet: bytes) -> bytes:
            return (
                answer_properly(packet)
                if len(packet) == 16
                else answer_properly(packet)[:20] + peer
            )

        with played_udp_tracker(answer, "::1") as tracker:
            reply = Call(tracker.url).answered().reply
        assert isinstance(reply, AnnounceReply)
        assert reply.peers == (Address("2001:db8::1", 6881),)

    def test_a_connection_from_before_is_used(self) -> None:
        with played_udp_tracker(answer_properly) as tracker:
            first = Call(tracker.url).answered()
            url = tracker.url.replace("127.0.0.1", "nobody.invalid")  # not even looked up again
            Call(url, connection=first.connection).answered()
        assert [struct.unpack_from("!QI", packet)[1] for packet in tracker.packets] == [0, 1, 1]

    @usually  # who answers late is asked once more than here
    def test_lost_packets_are_sent_again(self) -> None:
        seen: list[bytes] = []

        def answer(packet: bytes) -> bytes | None:
            seen.append(packet)
            return None if len(seen) in (1, 2, 4) else answer_properly(packet)

        with played_udp_tracker(answer) as tracker:
            Call(tracker.url, patience_seconds=0.05).answered()
        assert seen[0] == seen[1] == seen[2]
        assert seen[3] == seen[4]

    @usually  # the deadline may come before the second packet
    def test_silence_ends_at_the_deadline(self) -> None:
        with played_udp_tracker(lambda _: None) as tracker:
            call = Call(tracker.url, patience_seconds=0.05, total_seconds=0.4)
            assert call.failed().message == "no answer in 0.4 s"
            assert 2 <= len(tracker.packets) <= 5  # after 0, 0.05, 0.15 and 0.35 seconds

    def test_answers_of_strangers_are_passed_over(self) -> None:
        def answer(packet: bytes) -> bytes:
            good = answer_properly(packet)
            return good if len(tracker.packets) > 2 else good[:4] + bytes(4) + good[8:]

        with played_udp_tracker(answer) as tracker:
            Call(tracker.url, patience_seconds=0.05).answered()
        assert len(tracker.packets) >= 4

    def test_an_error_packet_is_a_refusal(self) -> None:
        def answer(packet: bytes) -> bytes:
            return b"\0\0\0\3" + packet[12:16] + b"go \x1baway"

        with played_udp_tracker(answer) as tracker:
            assert Call(tracker.url).outcome() == CallFailed(5, "go away", has_refused=True)

    def test_a_reply_that_stops_short_is_a_failure(self) -> None:
        with played_udp_tracker(lambda packet: answer_properly(packet)[:12]) as tracker:
            assert "16 bytes or more" in Call(tracker.url).failed().message

    def test_where_nobody_listens_it_fails_at_once(self) -> None:
        call = Call(f"udp://127.0.0.1:{free_port()}/", patience_seconds=30)
        assert call.failed().message == "no connection: connection refused"

    def test_a_dead_address_of_a_host_is_passed_over(self) -> None:
        with played_udp_tracker(answer_properly) as tracker:

            def both(_host: str, port: int) -> tuple[Address, ...]:
                return (Address("::1", port), Address("127.0.0.1", port))

            Call(tracker.url, find_addresses=both, patience_seconds=30).answered()

    def test_it_asks_from_the_address_given(self) -> None:
        with played_udp_tracker(answer_properly) as tracker:
            Call(tracker.url, bind="127.0.0.3").answered()
            assert "reached from ::1" in Call(tracker.url, bind="::1").failed().message
            assert "no connection" in Call(tracker.url, bind="192.0.2.77").failed().message

    def test_a_cancelled_call_ends(self) -> None:
        with played_udp_tracker(lambda _: None) as tracker:
            call = Call(tracker.url, patience_seconds=30)
            assert tracker.heard.acquire(timeout=60)
            call.running.cancel()
            assert call.failed().message == "cancelled"


@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_a_name_look_up_that_hangs_holds_up_only_its_call(scheme: str) -> None:
    may_end = threading.Event()

    def find(_host: str, _port: int) -> tuple[Address, ...]:
        may_end.wait(60)
        raise TrackerError("no address found")

    call = Call(f"{scheme}://slow.example:80/announce", find_addresses=find)
    call.running.cancel()
    may_end.set()
    assert call.failed().message in ("cancelled", "no address found")


@pytest.mark.parametrize("scheme", ["http", "udp"])
def test_a_bug_in_a_call_is_reported_and_ends_only_the_call(scheme: str) -> None:
    def find(_host: str, _port: int) -> tuple[Address, ...]:
        raise AssertionError("a bug")

    failures: list[str] = []
    runtime = Runtime(actor_failed=lambda name, _error: failures.append(name))
    call = Call(f"{scheme}://x.example:80/announce", find_addresses=find, runtime=runtime)
    assert call.failed().message == "a bug in the call: AssertionError"
    assert failures == []
