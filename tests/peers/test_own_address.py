"""What others say that our address is: a tracker, libtorrent, nodes of the DHT."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from actortorrent.lab.processes import Running
from actortorrent.rules.dht_ids import is_fitting
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.dht_nodes import NodeId
from tests.content import Content
from tests.peers.dht_nodes import libtorrent_nodes
from tests.peers.libtorrent import libtorrent_fetch
from tests.peers.namespaces import Namespace, add_addresses
from tests.peers.own import own_seed
from tests.peers.processes import wait_until, within

OURS, TRACKER, NODE = "45.20.1.1", "45.30.1.1", "45.40.1.1"
LIBTORRENTS = [f"45.{number}.1.1" for number in range(11, 15)]


@pytest.fixture(scope="module")
def internet(namespace: Namespace) -> str:
    """Return a network that has addresses of the internet."""
    add_addresses(namespace, (OURS, TRACKER, NODE, *LIBTORRENTS))
    return namespace.name


def named(trace: Path, name: str) -> list[Event]:
    with TraceFile(trace) as file:
        return [event for event in file.events() if event.name == name]


def test_a_tracker_says_it_and_our_id_in_the_dht_is_made_to_fit(
    internet: str, content: Content, tmp_path: Path
) -> None:
    command = within(internet, [sys.executable, "-m", "actortorrent.lab.tracker"])
    trace = tmp_path / "trace"
    with (
        libtorrent_nodes([NODE], namespace=internet) as nodes,
        Running([*command, "--host", TRACKER]) as tracker,
    ):
        tracked = content.naming(tracker.wait_for_line('"url": "([^"]+)"')[1])
        extra = ["--dht-node", str(nodes.addresses[0]), "--trace", trace]
        with own_seed(tracked, host=OURS, namespace=internet, extra=extra) as seed:
            nodes.wait_until_stored(content.info_hash)
            wait_until(lambda: bool(named(trace, "dht:id_changed")), seed.process, "it has its id")
            seed.interrupt()
    assert [one.data["address"] for one in named(trace, "bt:own_address_known")] == [OURS]
    (changed,) = named(trace, "dht:id_changed")
    assert is_fitting(NodeId(int(changed.data["node_id"], 16)), OURS)


def test_peers_of_libtorrent_say_it(internet: str, content: Content, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with ExitStack() as stack:
        leeches = {
            host: stack.enter_context(
                libtorrent_fetch(content, tmp_path / host, host=host, namespace=internet)
            )
            for host in LIBTORRENTS
        }
        seed = own_seed(
            content,
            peers=[f"{host}:{leech.port}" for host, leech in leeches.items()],
            host=OURS,
            namespace=internet,
            extra=["--no-dht", "--trace", trace],
        )
        with seed as ours:
            for leech in leeches.values():
                leech.wait_until_done()
            ours.interrupt()
    assert [one.data["address"] for one in named(trace, "bt:own_address_known")] == [OURS]
