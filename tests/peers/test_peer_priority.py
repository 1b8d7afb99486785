"""Who keeps a slot when there are too few, among peers of libtorrent and of ours: BEP 40."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from actortorrent.actors.swarm import WORTH_LESS
from actortorrent.rules.peer_priority import peer_priority
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.addresses import Address, parse_address
from tests.conftest import ContentMaker
from tests.peers.libtorrent import libtorrent_fetch
from tests.peers.own import own_fetch, own_seed

OURS = "127.0.40.1"
LOWEST, *LIBTORRENTS, HIGHEST = sorted(
    [f"127.0.40.{number}" for number in range(2, 8)],
    key=lambda host: peer_priority(Address(OURS, 1), Address(host, 1)),
)
SLOTS = len(LIBTORRENTS)


def decisions(events: list[Event], what: str) -> list[dict[str, object]]:
    return [one.data for one in events if one.data.get("what") == what]


def test_a_newcomer_of_higher_priority_takes_the_place_of_the_lowest(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(3_000_000)
    extra = ["--up", "50K", "--max-peers", str(SLOTS), "--trace", str(tmp_path / "trace")]
    with ExitStack() as stack:
        leeches = [
            stack.enter_context(libtorrent_fetch(content, tmp_path / host, host=host))
            for host in LIBTORRENTS
        ]
        known = [f"{host}:{leech.port}" for host, leech in zip(LIBTORRENTS, leeches, strict=True)]
        seed = stack.enter_context(own_seed(content, peers=known, host=OURS, extra=extra))
        seed.process.wait_for_line(rf'"peers_connected": {SLOTS}')
        newcomer = own_fetch(content, tmp_path / "own", peers=[seed.address], host=HIGHEST)
        stack.enter_context(newcomer).process.wait_for_line('"peers_connected": [1-9]')
        assert is_refused(seed.address, LOWEST)
        assert is_refused(seed.address, HIGHEST)  # which is here already
        seed.interrupt()
    with TraceFile(tmp_path / "trace") as trace:
        events = list(trace.events())
    begun = [one.data for one in events if one.name == "bt:connection_begun"]
    hosts = {f"Peer-{one['conn']}": parse_address(one["address"]).host for one in begun}
    drop = next(
        one for one in decisions(events, "drop_peer") if hosts[str(one["newcomer"])] == HIGHEST
    )
    assert (hosts[str(drop["chosen"])], drop["rule"]) == (LIBTORRENTS[0], "BEP 40, lowest")
    assert int(str(drop["priority"])) < int(str(drop["newcomer_priority"]))
    refused = [one.data for one in events if one.name == "bt:connection_refused"]
    assert WORTH_LESS in [
        one["why"] for one in refused if parse_address(one["address"]).host == LOWEST
    ]


def is_refused(address: str, from_host: str) -> bool:
    """Return whether a connection from an address of ours is closed at once."""
    where = parse_address(address)
    with socket.create_connection((where.host, where.port), 60, (from_host, 0)) as sock:
        return sock.recv(1) == b""


def test_whom_we_dial_is_a_decision_and_when_we_know_who_we_are_no_chance(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(100_000)
    with ExitStack() as stack:
        leeches = {
            host: stack.enter_context(libtorrent_fetch(content, tmp_path / host, host=host))
            for host in (LOWEST, *LIBTORRENTS, HIGHEST)
        }
        known = [f"{host}:{leech.port}" for host, leech in leeches.items()]
        extra = ["--max-peers", "1", "--trace", str(tmp_path / "trace")]
        with own_seed(content, peers=known, host=OURS, extra=extra) as seed:
            for leech in leeches.values():
                leech.wait_until_done()
            seed.interrupt()
    with TraceFile(tmp_path / "trace") as trace:
        dials = decisions(list(trace.events()), "dial_peer")
    ranked = [one for one in dials if one["rule"] == "BEP 40, highest" and not one["failures"]]
    priorities = [int(str(one["priority"])) for one in ranked]
    assert len(priorities) >= 2
    assert priorities == sorted(priorities, reverse=True)
