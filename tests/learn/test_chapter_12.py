"""What chapter 12 says of the DHT is true in a new run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from actortorrent import Metainfo
from tests.learn.claims import by_time, decisions, events_of

FETCH, SEED = "dht/fetch.trace", "dht/seed.trace"
NODES = 50
FAR_BITS = 158  # as the nodes are that the first one names


def nearest(fresh: Path) -> list[str]:
    """Return the ids of all nodes, the nearest to the torrent first."""
    target = int.from_bytes(Metainfo.from_file(fresh / "dht/count.torrent").info_hash)
    lines = (fresh / "dht/network.txt").read_text("utf-8").splitlines()
    ids = [line.split()[0] for line in lines if ":" in line]
    return sorted(ids, key=lambda node_id: int(node_id, 16) ^ target)


def asked(fresh: Path, trace: str, query: str) -> list[Any]:
    return [one for one in decisions(fresh / trace, "ask_node") if one["query"] == query]


def datagrams(fresh: Path, trace: str, way: str, kind: str) -> list[Any]:
    events = sorted(events_of(fresh / trace), key=by_time)
    sent = [one.data for one in events if one.name == f"dht:message_{way}"]
    return [one for one in sent if one["type"] == kind]


def test_there_are_fifty_nodes_and_one_of_them_is_very_near(fresh: Path) -> None:
    assert len(nearest(fresh)) == NODES
    assert nearest(fresh)[0].startswith("23a25")


def test_the_search_gets_nearer(fresh: Path) -> None:
    lookup = asked(fresh, FETCH, "get_peers")
    bits = [one["distance_bits"] for one in lookup if "distance_bits" in one]
    assert max(bits[:4]) >= FAR_BITS
    assert min(bits) < 140
    assert bits.index(min(bits)) > 0


def test_who_wants_peers_finds_the_seed_by_the_dht_alone(fresh: Path) -> None:
    found = [one for one in events_of(fresh / FETCH) if one.name == "bt:peers_found"]
    assert {one.data["source"] for one in found} == {"DHT"}
    assert (fresh / "dht/to/count.txt").read_bytes() == (fresh / "dht/count.txt").read_bytes()


def test_the_seed_announces_itself_to_the_nearest_of_all(fresh: Path) -> None:
    told = {one["node_id"] for one in asked(fresh, SEED, "announce_peer")}
    assert len(told & set(nearest(fresh)[:8])) >= 5, "one that was slow may be missing"


def test_it_shows_each_node_a_token_that_the_node_had_given(fresh: Path) -> None:
    gave = {
        one["node"] for one in datagrams(fresh, SEED, "received", "answer") if "token_bytes" in one
    }
    shown = datagrams(fresh, SEED, "sent", "announce_peer")
    assert shown
    assert {one["node"] for one in shown} <= gave
    assert all(one["token_bytes"] for one in shown)


def test_who_answers_nobody_gets_an_answer_and_is_asked_nothing(fresh: Path) -> None:
    (ping,) = (one for one in datagrams(fresh, SEED, "received", "ping") if one.get("is_read_only"))
    answers = datagrams(fresh, SEED, "sent", "answer")
    assert (ping["node"], ping["txn"]) in {(one["node"], one["txn"]) for one in answers}
    assert ping["node"] not in {one["chosen"] for one in decisions(fresh / SEED, "ask_node")}
    assert "sees us as" in (fresh / "dht/ping.txt").read_text("utf-8")
