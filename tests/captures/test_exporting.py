"""Traces as packet captures: tshark finds in them what the traces say, and nothing wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from actortorrent.captures.importing import import_capture
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.tracing.anonymising import AnonymisedTrace
from actortorrent.tracing.events import WIRE_SENT, Event
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.reader import TraceFile
from tests.captures.tshark import judge
from tests.content import make_content
from tests.peers.own import own_fetch, own_seed
from tests.tracing.traces import HEADER, event, write_trace


@pytest.fixture(scope="module")
def summing_traces(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the traces of a seed and two leeches at the level "piece"."""
    folder = tmp_path_factory.mktemp("summing")
    content = make_content(folder / "content", 900_001)
    paths = [folder / f"{name}.trace" for name in ("seed", "first", "second")]
    options: list[list[str | Path]] = [["--trace", path, "--no-trackers"] for path in paths]
    with own_seed(content, extra=options[0]) as seed:
        peers = [seed.address]
        stay = [*options[1], "--keep-seeding"]
        with own_fetch(content, folder / "1", peers=peers, extra=stay) as first:
            peers.append(first.address)
            with own_fetch(content, folder / "2", peers=peers, extra=options[2]) as second:
                second.finish()
            first.wait_until_complete()
            first.interrupt()
        seed.interrupt()
    return paths


def exported(traces: Iterable[Path], out: Path, *options: str) -> Path:
    command = ["trace", "export", *map(str, traces), "--format", "pcap", "-o", str(out), *options]
    assert run(command) == ExitCode.DONE
    return out


def said_once(traces: list[Path]) -> Counter[str]:
    """Count the messages of a trace by their type, those known at both ends once."""
    counts: Counter[str] = Counter()
    with open_traces(traces) as (header, events):
        ends = {(row[at], row[at + 1]) for row in header.connections for at in (0, 2)}
        for one in events:
            what, _, way = one.name.removeprefix("bt:").rpartition("_")
            is_of_pair = (one.actor.partition("/")[0], one.data.get("conn")) in ends
            if one.name == WIRE_SENT or (what == "message" and "match" not in one.data):
                counts[one.data["type"]] += 1
            elif what in ("blocks", "requests") and not (is_of_pair and way == "received"):
                counts["piece" if what == "blocks" else "request"] += one.data["count"]
    return counts


def test_tshark_counts_what_a_swarm_with_another_client_and_levels_that_differ_said(
    swarm_traces: list[Path], tmp_path: Path
) -> None:
    judged = judge(exported(swarm_traces, tmp_path / "x.pcap"))
    with open_traces(swarm_traces) as (_, events):
        haves = sum(
            one.data.get("type") == "have" and (one.name == WIRE_SENT or "match" not in one.data)
            for one in events
        )
    assert judged.complaints == 0
    assert judged.messages["have"] == haves
    assert judged.messages["piece"] >= 4 * 80, "four leeches fetched 80 blocks each"


def test_what_the_level_piece_only_counts_stands_in_its_place(
    summing_traces: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = judge(exported(summing_traces, tmp_path / "x.pcap"))
    assert judged.messages == said_once(summing_traces)
    assert judged.complaints == 0
    assert judged.messages["piece"] >= 2 * 55
    assert "the piece (0xffffffff)" in capsys.readouterr().out


def test_one_trace_alone_and_without_its_addresses_will_do(
    summing_traces: list[Path], tmp_path: Path
) -> None:
    alone = exported(summing_traces[:1], tmp_path / "alone.pcap")
    with AnonymisedTrace(summing_traces[0]) as trace:
        path = write_trace(tmp_path / "public.trace", trace.events(), header=trace.header)
    public = exported([path], tmp_path / "public.pcap")
    assert judge(alone).messages == judge(public).messages == said_once(summing_traces[:1])
    assert judge(public).complaints == 0


def test_peer_chooses_connections(summing_traces: list[Path], tmp_path: Path) -> None:
    first = judge(exported(summing_traces[:1], tmp_path / "1.pcap", "--peer", "1"))
    assert first.messages["handshake"] == 2


# --- traces made by hand ------------------------------------------------------------------

OPENED = event("bt:connection_opened", "Peer-1", 1, conn=1, local="10.0.0.1:7", remote="10.0.0.2:8")
SHAKE = {"info_hash": HEADER.info_hash, "peer_id": "-XX0000-............", "reserved": "00" * 8}


def sent(lc: int, offset: int, length: int, kind: str, /, **fields: object) -> Event:
    about = {"conn": 1, "offset": offset, "length": length, "type": kind, "fields": fields}
    return event("bt:message_sent", "Peer-1", lc, ms=lc, **about)


HANDSHAKE = sent(2, 0, 68, "handshake", **SHAKE)


def judged_of(tmp_path: Path, events: list[Event]) -> tuple[Counter[str], int]:
    trace = write_trace(tmp_path / "x.trace", events)
    judged = judge(exported([trace], tmp_path / "x.pcap"))
    return judged.messages, judged.complaints


def test_every_type_of_message_is_written(tmp_path: Path) -> None:
    bits = "/" * 6 + "8="  # 5 bytes
    events = [
        OPENED, HANDSHAKE, sent(3, 68, 10, "bitfield", bits=bits), sent(4, 78, 4, "keep-alive"),
        sent(5, 82, 5, "choke"), sent(6, 87, 5, "unchoke"), sent(7, 92, 5, "interested"),
        sent(8, 97, 5, "not interested"), sent(9, 102, 9, "have", piece_index=3),
        sent(10, 111, 17, "cancel", piece_index=1, block_offset=0, length=9),
        sent(11, 128, 113, "piece", piece_index=1, block_offset=0, length=100),
        sent(12, 241, 7, "port", udp_port=6881),
        sent(13, 248, 26, "extended", extended_id=0, payload="<20 bytes>"),
        sent(14, 274, 5, "have all"), sent(15, 279, 5, "have none"),
        sent(16, 284, 9, "suggest", piece_index=3), sent(17, 293, 9, "allowed fast", piece_index=3),
        sent(18, 302, 17, "reject", piece_index=1, block_offset=0, length=9),
        sent(19, 319, 5, "unknown", kind=14, payload="<0 bytes>"),  # as older traces have it
        sent(20, 324, 70_005, "bitfield", set_bits=1),
    ]  # fmt: skip
    messages, complaints = judged_of(tmp_path, events)
    types = [one.data["type"] for one in events[1:]]
    assert messages == Counter("have all" if one == "unknown" else one for one in types)
    assert complaints == 0


def test_where_events_are_lost_the_stream_has_a_gap_and_goes_on_behind_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [OPENED, HANDSHAKE, sent(3, 5000, 9, "have", piece_index=3), sent(4, 5009, 5, "choke")]
    messages, complaints = judged_of(tmp_path, events)
    assert messages == Counter({"handshake": 1, "have": 1, "choke": 1})
    assert complaints == 1, "the previous segment is missing"
    assert "missing   4.8 KiB" in capsys.readouterr().out


def test_what_only_the_sender_tells_waits_for_what_the_receiver_tells_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The receiver is believed, as it tells the block; what follows that it no longer told.
    name = {"piece_index": 1, "block_offset": 0, "length": 100}
    summed = event("bt:blocks_sent", "Peer-1", 3, conn=1, count=1, length=113, block_bytes=100)
    later = [sent(4, 181, 9, "have", piece_index=5), sent(5, 190, 5, "choke")]
    told = [HANDSHAKE, sent(3, 68, 113, "piece", **name)]
    received = [
        event("bt:message_received", "Peer-1", one.lc, ms=100 + one.lc, **one.data) for one in told
    ]
    theirs = {"local": "10.0.0.2:8", "remote": "10.0.0.1:7"}
    opened = event("bt:connection_opened", "Peer-1", 1, conn=1, **theirs)
    traces = [
        write_trace(tmp_path / "sender.trace", [OPENED, HANDSHAKE, summed, *later]),
        write_trace(tmp_path / "receiver.trace", [opened, *received]),
    ]
    judged = judge(exported(traces, tmp_path / "x.pcap"))
    assert judged.messages == Counter({"handshake": 1, "piece": 1, "have": 1, "choke": 1})
    assert judged.complaints == 0
    assert "missing" not in capsys.readouterr().out


def test_of_the_level_payload_the_bytes_of_blocks_are_real(tmp_path: Path) -> None:
    came = {"conn": 1, "offset": 68, "length": 17, "type": "piece"}
    named = {"piece_index": 2, "block_offset": 0}
    events = [
        OPENED,
        event(
            "bt:message_received",
            "Peer-1",
            2,
            **{**came, "offset": 0, "length": 68, "type": "handshake"},
            fields=SHAKE,
        ),
        event("bt:message_received", "Peer-1", 3, **came, fields={**named, "length": 4}),
        event("bt:block_received", "Peer-1", 4, conn=1, **named, payload="YWJjZA=="),
    ]
    header = replace(HEADER, level="payload")
    trace = write_trace(tmp_path / "x.trace", events, header=header)
    assert exported([trace], tmp_path / "x.pcap").read_bytes().endswith(b"abcd")


@pytest.mark.parametrize(
    "strange",
    [
        sent(3, 68, 2**62, "bitfield", bits="AA=="),
        sent(3, 68, 9, "have", piece_index=-1),
        sent(3, 68, 9, "have", piece_index="three"),
        sent(3, 68, 10**6, "piece", piece_index=0, block_offset=0, length=10**12),
        sent(3, 68, 5, "no such type"),
        sent(3, -5, 5, "choke"),
        sent(3, 10, 5, "choke"),
        sent(3, 68, 26, "extended", extended_id=999, payload="no base64"),
        event("bt:blocks_sent", "Peer-1", 3, conn=1, count=10**15, length=10**15, block_bytes=0),
        event("bt:requests_sent", "Peer-1", 3, conn=1, count=2, length=3),
        event("bt:blocks_sent", "Peer-1", 3, conn=1, count=-1, length=5, block_bytes=0),
        event("bt:connection_opened", "Peer-1", 3, conn=1, local=7, remote="host.example:1"),
    ],
)
def test_a_trace_with_impossible_messages_is_exported_without_them(
    tmp_path: Path, strange: Event
) -> None:
    trace = write_trace(tmp_path / "x.trace", [OPENED, HANDSHAKE, strange])
    made = import_capture(exported([trace], tmp_path / "x.pcap"), tmp_path / "again.trace")
    assert made.by_type == Counter({"handshake": 1})


def test_what_cannot_be_exported_is_a_usage_error(tmp_path: Path) -> None:
    trace = write_trace(tmp_path / "x.trace", [OPENED, HANDSHAKE])
    command = ["trace", "export", str(trace), "--format", "pcap", "-o"]
    other = tmp_path / "mine.txt"
    other.write_text("mine")
    assert run([*command, str(other)]) == ExitCode.USAGE
    assert other.read_text() == "mine"
    out = tmp_path / "x.pcap"
    assert run([*command, str(out), "--piece", "3"]) == ExitCode.USAGE
    assert run([*command, str(out), "--peer", "99"]) == ExitCode.USAGE
    write_trace(trace, [event("bt:connection_begun", "Swarm", 1, conn=1, address="10.0.0.1:1")])
    assert run([*command, str(out)]) == ExitCode.USAGE
    write_trace(trace, [OPENED, HANDSHAKE])
    assert not out.exists()
    assert [run([*command, str(out)]), run([*command, str(out)])] == [0, 0]


def test_a_capture_has_no_more_of_a_trace_than_it_says(tmp_path: Path) -> None:
    trace = write_trace(tmp_path / "x.trace", [OPENED, HANDSHAKE])
    raw = exported([trace], tmp_path / "x.pcap").read_bytes()
    words = set(
        re.findall(rb"[a-zA-Z_./-]{6,}", trace.read_bytes())
    )  # of names, paths, the command
    told = {word for word in words if word in raw}
    assert told <= {b"-............"}  # the peer id
    assert len(words) > 10
    assert len(raw) < 500


def test_the_same_pair_of_addresses_may_be_used_again(tmp_path: Path) -> None:
    again = [
        event(one.name, "Peer-2", one.lc, ms=50 + one.lc, **{**one.data, "conn": 2})
        for one in (OPENED, HANDSHAKE)
    ]
    messages, complaints = judged_of(tmp_path, [OPENED, HANDSHAKE, *again])
    assert (messages, complaints) == (Counter({"handshake": 2}), 0)


def test_a_trace_of_which_the_beginning_is_missing_is_exported(tmp_path: Path) -> None:
    with TraceFile(write_trace(tmp_path / "x", [sent(3, 9000, 9, "have", piece_index=3)])) as trace:
        assert trace.header.level == "piece"
    out = exported([tmp_path / "x"], tmp_path / "x.pcap")
    assert b"\xc0\0\2\1" in out.read_bytes(), "an address kept for documents"
