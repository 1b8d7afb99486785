"""`dht ping` and `dht peers`, as typed."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.actors.dht_stage import Finder, Node, running
from tests.peers.dht_nodes import LibtorrentNodes, libtorrent_nodes

TORRENT = b"a torrent of the cli"
HASH = TORRENT.hex()
HOSTS = [f"127.0.22.{number}" for number in range(1, 10)]


@pytest.fixture(autouse=True)
def cache_of_the_test(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def node() -> Iterator[Node]:
    """Return a node that knows another, which has announced a peer."""
    first = Node("127.0.6.1", seed=1)
    other = Node("127.0.6.2", [first.address], seed=2)
    with running(first, other):
        other.wait_until_joined()
        assert Finder(other, TORRENT, port=5555).wait_until_ended().announced
        yield first


def test_ping_says_who_answers_and_as_whom_it_sees_us(
    node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["dht", "ping", str(node.address)]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert told.startswith(f"{node.address}  answered in ")
    assert f"node {node.status.node_id}, client AT 01, sees us as 127.0.0.1:" in told


def test_ping_as_json_is_one_object(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dht", "ping", str(node.address), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert 0 < told.pop("seconds") < 5
    assert told.pop("seen_as").startswith("127.0.0.1:")
    assert told == {
        "node": str(node.address),
        "node_id": str(node.status.node_id),
        "version": "AT 01",
    }


def test_ping_of_nobody_ends_with_code_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dht", "ping", "127.0.6.99:9", "--timeout", "0.2"]) == ExitCode.NO_PROGRESS
    assert "no answer from 127.0.6.99:9 in 0.2 s" in capsys.readouterr().err


def test_peers_lists_each_peer(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    base32 = base64.b32encode(TORRENT).decode().lower()
    assert run(["dht", "peers", base32, "--dht-node", str(node.address)]) == ExitCode.DONE
    told = capsys.readouterr()
    assert told.out == "127.0.6.2:5555\n"
    assert told.err.startswith("1 peer; ")


def test_peers_as_json_is_one_object(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dht", "peers", HASH, "--dht-node", str(node.address), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["info_hash"], told["peers"]) == (HASH, ["127.0.6.2:5555"])
    assert told["nodes_asked"] >= told["nodes_answered"] >= 2


def test_peers_of_what_nobody_has_ends_with_code_4(
    node: Node, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["dht", "peers", HASH[::-1], "--dht-node", str(node.address), "--json"])
    assert code == ExitCode.NO_PROGRESS
    told = capsys.readouterr()
    assert json.loads(told.out)["peers"] == []
    assert "no peers found in the DHT" in told.err


def test_peers_without_a_node_that_answers_ends_with_code_4(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["dht", "peers", HASH, "--dht-node", "127.0.6.99:9", "--timeout", "0.3"]
    assert run(arguments) == ExitCode.NO_PROGRESS
    assert "no node of the DHT has answered" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["peers", "xyz"],
        ["peers", HASH[1:]],
        ["peers", HASH, "--dht-node", "nowhere"],
        ["ping", "127.0.0.1"],
        ["ping", "127.0.0.1:0"],
    ],
)
def test_what_is_no_address_or_hash_is_a_matter_of_usage(arguments: list[str]) -> None:
    assert run(["dht", *arguments]) == ExitCode.USAGE


@pytest.fixture(scope="module")
def nodes() -> Iterator[LibtorrentNodes]:
    with libtorrent_nodes(HOSTS) as nodes:
        yield nodes


def test_ping_and_peers_among_libtorrent_nodes(
    nodes: LibtorrentNodes, capsys: pytest.CaptureFixture[str]
) -> None:
    nodes.announce(4, TORRENT, 4321)
    assert run(["dht", "ping", str(nodes.addresses[2])]) == ExitCode.DONE
    assert "client LT " in capsys.readouterr().out
    arguments = ["--dht-node", str(nodes.addresses[2])]
    assert run(["dht", "peers", HASH, *arguments, "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["peers"] == [f"{HOSTS[4]}:4321"]
    assert told["nodes_answered"] >= 8
