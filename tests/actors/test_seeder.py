from __future__ import annotations

import errno
import queue
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

import pytest

from actortorrent.actors import seeder as seeder_module
from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.seeder import Seeder, SeederProxy
from actortorrent.rules.choking import PeerRates
from actortorrent.rules.rates import Recent
from actortorrent.rules.statuses import TransferStatus
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.actors.peer import PeerProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.swarm import SwarmProxy

LOCALHOST = "127.0.0.1"


class _Told:
    """Take one kind of message, as a proxy does, and keep what it was told."""

    def __init__(self, keep: Callable[[tuple[Any, ...]], None], name: str) -> None:
        self._keep = keep
        self._name = name

    def defer(self, *args: Any) -> None:
        self._keep((self._name, *args))


class FakeProxy:
    """Keep, in order, all messages that an actor is told."""

    def __init__(self) -> None:
        self.letters: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()

    def __getattr__(self, name: str) -> _Told:
        return _Told(self.letters.put, name)

    def take(self) -> list[tuple[Any, ...]]:
        """Return what was told since the last look."""
        taken = []
        while not self.letters.empty():
            taken.append(self.letters.get())
        return taken


class FakeRecorder:
    """Keep the decisions."""

    level = "piece"

    def __init__(self) -> None:
        self.decisions: list[dict[str, Any]] = []

    def claim(self, _name: str, _kind: type) -> bool:
        """Let every actor have its name."""
        return True

    def record(
        self, _time_ns: int, name: str, _actor: str, _lc: int, _cause: str, data: Any
    ) -> None:
        if name == "actor:decision":
            self.decisions.append(data)


class FakeTime:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake = FakeTime()
    monkeypatch.setattr(seeder_module, "time", fake)
    return fake


SeederMaker = Callable[..., Seeder]


@pytest.fixture
def make_seeder() -> Iterator[SeederMaker]:
    """Make seeders that are not started: plain objects to call."""
    made: list[Seeder] = []

    def make(recorder: FakeRecorder | None = None, **options: Any) -> Seeder:
        runtime = Runtime(recorder=recorder, rng=random.Random(1))
        swarm = cast("SwarmProxy", FakeProxy())
        reporter = cast("ReporterProxy", FakeProxy())
        seeder = Seeder(runtime, swarm, reporter, port=0, bind=LOCALHOST, **options)
        made.append(seeder)
        return seeder

    yield make
    for seeder in made:
        seeder.on_end(None)
        seeder._inbox.close()


def join(seeder: Seeder, conn: int, *, is_interested: bool = True) -> FakeProxy:
    peer = FakeProxy()
    seeder.peer_joined(conn, cast("PeerProxy", peer))
    seeder.peer_interested(conn, is_interested)
    return peer


def rates(conn: int, *, gives: float = 0, takes: float = 0) -> PeerRates:
    return PeerRates(conn, 0, 0, gives, takes, is_snubbed=False)


# --- listening ------------------------------------------------------------------------------


def test_a_connection_goes_to_the_swarm_with_its_address() -> None:
    swarm = FakeProxy()
    told = cast("SwarmProxy", swarm), cast("ReporterProxy", FakeProxy())
    seeder = proxy_of(Seeder.start(Runtime(), *told, port=0, bind=LOCALHOST), SeederProxy)
    port = seeder.listening_port().get(timeout=60)
    seeder.take_connections.defer()
    for _ in range(2):
        with closing(socket.create_connection((LOCALHOST, port), timeout=60)) as client:
            name, sock, address = swarm.letters.get(timeout=60)
            assert (name, address) == ("connection_accepted", Address(*client.getsockname()))
            sock.sendall(b"hello")
            assert client.recv(5) == b"hello"
            sock.close()
    assert stop_all([seeder], 5) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((LOCALHOST, port), timeout=60)


def test_who_dials_before_we_trade_waits_until_we_do() -> None:
    swarm = FakeProxy()
    told = cast("SwarmProxy", swarm), cast("ReporterProxy", FakeProxy())
    seeder = proxy_of(Seeder.start(Runtime(), *told, port=0, bind=LOCALHOST), SeederProxy)
    port = seeder.listening_port().get(timeout=60)
    with closing(socket.create_connection((LOCALHOST, port), timeout=60)) as client:
        client.sendall(b"hello")
        assert seeder.listening_port().get(timeout=60) == port
        assert swarm.letters.empty()
        seeder.take_connections.defer()
        _, sock, _ = swarm.letters.get(timeout=60)
        with closing(sock):
            assert sock.recv(5) == b"hello"
    assert stop_all([seeder], 5) == []


def test_without_descriptors_it_pauses_and_accepts_again(
    make_seeder: SeederMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeder = make_seeder()
    (listener,) = seeder._listeners
    seeder.on_start()

    def no_descriptor(_listener: socket.socket, _most: int) -> list[tuple[socket.socket, Address]]:
        raise OSError(errno.EMFILE, "too many open files")

    monkeypatch.setattr(seeder_module, "accept_some", no_descriptor)
    seeder._accept(listener, True, False)
    watched = seeder._inbox._selector.get_map()  # type: ignore[attr-defined]
    assert listener.fileno() not in watched
    assert [timer.method for timer in seeder._inbox._timers].count("_accept_again") == 1
    seeder._accept_again(listener)
    assert listener.fileno() in watched


# --- who is served --------------------------------------------------------------------------


def test_a_peer_that_becomes_interested_is_unchoked_at_once_while_slots_are_free(
    make_seeder: SeederMaker,
) -> None:
    seeder = make_seeder(slots=2)
    peers = [join(seeder, conn) for conn in (1, 2, 3)]
    assert [peer.take() for peer in peers] == [[("unchoke",)], [("unchoke",)], []]


def test_a_peer_without_interest_holds_no_slot(make_seeder: SeederMaker) -> None:
    seeder = make_seeder(slots=1)
    first, second = join(seeder, 1), join(seeder, 2)
    seeder.peer_interested(1, False)
    assert first.take() == [("unchoke",), ("choke",)]
    assert second.take() == [("unchoke",)]


def test_the_slot_of_a_peer_that_left_goes_to_another(make_seeder: SeederMaker) -> None:
    seeder = make_seeder(slots=1)
    join(seeder, 1)
    second = join(seeder, 2)
    seeder.peer_left(1)
    seeder.peer_left(1)
    assert second.take() == [("unchoke",)]


def test_what_a_peer_says_before_it_joins_is_kept(make_seeder: SeederMaker) -> None:
    seeder = make_seeder()
    seeder.peer_interested(1, True)
    seeder.peer_rates(rates(1))
    peer = FakeProxy()
    seeder.peer_joined(1, cast("PeerProxy", peer))
    assert peer.take() == [("unchoke",)]


def test_a_review_gives_the_slots_to_those_who_send_us_most(
    make_seeder: SeederMaker, clock: FakeTime
) -> None:
    seeder = make_seeder(slots=2)
    peers = {conn: join(seeder, conn) for conn in range(1, 5)}
    for conn in peers:
        seeder.peer_rates(rates(conn, gives=1000.0 * conn))
    clock.now += 60
    seeder._review()
    letters = {conn: [name for (name,) in peer.take()] for conn, peer in peers.items()}
    served = {conn for conn, names in letters.items() if names[-1:] == ["unchoke"]}
    assert 4 in served
    assert len(served) == 2
    assert all(names == ["unchoke", "choke"] for names in letters.values() if len(names) > 1)


def test_when_seeding_the_turn_passes_to_who_waits(
    make_seeder: SeederMaker, clock: FakeTime
) -> None:
    seeder = make_seeder(slots=1)
    seeder.mode_changed(True)
    first, second = join(seeder, 1), join(seeder, 2)
    seeder.peer_rates(rates(1, takes=5000.0))
    for _ in range(5):
        clock.now += 10
        seeder._review()
    assert (first.take(), second.take()) == ([("unchoke",)], [])
    clock.now += 10
    seeder._review()
    assert (first.take(), second.take()) == ([("choke",)], [("unchoke",)])


def test_each_review_sets_the_next(make_seeder: SeederMaker) -> None:
    seeder = make_seeder()
    seeder.on_start()
    seeder._review()
    reviews = [timer for timer in seeder._inbox._timers if timer.method == "_review"]
    assert len(reviews) == 2  # the one it was called for, and the next


def test_decisions_are_recorded_with_what_was_compared(make_seeder: SeederMaker) -> None:
    recorder = FakeRecorder()
    seeder = make_seeder(recorder, slots=1)
    join(seeder, 1)
    join(seeder, 2)
    seeder.peer_rates(
        PeerRates(1, 900, 0, 150.0, 0, is_snubbed=False, recent_download=Recent(600, 4.0))
    )
    (decision,) = recorder.decisions  # the second changed nothing
    assert decision["what"] == "unchoke"
    assert decision["chosen"] == ["Peer-1"]
    assert decision["rule"] == "fill free slots"
    seeder._review()
    review = recorder.decisions[-1]
    assert review["rule"] == "tit-for-tat"
    assert [one["peer"] for one in review["candidates"]] == ["Peer-1", "Peer-2"]
    assert review["candidates"][1]["reason"] == "others send us more"
    earner = review["candidates"][0]
    assert earner["download_rate"] == 150
    assert (earner["recent_downloaded_bytes"], earner["recent_download_seconds"]) == (600, 4.0)


# --- totals -----------------------------------------------------------------------------------


def last_status(seeder: Seeder) -> TransferStatus:
    seeder._report()
    letters = cast("FakeProxy", seeder._reporter).take()
    assert letters[-1][0] == "transfer_changed"
    return cast("TransferStatus", letters[-1][1])


def test_totals_are_of_all_peers_those_that_left_included(make_seeder: SeederMaker) -> None:
    seeder = make_seeder(slots=1)
    for conn in (1, 2, 3):
        join(seeder, conn)
        seeder.peer_rates(PeerRates(conn, 1000 * conn, 10 * conn, 5.0, 7.0, is_snubbed=False))
    seeder.peer_left(3)
    assert last_status(seeder) == TransferStatus(
        downloaded_bytes=6000,
        uploaded_bytes=60,
        download_rate=10.0,
        upload_rate=14.0,
        interested=2,
        unchoked=1,
    )


def test_many_facts_make_one_report(make_seeder: SeederMaker) -> None:
    seeder = make_seeder()
    for _ in range(10):
        seeder.peer_rates(rates(1))
    assert [timer.method for timer in seeder._inbox._timers] == ["_report"]
    seeder._report()
    seeder.peer_rates(rates(1))
    assert [timer.method for timer in seeder._inbox._timers] == ["_report", "_report"]


def test_the_last_totals_are_told_at_the_end() -> None:
    reporter = FakeProxy()
    told = cast("SwarmProxy", FakeProxy()), cast("ReporterProxy", reporter)
    seeder = proxy_of(Seeder.start(Runtime(), *told, port=0, bind=LOCALHOST), SeederProxy)
    seeder.peer_rates.defer(PeerRates(1, 500, 0, 0.0, 0.0, is_snubbed=False))
    seeder.peer_left.defer(1)
    assert stop_all([seeder], 5) == []
    assert reporter.take()[-1] == ("transfer_changed", TransferStatus(downloaded_bytes=500))


# --- limits -----------------------------------------------------------------------------------


def grants_at(seeder: Seeder, clock: FakeTime, now: float, peer: FakeProxy) -> list[Any]:
    clock.now = now
    seeder._grant()
    return [letter for letter in peer.take() if letter[0].startswith("grant")]


def test_an_upload_limit_is_shared_out_evenly(make_seeder: SeederMaker, clock: FakeTime) -> None:
    seeder = make_seeder(upload_limit=10_000)
    first, second = join(seeder, 1), join(seeder, 2)
    seeder.wants_upload(1, 5_000)
    seeder.wants_upload(2, 9_000)
    assert grants_at(seeder, clock, 1000.0, first) == [("grant_upload", 1250)]
    assert second.take()[-1] == ("grant_upload", 1250)
    seeder.wants_upload(2, 9_000)
    assert grants_at(seeder, clock, 1000.1, second) == [("grant_upload", 1000)]


def test_a_download_limit_is_apart_from_the_upload_limit(
    make_seeder: SeederMaker, clock: FakeTime
) -> None:
    seeder = make_seeder(upload_limit=4_000, download_limit=10_000)
    peer = join(seeder, 1)
    seeder.wants_download(1, 100_000)
    seeder.wants_upload(1, 100_000)
    grants = grants_at(seeder, clock, 1000.0, peer)
    assert grants == [("grant_upload", 1000), ("grant_download", 2500)]


def test_the_grant_timer_runs_only_while_somebody_waits(
    make_seeder: SeederMaker, clock: FakeTime
) -> None:
    seeder = make_seeder(upload_limit=10_000)
    join(seeder, 1)
    has_timer = [seeder._grant_timer is not None]
    for _ in range(2):
        seeder.wants_upload(1, 50_000)
        has_timer.append(seeder._grant_timer is not None)
    clock.now += 1
    seeder._grant()
    has_timer.append(seeder._grant_timer is not None)
    assert has_timer == [False, True, True, False]


@pytest.mark.parametrize(
    ("limit", "pause_seconds"), [(10_000, 0.1), (50 * 1024**2, 0.01), (10**12, 0.005)]
)
def test_grants_come_the_more_often_the_higher_the_limit(
    limit: int,
    pause_seconds: float,
    make_seeder: SeederMaker,
    clock: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seeder = make_seeder(upload_limit=limit)
    join(seeder, 1)
    pauses: list[float] = []
    monkeypatch.setattr(seeder, "_after", lambda seconds, *_: pauses.append(seconds))
    grants_at(seeder, clock, 1000.0, FakeProxy())
    seeder.wants_upload(1, 5_000)
    assert pauses == [pytest.approx(pause_seconds)]


def test_a_wish_from_before_the_peer_joined_is_granted_when_it_has(
    make_seeder: SeederMaker, clock: FakeTime
) -> None:
    seeder = make_seeder(download_limit=10_000)
    seeder.wants_download(1, 100)
    peer = join(seeder, 1)
    assert seeder._grant_timer is not None
    assert grants_at(seeder, clock, clock.now, peer) == [("grant_download", 100)]


def test_a_peer_that_left_is_granted_nothing(make_seeder: SeederMaker, clock: FakeTime) -> None:
    seeder = make_seeder(upload_limit=10_000)
    peer = join(seeder, 1)
    seeder.wants_upload(1, 100)
    seeder.peer_left(1)
    assert grants_at(seeder, clock, clock.now, peer) == []


def test_without_a_limit_wishes_need_no_answer(make_seeder: SeederMaker) -> None:
    seeder = make_seeder()
    peer = join(seeder, 1)
    seeder.wants_upload(1, 100)
    seeder.wants_download(1, 100)
    assert peer.take() == [("unchoke",)]
