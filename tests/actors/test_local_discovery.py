"""Calls to the local network, here to the loopback, which stands in for one."""

from __future__ import annotations

import queue
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from actortorrent.actors import local_discovery
from actortorrent.actors.base import Runtime, proxy_of, stop_all
from actortorrent.actors.interfaces import OwnAddress, local_addresses
from actortorrent.actors.local_discovery import LocalDiscovery, LocalDiscoveryProxy
from actortorrent.wire.addresses import Address
from actortorrent.wire.local_discovery import GROUP_IPV4, LocalAnnounce

HASH = b"\x14" * 20
SECONDS = 60.0


class Found:
    """A swarm that only hears what was found."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[tuple[tuple[Address, ...], str]] = queue.SimpleQueue()
        self.peers_found = SimpleNamespace(defer=lambda *told: self.told.put(told))


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback = [OwnAddress("127.0.0.1", socket.if_nametoindex("lo"))]
    monkeypatch.setattr(local_discovery, "local_addresses", lambda _bind: loopback)


@pytest.fixture
def started() -> Iterator[list[LocalDiscoveryProxy]]:
    proxies: list[LocalDiscoveryProxy] = []
    yield proxies
    assert stop_all(proxies, SECONDS) == []


def begin(found: Found, port: int, info_hash: bytes = HASH) -> LocalDiscoveryProxy:
    swarm: Any = found
    ref = LocalDiscovery.start(Runtime(), swarm, info_hash, port, None)
    proxy = proxy_of(ref, LocalDiscoveryProxy)
    proxy.ping().get(timeout=SECONDS)
    return proxy


def test_whoever_was_there_before_hears_who_comes(started: list[LocalDiscoveryProxy]) -> None:
    first, second = Found(), Found()
    started.append(begin(first, 7001))
    started.append(begin(second, 7002))
    assert first.told.get(timeout=SECONDS) == (
        (Address("127.0.0.1", 7002),),
        "the local network",
    )
    assert first.told.empty()
    assert second.told.empty()


def test_what_is_no_call_or_of_another_torrent_brings_nobody(
    started: list[LocalDiscoveryProxy],
) -> None:
    found = Found()
    started.append(begin(found, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        other = LocalAnnounce(7003, (b"\x15" * 20,)).encode(GROUP_IPV4)
        right = LocalAnnounce(7004, (HASH,)).encode(GROUP_IPV4)
        for datagram in (b"", b"\xff" * 2000, other, right):
            sock.sendto(datagram, (GROUP_IPV4.host, GROUP_IPV4.port))
    assert found.told.get(timeout=SECONDS)[0] == (Address("127.0.0.1", 7004),)
    assert found.told.empty()


def test_of_a_torrent_that_turns_out_to_be_private_nothing_more_is_heard(
    started: list[LocalDiscoveryProxy],
) -> None:
    silent, listening = Found(), Found()
    started.append(begin(silent, 0))
    started[0].fall_silent.defer()
    started[0].ping().get(timeout=SECONDS)
    started.append(begin(listening, 0))
    started.append(begin(Found(), 7005))
    assert listening.told.get(timeout=SECONDS)[0] == (Address("127.0.0.1", 7005),)
    for _ in range(2):
        started[0].ping().get(timeout=SECONDS)
    assert silent.told.empty()


def test_the_loopback_is_no_local_network() -> None:
    assert all(not one.host.startswith("127.") for one in local_addresses(None))
    assert local_addresses("127.0.0.1") == []
