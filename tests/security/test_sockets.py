"""Whom the process lets in, and from which address it goes out: by the kernel's own tables."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from actortorrent.lab.processes import ACTORTORRENT, PATIENCE_SECONDS, Running
from actortorrent.wire.metainfo import Metainfo
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.namespaces import Namespace, local_network
from tests.peers.own import OwnClient, own_fetch, own_seed
from tests.peers.processes import is_listening, wait_until, within
from tests.peers.router import ROUTER_HOST, Router, networks, router
from tests.security.kernel import Open, Sent, open_sockets, watched

LSD_GROUPS = ("239.192.152.143", "ff15::efc0:988f")
LSD_PORT = 6771
SECOND_HOST = "10.78.0.3"  # of ours; what is not told otherwise goes out from the first
ADD_SECOND = ["address", "add", f"{SECOND_HOST}/24", "dev", "eth0"]
HTTP_TRACKER, UDP_TRACKER, WEB_SEED, DHT_NODE, PCP = 7001, 7002, 7003, 7004, 5351


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(300_000)


@pytest.fixture
def lan() -> Iterator[Namespace]:
    with local_network() as made:
        yield made


def port_of(client: OwnClient) -> int:
    return int(client.address.rpartition(":")[2])


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (["--no-dht", "--no-lsd"], ["tcp"]),
        (["--no-lsd", "--dht-node", "10.78.0.9:1"], ["tcp", "udp"]),
    ],
    ids=["peers", "and the DHT"],
)
def test_we_can_be_reached_at_our_one_port_alone(
    content: Content, lan: Namespace, options: list[str], kinds: list[str]
) -> None:
    host = lan.hosts[1]
    extra = ["--no-portmap", *options]
    with own_seed(content, host=host, namespace=lan.name, extra=extra) as seed:
        port = port_of(seed)
        wait_until(
            lambda: len(open_sockets(seed.process.pid)) >= len(kinds), seed.process, "it is open"
        )
        assert open_sockets(seed.process.pid) == {Open(kind, host, port) for kind in kinds}


def test_the_network_is_heard_by_its_group_and_called_from_our_address_alone(
    content: Content, lan: Namespace
) -> None:
    host = lan.hosts[1]
    with own_seed(
        content, host=host, namespace=lan.name, extra=["--no-portmap", "--no-dht"]
    ) as seed:
        port = port_of(seed)
        wait_until(lambda: len(open_sockets(seed.process.pid)) >= 3, seed.process, "it calls")
        found = open_sockets(seed.process.pid)
    (calling,) = found - {Open("tcp", host, port), Open("udp", LSD_GROUPS[0], LSD_PORT)}
    assert (calling.kind, calling.host) == ("udp", host)


def test_told_no_address_we_are_reached_at_that_port_of_all_and_nowhere_else(
    content: Content, lan: Namespace
) -> None:
    options = ["--no-portmap", "--dht-node", "10.78.0.9:1", "--port", "0", "--progress", "json"]
    command = [*ACTORTORRENT, "seed", content.folder, content.torrent, *options]
    with Running(within(lan.name, command)) as seed:
        port = int(seed.wait_for_line(r'"listening", "port": (\d+)')[1])
        expected = {
            *(Open(kind, host, port) for kind in ("tcp", "udp") for host in ("0.0.0.0", "::")),
            *(Open("udp", group, LSD_PORT) for group in LSD_GROUPS),
        }
        wait_until(lambda: expected < open_sockets(seed.pid), seed, "it is open, and calls")
        calling = open_sockets(seed.pid) - expected
    assert {one.kind for one in calling} == {"udp"}
    assert not {"0.0.0.0", "::"} & {one.host for one in calling}, "each from one of our addresses"


def test_behind_a_proxy_nobody_reaches_us(content: Content, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_SECONDS)
        extra = ["--proxy", f"socks5://127.0.0.1:{silent.getsockname()[1]}"]
        with own_fetch(
            content, tmp_path / "into", peers=["127.0.0.1:9"], listens=False, extra=extra
        ) as leech:
            silent.accept()[0].close()  # the first call: all is begun by then
            assert open_sockets(leech.process.pid) == set()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Router]:
    """Return a home with a router that speaks PCP, and a second address of ours in it."""
    with router(tmp_path, speaks_upnp=False, speaks_pcp=True) as names:
        subprocess.run(["ip", "-n", names.home, *ADD_SECOND], check=True)
        yield names


def test_from_the_address_told_by_bind_comes_every_packet_and_only_there_are_we_reached(
    content: Content, home: Router, tmp_path: Path
) -> None:
    """A magnet link: metadata, a peer, trackers, a web seed, the DHT, the network, the router."""
    with (
        own_seed(
            content,
            host=ROUTER_HOST,
            namespace=home.itself,
            extra=["--upload-slots", "0", "--no-dht", "--no-lsd", "--no-portmap", "--no-trackers"],
        ) as giver,
        watched(home.home, tmp_path) as watch,
    ):
        link = (
            f"{Metainfo.from_file(content.torrent).magnet_link}"
            f"&tr=http://{ROUTER_HOST}:{HTTP_TRACKER}/announce&tr=udp://{ROUTER_HOST}:{UDP_TRACKER}"
            f"&ws=http://{ROUTER_HOST}:{WEB_SEED}/&x.pe={giver.address}"
        )
        expected = {
            Sent(SECOND_HOST, kind, host, port)
            for kind, host, port in (
                ("tcp", ROUTER_HOST, port_of(giver)),
                ("tcp", ROUTER_HOST, HTTP_TRACKER),
                ("udp", ROUTER_HOST, UDP_TRACKER),
                ("tcp", ROUTER_HOST, WEB_SEED),
                ("udp", ROUTER_HOST, DHT_NODE),
                ("udp", ROUTER_HOST, PCP),
                ("udp", LSD_GROUPS[0], LSD_PORT),
            )
        }
        with own_fetch(
            content,
            tmp_path / "into",
            source=link,
            host=SECOND_HOST,
            namespace=home.home,
            extra=["--dht-node", f"{ROUTER_HOST}:{DHT_NODE}"],
        ) as leech:
            wait_until(lambda: expected <= watch.sent(), leech.process, "all are asked")
            port = port_of(leech)
            assert is_listening(SECOND_HOST, port, home.itself)
            assert {one.host for one in open_sockets(leech.process.pid)} == {
                SECOND_HOST,
                LSD_GROUPS[0],
            }
            leech.interrupt()
        assert {one.source for one in watch.sent()} == {SECOND_HOST}
        assert watch.count_of_ipv6() == 0


def test_commands_that_only_ask_do_so_from_the_address_told_by_bind(
    content: Content, tmp_path: Path
) -> None:
    tracked = content.naming(
        f"http://{ROUTER_HOST}:{HTTP_TRACKER}/", f"udp://{ROUTER_HOST}:{UDP_TRACKER}"
    )
    asking = (
        ["announce", tracked.torrent],
        ["scrape", tracked.torrent],
        ["fetch", f"http://{ROUTER_HOST}:{WEB_SEED}/a.torrent", "--list"],
        ["dht", "ping", f"{ROUTER_HOST}:{DHT_NODE}", "--timeout", "60"],
    )
    expected = {
        Sent(SECOND_HOST, kind, ROUTER_HOST, port)
        for kind, port in (
            ("tcp", HTTP_TRACKER),
            ("udp", UDP_TRACKER),
            ("tcp", WEB_SEED),
            ("udp", DHT_NODE),
        )
    }
    bind = ["--bind", SECOND_HOST]
    with networks() as names:
        subprocess.run(["ip", "-n", names.home, *ADD_SECOND], check=True)
        with watched(names.home, tmp_path) as watch, ExitStack() as stack:
            *_, patient = [
                stack.enter_context(Running(within(names.home, [*ACTORTORRENT, *words, *bind])))
                for words in asking
            ]
            wait_until(lambda: len(watch.sent()) >= len(expected), patient, "all are asked")
            assert watch.sent() == expected


def test_where_upnp_would_go_out_from_another_address_it_is_left_out(
    content: Content, tmp_path: Path
) -> None:
    """Its library dials the router by itself, from whichever address the system chooses."""
    trace = tmp_path / "seed.trace"
    extra = ["--no-trackers", "--no-dht", "--no-lsd", "--trace", str(trace)]
    with router(tmp_path, speaks_upnp=True, speaks_pcp=False) as names:
        subprocess.run(["ip", "-n", names.home, *ADD_SECOND], check=True)
        with (
            watched(names.home, tmp_path) as watch,
            own_seed(content, host=SECOND_HOST, namespace=names.home, extra=extra) as seed,
        ):
            wait_until(
                lambda: b"port_not_mapped" in trace.read_bytes(), seed.process, "it is given up"
            )
            seed.interrupt()
            assert {one.source for one in watch.sent()} == {SECOND_HOST}
        assert names.leads_to() == []
    assert f"UPnP: it would not be asked from {SECOND_HOST}" in trace.read_text("utf-8")
