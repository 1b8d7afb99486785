"""Sessions that find each other by the DHT alone: no tracker, no address given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent import Magnet
from actortorrent.rules import address_book, dht_searches
from actortorrent.tracing.linting import lint
from actortorrent.tracing.linting.private import UNDER_WAY_NS
from actortorrent.tracing.reader import TraceFile
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.dht_nodes import LibtorrentNodes, libtorrent_nodes
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.own import own_fetch, own_seed
from tests.peers.processes import free_port
from tests.sessions.running import fetching

HOSTS = [f"127.0.22.{number}" for number in range(1, 10)]
OURS, THEIRS, OTHERS = "127.0.23.1", "127.0.23.2", "127.0.23.3"


@pytest.fixture(scope="module")
def nodes() -> Iterator[LibtorrentNodes]:
    with libtorrent_nodes(HOSTS) as nodes:
        yield nodes


def joining(nodes: LibtorrentNodes, number: int) -> list[str]:
    return ["--no-trackers", "--dht-node", str(nodes.addresses[number])]


def test_a_link_with_nothing_but_the_info_hash_leads_to_libtorrent(
    nodes: LibtorrentNodes, content: Content, tmp_path: Path
) -> None:
    link = Magnet(content.info_hash).link
    dht = ["--dht", str(nodes.addresses[0])]
    with libtorrent_seed(content, host=THEIRS, extra=dht):
        extra = [*joining(nodes, 4), "--trace", str(tmp_path / "trace")]
        with own_fetch(content, tmp_path / "into", source=link, host=OURS, extra=extra) as leech:
            leech.finish()
    content.assert_same_in(tmp_path / "into")
    with TraceFile(tmp_path / "trace") as trace:
        events = list(trace.events())
    told = [one.data["source"] for one in events if one.name == "bt:peers_found"]
    assert told == ["DHT"]
    assert any(one.data.get("what") == "ask_node" for one in events)


def test_libtorrent_finds_us_by_a_link_with_nothing_but_the_info_hash(
    nodes: LibtorrentNodes, content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker({"other.bin": 300_000})
    magnet = ["--magnet", Magnet(content.info_hash).link, "--dht", str(nodes.addresses[0])]
    with own_seed(content, host=OURS, extra=joining(nodes, 3)):
        nodes.wait_until_stored(content.info_hash)
        with libtorrent_fetch(content, tmp_path / "into", host=THEIRS, extra=magnet) as leech:
            leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")


def test_a_link_whose_torrent_is_private_is_looked_for_until_that_is_known(
    nodes: LibtorrentNodes, content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(300_000).made_private()
    link = Magnet(content.info_hash).link
    extra = [*joining(nodes, 5), "--down", "100K", "--trace", str(tmp_path / "trace")]
    with (
        own_seed(content, host=OTHERS, extra=joining(nodes, 2)) as seed,
        own_fetch(
            content, tmp_path / "into", source=link, peers=[seed.address], host=OURS, extra=extra
        ) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path / "into")
    with TraceFile(tmp_path / "trace") as trace:
        events = list(trace.events())
        findings = lint(trace.header, events)
    known = next(n for n, one in enumerate(events) if one.name == "bt:torrent_is_private")
    assert "dht:message_sent" in {one.name for one in events[:known]}
    assert [one.text for one in findings if one.rule == "private"] == []
    assert any(one.time_ns > events[known].time_ns + UNDER_WAY_NS for one in events)


def test_where_all_that_were_found_are_dead_the_dht_is_searched_anew(
    nodes: LibtorrentNodes,
    content_maker: ContentMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dht_searches, "LEAST_SECONDS", 0.2)
    monkeypatch.setattr(address_book, "FIRST_RETRY_SECONDS", 0.1)
    content = content_maker({"late.bin": 100_000})
    nodes.announce(5, content.info_hash, free_port(HOSTS[5]))
    by_dht = {"use_trackers": False, "dht_nodes": (nodes.addresses[2],), "bind": OURS}
    with fetching(content, tmp_path / "into", **by_dht) as session:
        session.wait_until(lambda now: now.peers_known, "somebody dead")
        with libtorrent_seed(content, host=HOSTS[7]) as seed:
            nodes.announce(7, content.info_hash, seed.port)
            session.finish_whole()


def test_two_of_ours_find_each_other(
    nodes: LibtorrentNodes, content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker({"third.bin": 200_000})
    link = Magnet(content.info_hash).link
    with own_seed(content, host=OTHERS, extra=joining(nodes, 2)):
        nodes.wait_until_stored(content.info_hash)
        into, extra = tmp_path / "into", joining(nodes, 6)
        with own_fetch(content, into, source=link, host=OURS, extra=extra) as leech:
            leech.finish()
    content.assert_same_in(tmp_path / "into")
