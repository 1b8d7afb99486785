"""Clients of other makers find us, and we them, by the DHT alone: aria2 and Transmission.

All start together, for they take their time. aria2 asks the DHT again 5 s after it asked in
vain, and dials 10 s after it has learnt the torrent. Transmission asks at a moment of its
choice in the first 20 s, and while it knows too few nodes again 5 to 10 s later; it announces
itself up to 15 s after that, and whom it fetches from or serves it considers every 10 s. So
there are three of it for each test, and the first one will do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from actortorrent import Address, Magnet
from actortorrent.lab.processes import Running
from actortorrent.tracing.reader import TraceFile
from tests.content import Content, make_content
from tests.peers.aria2 import PORT as ARIA2_PORT
from tests.peers.aria2 import aria2_fetch, aria2_seed, in_the_dht
from tests.peers.dht_nodes import LibtorrentNodes, libtorrent_nodes
from tests.peers.namespaces import Namespace, add_addresses
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import wait_until
from tests.peers.transmission import PORT as TRANSMISSION_PORT
from tests.peers.transmission import transmission_fetch, transmission_seed

NODES = [f"10.77.1.{number}" for number in range(1, 11)]
SEEDS_OF_OURS = ("10.77.2.1", "10.77.2.2")
LEECH_OF_OURS = "10.77.2.3"
ARIA2_SEED, ARIA2_LEECH = "10.77.3.1", "10.77.3.2"
TRANSMISSION_SEEDS = ("10.77.4.1", "10.77.4.2", "10.77.4.3")
TRANSMISSION_LEECHES = ("10.77.4.4", "10.77.4.5", "10.77.4.6")
TRANSMISSIONS = (*TRANSMISSION_SEEDS, *TRANSMISSION_LEECHES)
CLIENTS = (*SEEDS_OF_OURS, LEECH_OF_OURS, ARIA2_SEED, ARIA2_LEECH, *TRANSMISSIONS)
PATIENCE_SECONDS = 180.0  # for Transmission, which may take a minute to announce itself


@dataclass(frozen=True, slots=True)
class Stage:
    """Hold a DHT in a network of its own, and those who are in it.

    Attributes:
        of_aria2, of_transmission: what they seed, and nobody else.
        for_aria2, for_transmission: what we seed, and they fetch by its info-hash alone, each
            into the folder in `into` that has its address for a name.
        aria2, transmissions: those who fetch.
    """

    namespace: str
    nodes: LibtorrentNodes
    into: Path
    of_aria2: Content
    of_transmission: Content
    for_aria2: Content
    for_transmission: Content
    aria2: Running
    transmissions: dict[str, Running]


@pytest.fixture(scope="module")
def stage(namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    add_addresses(namespace, (*NODES, *CLIENTS))
    folder = tmp_path_factory.mktemp("dht")
    with libtorrent_nodes(NODES, namespace=namespace.name) as nodes, ExitStack() as stack:
        yield Cast(namespace.name, nodes, folder, stack).enter()


class Cast:
    """Start everybody, the slowest first."""

    def __init__(
        self, namespace: str, nodes: LibtorrentNodes, folder: Path, stack: ExitStack
    ) -> None:
        self._namespace = namespace
        self._nodes = nodes
        self._folder = folder
        self._stack = stack

    def enter(self) -> Stage:
        of_transmission = self._content("of-transmission")
        for host in TRANSMISSION_SEEDS:
            self._transmission_seed(of_transmission, host)
        for_transmission, for_aria2 = (
            self._seeded(name, host)
            for name, host in zip(("for-transmission", "for-aria2"), SEEDS_OF_OURS, strict=True)
        )
        leeches = {
            host: self._transmission_leech(for_transmission, host) for host in TRANSMISSION_LEECHES
        }
        of_aria2 = self._content("of-aria2")
        self._aria2_seed(of_aria2)
        return Stage(
            namespace=self._namespace,
            nodes=self._nodes,
            into=self._folder,
            of_aria2=of_aria2,
            of_transmission=of_transmission,
            for_aria2=for_aria2,
            for_transmission=for_transmission,
            aria2=self._aria2_leech(for_aria2),
            transmissions=leeches,
        )

    def _content(self, name: str) -> Content:
        return make_content(self._folder / name, 300_000, name=name)

    def _seeded(self, name: str, host: str) -> Content:
        """Seed content ourselves; come back when it is known in the DHT."""
        content = self._content(name)
        extra = joining(self._nodes)
        self._stack.enter_context(
            own_seed(content, host=host, namespace=self._namespace, extra=extra)
        )
        self._nodes.wait_until_stored(content.info_hash)
        return content

    def _transmission_seed(self, content: Content, host: str) -> None:
        self._stack.enter_context(
            transmission_seed(
                content, host=host, namespace=self._namespace, dht=self._nodes.addresses
            )
        )
        self._nodes.meet(Address(host, TRANSMISSION_PORT))

    def _transmission_leech(self, content: Content, host: str) -> Running:
        leech = self._stack.enter_context(
            transmission_fetch(
                content,
                self._folder / host,
                host=host,
                namespace=self._namespace,
                source=Magnet(content.info_hash).link,
                dht=self._nodes.addresses,
            )
        )
        self._nodes.meet(Address(host, TRANSMISSION_PORT))
        return leech

    def _aria2_seed(self, content: Content) -> None:
        self._stack.enter_context(
            aria2_seed(
                content,
                port=ARIA2_PORT,
                host=ARIA2_SEED,
                namespace=self._namespace,
                extra=in_the_dht(ARIA2_SEED, self._nodes.addresses[1], content.folder),
            )
        )

    def _aria2_leech(self, content: Content) -> Running:
        return self._stack.enter_context(
            aria2_fetch(
                content,
                self._folder / ARIA2_LEECH,
                port=ARIA2_PORT,
                namespace=self._namespace,
                source=Magnet(content.info_hash).link,
                extra=in_the_dht(ARIA2_LEECH, self._nodes.addresses[2], self._folder),
            )
        )


def joining(nodes: LibtorrentNodes) -> list[str]:
    return ["--no-trackers", "--no-lsd", "--no-portmap", "--dht-node", str(nodes.addresses[3])]


def fetch_by_dht(stage: Stage, content: Content, folder: Path) -> None:
    """Fetch by the info-hash alone what others have announced."""
    stage.nodes.wait_until_stored(content.info_hash, PATIENCE_SECONDS)
    with own_fetch(
        content,
        folder / "into",
        source=Magnet(content.info_hash).link,
        host=LEECH_OF_OURS,
        namespace=stage.namespace,
        extra=[*joining(stage.nodes), "--trace", folder / "trace"],
    ) as leech:
        leech.finish()
    content.assert_same_in(folder / "into")
    with TraceFile(folder / "trace") as trace:
        told = {one.data["source"] for one in trace.events() if one.name == "bt:peers_found"}
    assert told == {"DHT"}


def test_transmission_is_found_and_fetched_from(stage: Stage, tmp_path: Path) -> None:
    fetch_by_dht(stage, stage.of_transmission, tmp_path)


def test_transmission_finds_us_and_fetches_from_us(stage: Stage) -> None:
    one = next(iter(stage.transmissions.values()))
    wait_until(lambda: bool(complete(stage)), one, "one is complete", PATIENCE_SECONDS)
    stage.for_transmission.assert_same_in(stage.into / complete(stage)[0])


def complete(stage: Stage) -> list[str]:
    """Return the addresses of the Transmissions that have fetched everything."""
    told = r'(State changed from "Incomplete" to "Complete")'
    return [host for host, process in stage.transmissions.items() if process.find_all(told)]


def test_aria2_is_found_and_fetched_from(stage: Stage, tmp_path: Path) -> None:
    fetch_by_dht(stage, stage.of_aria2, tmp_path)


def test_aria2_finds_us_and_fetches_from_us(stage: Stage) -> None:
    stage.aria2.wait_for_success(PATIENCE_SECONDS)
    stage.for_aria2.assert_same_in(stage.into / ARIA2_LEECH)
