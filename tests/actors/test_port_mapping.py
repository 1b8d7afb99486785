"""The port mapper with a router that the test plays; a real one is in tests/peers."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from actortorrent.actors import port_mapping, routers
from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of
from actortorrent.actors.interfaces import can_be_mapped
from actortorrent.actors.port_mapping import PortMapper, PortMapperProxy
from actortorrent.actors.port_mapping_calls import MappingStarter
from actortorrent.actors.routers import Routers, router_address
from actortorrent.errors import PortMappingError
from actortorrent.rules.port_mapping import LIFETIME_SECONDS
from actortorrent.tracing.capture import CapturedTrace, capture_trace
from actortorrent.wire.port_mapping import Transport
from tests.actors.playing_routers import HOST, OUTSIDE, Asked, PlayedRouter

SECONDS = 60.0  # to wait for what is about to come
NEVER = 1000.0  # seconds: a test that waits for it fails
PORT = 6881
TCP = (Transport.TCP, PORT)
TO_ALL = "00000000 %s0200C0 0003 0 0 %d 00000000 0 0 0"  # a route, as Linux writes it


class Ear(Actor):
    """Stand for the reporter and the tracker: hear what they are told."""

    def __init__(self, runtime: Runtime, heard: queue.SimpleQueue[Any]) -> None:
        super().__init__(runtime, "Ear")
        self._heard = heard

    def notice(self, text: str) -> None:
        self._heard.put(text)

    def reachable_on(self, port: int) -> None:
        self._heard.put(port)


class EarProxy(Proxy):
    notice = message(Ear.notice)
    reachable_on = message(Ear.reachable_on)


class Stage:
    """Start port mappers, and hear what they tell."""

    def __init__(self) -> None:
        self.heard: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ear = proxy_of(Ear.start(Runtime(), self.heard), EarProxy)

    def start(self, *ports: tuple[Transport, int]) -> PortMapperProxy:
        ear: Any = self._ear
        starter = MappingStarter(Runtime(), Routers(HOST))
        ref = PortMapper.start(Runtime(), ports or [TCP], ear, ear, starter)
        return proxy_of(ref, PortMapperProxy)

    def next(self) -> Any:
        return self.heard.get(timeout=SECONDS)

    def leave(self, mapper: PortMapperProxy) -> None:
        """Have it leave, and wait until it has."""
        mapper.leave.defer()
        assert mapper.actor_ref.join(SECONDS)

    def close(self) -> None:
        self._ear.actor_ref.stop()


def no_upnp(*_: Any) -> NoReturn:
    raise PortMappingError("no router answers")


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Return a stage where nothing is waited for long, and without UPnP: it waits for seconds."""
    monkeypatch.setattr(port_mapping, "START_SECONDS", 0.0)
    monkeypatch.setattr(routers, "PATIENCE_SECONDS", (0.1, 0.2))
    monkeypatch.setattr(routers, "find_upnp", no_upnp)
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Callable[[PlayedRouter], None]:
    def reach(router: PlayedRouter) -> None:
        monkeypatch.setattr(routers, "router_address", lambda: HOST)
        monkeypatch.setattr(routers, "ROUTER_PORT", router.port)

    return reach


Reach = Callable[[PlayedRouter], None]


def facts(trace: CapturedTrace, name: str) -> list[dict[str, Any]]:
    return [dict(one.data) for one in trace.events if one.name == name]


@pytest.mark.parametrize(
    ("ways", "way", "where"),
    [
        (("PCP", "NAT-PMP"), "PCP", f" of {OUTSIDE} (PCP)"),
        (("PCP",), "PCP", f" of {OUTSIDE} (PCP)"),
        (("NAT-PMP",), "NAT-PMP", " (NAT-PMP)"),
    ],
)
def test_our_port_is_mapped_by_what_the_router_speaks_and_taken_back_at_the_end(
    stage: Stage,
    reach: Reach,
    monkeypatch: pytest.MonkeyPatch,
    ways: tuple[str, ...],
    way: str,
    where: str,
) -> None:
    monkeypatch.setattr(port_mapping, "ANSWER_SECONDS", NEVER)
    with PlayedRouter(ways) as router:
        reach(router)
        mapper = stage.start()
        assert stage.next() == f"peers outside can reach us on port {PORT}{where}"
        stage.leave(mapper)
        assert router.asked == [
            Asked(way, "TCP", PORT, PORT, LIFETIME_SECONDS),
            Asked(way, "TCP", PORT, 0, 0),
        ]
    assert stage.heard.empty()


def test_several_ports_are_mapped_and_taken_back(stage: Stage, reach: Reach) -> None:
    with PlayedRouter() as router:
        reach(router)
        mapper = stage.start(TCP, (Transport.UDP, 7000))
        stage.next()
        stage.leave(mapper)
        asked = [(one.transport, one.internal_port, one.lifetime_seconds) for one in router.asked]
    hour = LIFETIME_SECONDS
    assert asked == [("TCP", PORT, hour), ("UDP", 7000, hour), ("TCP", PORT, 0), ("UDP", 7000, 0)]


def test_another_port_of_the_router_is_told_to_the_tracker(stage: Stage, reach: Reach) -> None:
    with PlayedRouter(external_port=40_000) as router:
        reach(router)
        mapper = stage.start()
        assert "port 40000" in stage.next()
        assert stage.next() == 40_000
        stage.leave(mapper)


def test_a_mapping_is_renewed_before_it_runs_out_and_people_hear_of_it_once(
    stage: Stage, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_mapping, "seconds_to_renewal", lambda _: 0.05)
    with PlayedRouter(external_port=40_000) as router:
        reach(router)
        mapper = stage.start()
        asked = router.wait_for(3)
        stage.leave(mapper)
    assert asked[0].external_port == PORT
    assert {one.external_port for one in asked[1:3]} == {40_000}
    told = [stage.next() for _ in range(3)]
    assert [isinstance(one, str) for one in told] == [True, False, False]


@pytest.mark.parametrize("is_deaf", [True, False])
def test_a_router_that_refuses_or_says_nothing_is_asked_again_later(
    stage: Stage, reach: Reach, monkeypatch: pytest.MonkeyPatch, *, is_deaf: bool
) -> None:
    monkeypatch.setattr(port_mapping, "RETRY_SECONDS", 0.05)
    with PlayedRouter(result=2, is_deaf=is_deaf) as router, capture_trace() as trace:
        reach(router)
        mapper = stage.start()
        router.wait_for(6)
        stage.leave(mapper)
        assert all(one.lifetime_seconds for one in router.asked), "there is nothing to take back"
    why = "no answer" if is_deaf else "code 2"
    assert why in facts(trace, "bt:port_not_mapped")[0]["why"]
    assert stage.heard.empty()


def test_leaving_a_router_that_says_nothing_takes_no_time(
    stage: Stage, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_mapping, "RETRY_SECONDS", NEVER)
    with PlayedRouter(is_deaf=True) as router:
        reach(router)
        mapper = stage.start()
        router.wait_for(1)
        stage.leave(mapper)


def test_leaving_before_anything_was_asked_asks_nothing(
    stage: Stage, reach: Reach, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_mapping, "START_SECONDS", NEVER)
    with PlayedRouter() as router:
        reach(router)
        mapper = stage.start()
        stage.leave(mapper)
        assert router.asked == []


def test_where_there_is_no_router_nothing_happens(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routers, "router_address", lambda: None)
    monkeypatch.setattr(port_mapping, "RETRY_SECONDS", 0.0)
    with capture_trace() as trace:
        mapper = stage.start()
        deadline = time.monotonic() + SECONDS
        while not facts(trace, "bt:port_not_mapped"):
            mapper.ping().get(timeout=SECONDS)
            assert time.monotonic() < deadline
        stage.leave(mapper)
    assert "knows of no router" in facts(trace, "bt:port_not_mapped")[0]["why"]
    assert stage.heard.empty()


# --- the parts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("routes", "address"),
    [
        ("eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0", "192.0.2.1"),
        ("eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0", None),
        (f"wlan0 {TO_ALL % ('01', 600)}\neth0 {TO_ALL % ('02', 100)}", "192.0.2.2"),
        ("", None),
        ("rubbish", None),
    ],
)
def test_the_router_is_the_one_of_the_best_route_to_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, routes: str, address: str | None
) -> None:
    file = tmp_path / "route"
    file.write_text(f"Iface Destination Gateway Flags\n{routes}\n")
    monkeypatch.setattr(routers, "ROUTES", file)
    assert router_address() == address


def test_where_the_system_does_not_tell_its_routes_no_router_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routers, "ROUTES", tmp_path / "none")
    assert router_address() is None


def test_no_router_leads_to_the_loopback_or_to_ipv6() -> None:
    assert can_be_mapped(None)
    assert can_be_mapped("192.168.1.5")
    assert not can_be_mapped("127.0.0.1")
    assert not can_be_mapped("::1")
    assert not can_be_mapped("2001:db8::1")
