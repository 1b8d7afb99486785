"""Peers that find each other by nothing but calls in their network: BEP 14."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.tracing.events import WIRE_RECEIVED
from actortorrent.tracing.reader import TraceFile
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.libtorrent import libtorrent_fetch
from tests.peers.namespaces import LAN_HOST_IPV6, Namespace, local_network
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import within

ALONE = ["--no-trackers", "--no-portmap"]


@pytest.fixture(scope="module")
def lan() -> Iterator[Namespace]:
    with local_network() as made:
        yield made


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(300_000)


def datagrams_sent(namespace: Namespace) -> int:
    """Return how many datagrams of UDP were sent in a namespace so far, over IPv4 and IPv6."""
    count = 0
    for file, field in (("snmp", "Udp: "), ("snmp6", "Udp6OutDatagrams")):
        command = within(namespace.name, ["cat", f"/proc/net/{file}"])
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        rows = [line.split() for line in lines.splitlines() if line.startswith(field)]
        count += int(dict(zip(*rows, strict=True))["OutDatagrams"] if len(rows) > 1 else rows[0][1])
    return count


def met(trace: Path) -> set[str]:
    """Return which clients somebody of ours shook hands with, by how their ids begin."""
    with TraceFile(trace) as file:
        return {
            event.data["fields"]["peer_id"][:3]
            for event in file.events()
            if event.name == WIRE_RECEIVED and event.data["type"] == "handshake"
        }


def test_two_of_ours_and_one_libtorrent_find_each_other(
    content: Content, tmp_path: Path, lan: Namespace
) -> None:
    first, second, third = lan.hosts
    traces = [tmp_path / f"{name}.trace" for name in ("seed", "leech")]
    seeding, fetching = ([*ALONE, "--trace", trace] for trace in traces)
    with (
        own_seed(content, host=first, namespace=lan.name, extra=[*seeding, "--up", "150K"]) as seed,
        libtorrent_fetch(
            content, tmp_path / "theirs", host=third, namespace=lan.name, extra=["--lsd", "--stay"]
        ) as theirs,
        own_fetch(
            content,
            tmp_path / "ours",
            host=second,
            namespace=lan.name,
            extra=[*fetching, "--keep-seeding"],
        ) as ours,
    ):
        ours.wait_until_complete()
        theirs.wait_until_done()
        ours.interrupt()
        seed.interrupt()
    content.assert_same_in(tmp_path / "ours")
    content.assert_same_in(tmp_path / "theirs")
    assert [met(trace) for trace in traces] == [{"-AT", "-LT"}] * 2


def test_over_ipv6_they_find_each_other_too(
    content: Content, tmp_path: Path, lan: Namespace
) -> None:
    with (
        own_seed(content, host=LAN_HOST_IPV6, namespace=lan.name, extra=ALONE),
        own_fetch(
            content, tmp_path / "into", host=LAN_HOST_IPV6, namespace=lan.name, extra=ALONE
        ) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")


@pytest.mark.parametrize(
    ("is_private", "extra"),
    [(True, ["--dht-node", "192.0.2.1:6881"]), (False, ["--no-lsd", "--no-dht"])],
)
def test_who_is_to_be_silent_sends_not_one_datagram(
    content: Content, tmp_path: Path, lan: Namespace, is_private: bool, extra: list[str]
) -> None:
    silent = content.made_private() if is_private else content
    seed_host, leech_host, _ = lan.hosts
    before = datagrams_sent(lan)
    options = [*ALONE, *extra]
    with (
        own_seed(silent, host=seed_host, namespace=lan.name, extra=options) as seed,
        own_fetch(
            silent,
            tmp_path / "into",
            peers=[seed.address],
            host=leech_host,
            namespace=lan.name,
            extra=options,
        ) as leech,
    ):
        leech.finish()
    assert datagrams_sent(lan) == before


def test_who_is_not_sends_one_for_each_address(content: Content, lan: Namespace) -> None:
    before = datagrams_sent(lan)
    extra = [*ALONE, "--no-dht"]
    with own_seed(content, host=lan.hosts[0], namespace=lan.name, extra=extra) as seed:
        assert seed.address
    assert datagrams_sent(lan) == before + 1
    extra = [*ALONE, "--no-lsd", "--dht-node", f"{lan.hosts[1]}:6881"]
    with own_seed(content, host=lan.hosts[0], namespace=lan.name, extra=extra) as seed:
        assert seed.address
    assert datagrams_sent(lan) > before + 1
