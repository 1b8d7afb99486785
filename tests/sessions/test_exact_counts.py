"""A trace has each message that was put into a mailbox, and each byte that was on the socket."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from actortorrent.lab.processes import Running
from actortorrent.tracing.events import MESSAGE, Event
from actortorrent.tracing.reader import TraceFile
from tests.content import Content, make_content
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.own import own_seed
from tests.peers.relay import relay_to
from tests.sessions.counted import COUNTS_FILE
from tests.tracing.streams import streams_of

CONTENT = {"a": 1_500_000, "b/c": 900_001}
PIECE_BYTES = 16 * 1024
LEVELS = ("piece", "block")
LAST_WORDS_BYTES = 50  # the seed chokes who wants nothing more


@dataclass(frozen=True)
class Counted:
    """A fetch: its trace, and what was counted elsewhere.

    Attributes:
        counts: what the process counted of its mail and its sockets.
        port: of the relay, between it and the seed.
        to_seed, to_us: bytes that the relay passed on.
    """

    events: list[Event]
    counts: dict[str, Counter[str]]
    port: str
    to_seed: list[int]
    to_us: list[int]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> Content:
    folder = tmp_path_factory.mktemp("counted")
    return make_content(folder, CONTENT, piece_length=PIECE_BYTES)


@pytest.fixture(scope="module")
def fetches(content: Content, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counted]:
    """Fetch from a libtorrent seed, at each level."""
    folder = tmp_path_factory.mktemp("fetches")
    return {level: fetch(content, folder / level, level) for level in LEVELS}


def fetch(content: Content, folder: Path, level: str) -> Counted:
    folder.mkdir()
    trace, left = folder / "trace", folder / "counts"
    with libtorrent_seed(content) as seed, relay_to(seed.port) as relay:
        what = ["fetch", content.torrent, "--output", folder, "--peer", relay.address]
        options = ["--no-trackers", "--port", "0", "--encryption", "off"]
        options += ["--trace", trace, "--trace-level", level]
        command = [sys.executable, "-m", "tests.sessions.counted", *map(str, what + options)]
        with Running(command, env={COUNTS_FILE: str(left)}) as process:
            process.wait_for_success()
        relay.wait_until_over()
    counts = {what: Counter(each) for what, each in json.loads(left.read_text()).items()}
    return Counted(events_of(trace), counts, str(relay.port), relay.to_server, relay.to_client)


def events_of(path: Path) -> list[Event]:
    with TraceFile(path) as trace:
        return list(trace.events())


def statuses(events: list[Event], *wanted: str) -> Counter[str]:
    return Counter(
        one.data["type"] for one in events if one.name == MESSAGE and one.data["status"] in wanted
    )


@pytest.mark.parametrize("level", LEVELS)
def test_there_are_as_many_messages_as_were_put(fetches: dict[str, Counted], level: str) -> None:
    events, counts = fetches[level].events, fetches[level].counts
    read = statuses(events, "ok", "error")
    unread = statuses(events, "dropped", "undelivered")
    assert read.total() > 50
    assert read == counts["got"]
    assert read + unread == counts["put"]
    assert statuses(events, "dead") == counts.get("dead", Counter())


@pytest.mark.parametrize("level", LEVELS)
def test_a_fetch_tells_of_each_byte_on_its_sockets(fetches: dict[str, Counted], level: str) -> None:
    run = fetches[level]
    sent, received = told_bytes(run.events)
    assert sent == run.to_seed == [run.counts["written"][run.port]]
    assert received == [run.counts["read"][run.port]]
    assert sum(CONTENT.values()) < sum(received) <= sum(run.to_us)
    assert sum(run.to_us) - sum(received) < LAST_WORDS_BYTES, "it hung up, and read no more"


@pytest.mark.parametrize("level", LEVELS)
def test_a_seed_tells_of_each_byte_on_its_sockets(
    content: Content, tmp_path: Path, level: str
) -> None:
    trace = tmp_path / "trace"
    options: list[str | Path] = ["--trace", trace, "--trace-level", level, "--no-trackers"]
    with own_seed(content, extra=options) as seed:
        port = int(seed.address.rpartition(":")[2])
        with relay_to(port) as relay:
            with libtorrent_fetch(content, tmp_path / "out", peers=[relay.address]) as leech:
                leech.process.wait_for_success()
            relay.wait_until_over()
        seed.interrupt()
    assert told_bytes(events_of(trace)) == (relay.to_client, relay.to_server)
    assert sum(relay.to_client) > sum(CONTENT.values())


def told_bytes(events: list[Event]) -> tuple[list[int], list[int]]:
    """Return the bytes sent and received over each connection, as the trace has them."""
    streams = streams_of(events)
    assert [flaw for stream in streams.values() for flaw in stream.flaws] == []
    told: dict[str, list[int]] = {"sent": [], "received": []}
    for (_, _, way), stream in sorted(streams.items()):
        told[way].append(stream.byte_count)
    return told["sent"], told["received"]
