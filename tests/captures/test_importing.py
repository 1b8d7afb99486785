"""Captures made by hand as traces: what is found in them, what is ignored, what is refused."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actortorrent.captures import talking
from actortorrent.captures.importing import Imported, import_capture
from actortorrent.captures.packets import Endpoint
from actortorrent.captures.segments import Other
from actortorrent.captures.talking import Nature
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode, InvalidCaptureError, UsageError
from actortorrent.tracing.events import WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.linting import lint
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import Extended, Have
from tests.captures.frames import (
    ADA,
    ADA_6,
    BEGIN_NS,
    BLOCK,
    BOB,
    BOB_6,
    SAID,
    Dialogue,
    Frames,
    block,
    framed,
    handshake,
    pcap,
    pcapng,
    talk,
    written,
)
from tests.tracing.traces import broken_laws

ETHERNET = bytes(12) + b"\x08\x00"
EXPECTED = Counter(
    {"handshake": 2, "bitfield": 1, "interested": 1, "unchoke": 1, "request": 3, "piece": 3}
)
CY = Endpoint(bytes((10, 0, 0, 3)), 50_000)
KEYS = [random.Random(seed).randbytes(300) for seed in (1, 2)]


def imported(tmp_path: Path, raw: bytes, **options: Any) -> tuple[Imported, list[Event]]:
    out = tmp_path / "x.trace"
    made = import_capture(written(tmp_path / "x.pcap", raw), out, **options)
    with TraceFile(out) as trace:
        return made, list(trace.events())


def wire(trace: Path | list[Path]) -> dict[tuple[str, str, int], Any]:
    """Return each message of a trace by who sent it to whom and where in the stream."""
    found: dict[tuple[str, str, int], Any] = {}
    with open_traces([trace] if isinstance(trace, Path) else trace) as (_, events):
        ends: dict[tuple[str, int], tuple[str, str]] = {}
        for one in events:
            key = (one.actor.rpartition("/")[0], one.data.get("conn", 0))
            if one.name == "bt:connection_opened":
                ends[key] = (one.data["local"], one.data["remote"])
            elif one.name in (WIRE_SENT, WIRE_RECEIVED):
                pair = ends[key] if one.name == WIRE_SENT else ends[key][::-1]
                said = [one.data[part] for part in ("length", "type")]
                found[(*pair, one.data["offset"])] = [*said, _kept_fields(one.data)]
    return found


def _kept_fields(data: Mapping[str, Any]) -> Any:
    """Return a message's fields, but what a trace does not keep the bytes of: an extension's."""
    fields = data.get("fields")
    return fields if data["type"] != "extended" else {**fields, "says": ""}


@pytest.mark.parametrize(
    "raw",
    [
        pcap(talk()),
        pcap(framed(talk(), ETHERNET), link=1, order=">", is_ns=False),
        pcap(framed(talk(), b"\x02\0\0\0"), link=0),
        pcapng(framed(talk(), bytes(14) + b"\x08\0"), link=113, order=">"),
        pcapng(framed(talk((ADA_6, BOB_6)), b"\x86\xdd" + bytes(18)), link=276),
    ],
)
def test_a_conversation_is_found_whatever_the_form_of_the_capture(
    tmp_path: Path, raw: bytes
) -> None:
    made, events = imported(tmp_path, raw)
    assert made.by_type == EXPECTED
    assert (made.gaps, made.malformed, made.connections) == (0, 0, 1)
    assert made.counts.talking == made.counts.packets
    assert broken_laws(events) == []
    assert lint(made.header, events) == []


def test_the_trace_of_two_clients_is_like_a_merged_one(tmp_path: Path) -> None:
    made, events = imported(tmp_path, pcap(talk()))
    assert [node.name for node in made.header.nodes] == ["aria2-1", "libtorrent-1"]
    assert made.header.connections == (("aria2-1", 1, "libtorrent-1", 1),)
    graph = Graph(events)
    for one in events:
        if one.name == WIRE_RECEIVED:
            sending = graph.cause(one)
            assert sending is not None
            assert (sending.name, sending.id) == (WIRE_SENT, one.data["match"])
    begun = [one.data for one in events if one.name == "bt:connection_begun"]
    assert [one["we_dialled"] for one in begun] == [True, False]
    closed = [one.data["why"] for one in events if one.name == "bt:connection_closed"]
    assert closed == ["both hung up"] * 2


def test_times_are_those_of_the_capture(tmp_path: Path) -> None:
    made, events = imported(tmp_path, pcap(talk()))
    assert made.header.wall_clock_time.startswith("2023-11-14T22:13:20.125456")
    assert events[0].time_ns == 0
    assert 0 < events[-1].time_ns < 10**9


@pytest.mark.parametrize("us", ["10.0.0.2", "10.0.0.2:6881"])
def test_us_takes_the_view_of_one_client(tmp_path: Path, us: str) -> None:
    made, events = imported(tmp_path, pcap(talk()), us=us)
    assert (made.header.node, made.header.nodes) == ("libtorrent-1", ())
    assert bytes.fromhex(made.header.peer_id) == b"-LT2110-abcdefghijkl"
    assert {one.actor for one in events} == {"Peer-1", "trace"}
    ways = Counter(one.name for one in events if one.data.get("type") == "piece")
    assert ways == {WIRE_SENT: 3}


def test_a_client_that_is_in_all_connections_is_us(tmp_path: Path) -> None:
    made, events = imported(tmp_path, pcap([*talk(), *talk((CY, BOB), b"-TR4000-abcdefghijkl")]))
    assert (made.header.node, made.connections) == ("libtorrent-1", 2)
    assert {one.actor for one in events} == {"Peer-1", "Peer-2", "trace"}
    assert lint(made.header, events) == []


def test_connections_of_one_client_are_known_by_the_port_that_it_tells(tmp_path: Path) -> None:
    """As libtorrent does: another peer id in each connection, and `p` in its greeting."""
    frames: Frames = []
    for number in range(3):
        ends = (Endpoint(CY.host, 50_000 + number), (BOB, ADA, BOB)[number])
        hello = handshake(b"-LT2110-%012d" % number)
        dialogue = (
            Dialogue(ends).open().says(0, hello).says(0, Extended(0, b"d1:pi7000ee").encode())
        )
        frames += dialogue.says(1, handshake(b"-TR4000-%012d" % (number % 2))).frames
    for number in range(4):
        ends = (Endpoint(CY.host, 60_000 + number), ADA)
        frames += Dialogue(ends).open().says(0, handshake(b"-LT2110-x%011d" % number)).frames
    made, _ = imported(tmp_path, pcap(frames))
    names = [node.name for node in made.header.nodes]
    assert names == ["libtorrent-1", "transmission-1", "transmission-2", "libtorrent-2"]
    assert Counter(row[0] for row in made.header.connections) == {
        "libtorrent-1": 3,
        "libtorrent-2": 4,  # those that nobody answered
    }


def test_what_the_torrent_is_like_is_inferred(tmp_path: Path) -> None:
    header = imported(tmp_path, pcap(talk()))[0].header
    assert (header.piece_count, header.piece_length, header.total_length) == (3, BLOCK, 3 * BLOCK)


# --- how packets come -----------------------------------------------------------------------


def test_packets_late_and_twice_change_nothing(tmp_path: Path) -> None:
    frames = talk()
    rng = random.Random(7)
    data = frames[2:-2]
    shuffled = [
        frame
        for at in range(0, len(data), 6)
        for frame in rng.sample(data[at : at + 6], len(data[at : at + 6]))
    ]
    times = [time_ns for time_ns, _ in data]
    late = [(time_ns, packet) for time_ns, (_, packet) in zip(times, shuffled, strict=True)]
    twice = [frame for frame in late for _ in range(2)]
    made, _ = imported(tmp_path, pcap([*frames[:2], *twice, *frames[-2:]]))
    assert (made.by_type, made.gaps) == (EXPECTED, 0)


def test_of_packets_captured_in_part_all_messages_are_read(tmp_path: Path) -> None:
    made, events = imported(tmp_path, pcap(talk(), snaplen=120))
    assert (made.by_type, made.gaps) == (EXPECTED, 0)
    assert lint(made.header, events) == []


def test_bytes_that_are_not_in_the_capture_are_a_gap_and_nobody_is_blamed(tmp_path: Path) -> None:
    dialogue = Dialogue().open()
    for way, data in SAID[:-2]:
        dialogue.says(way, data)
    dialogue.skips(0, 17).skips(1, 20_000).says(0, Have(1).encode()).says(0, Have(2).encode())
    dialogue.says(1, block(2)).says(1, Have(2).encode())
    made, events = imported(tmp_path, pcap(dialogue.close().frames))
    assert (made.gaps, made.lost_bytes) == (2, 20_017)
    assert made.by_type == EXPECTED - Counter(["request"]) + Counter(["have"] * 3)
    gaps = [one.data for one in events if one.name == "trace:gap"]
    assert {(one["bytes"], one["way"]) for one in gaps} == {
        (17, "sent"), (17, "received"), (20_000, "sent"), (20_000, "received"),
    }  # fmt: skip
    assert {finding.rule for finding in lint(made.header, events)} == {"lost-events"}
    assert all(node.lost == 2 for node in made.header.nodes)


def test_a_pair_of_ports_may_be_used_again(tmp_path: Path) -> None:
    again = Dialogue(first=(77, 88)).open()
    for way, data in SAID:
        again.says(way, data)
    made, _ = imported(tmp_path, pcap([*talk(), *again.frames]))
    assert (made.connections, made.by_type) == (2, EXPECTED + EXPECTED)


def test_a_connection_without_its_first_packets_is_known_by_the_handshake(tmp_path: Path) -> None:
    made, _ = imported(tmp_path, pcap(talk()[2:]))
    assert made.by_type == EXPECTED


def test_a_reset_ends_a_connection(tmp_path: Path) -> None:
    frames = talk()[:-2]
    last = bytearray(talk()[-1][1])
    last[33] = 0x14  # RST, ACK in the place of FIN, ACK
    _, events = imported(tmp_path, pcap([*frames, (BEGIN_NS + 10**9, bytes(last))]))
    closed = [one.data["why"] for one in events if one.name == "bt:connection_closed"]
    assert closed == ["10.0.0.2:6881 reset it"] * 2


# --- what is not for us -----------------------------------------------------------------------


def test_what_is_ignored_is_counted(tmp_path: Path) -> None:
    http = Dialogue((CY, BOB)).open().says(0, b"GET / HTTP/1.1\r\n" * 9).says(1, b"200 OK" * 40)
    secret = Dialogue((ADA, CY)).open().says(0, KEYS[0]).says(1, KEYS[1])
    began_before = Dialogue((ADA, Endpoint(CY.host, 9))).says(0, Have(1).encode() * 30)
    udp = (BEGIN_NS, talk()[0][1][:9] + b"\x11" + talk()[0][1][10:])
    parts = [*talk(), *http.frames, *secret.frames, *began_before.frames, udp]
    made, _ = imported(tmp_path, pcap(parts))
    assert made.by_type == EXPECTED
    natures = {Nature.BITTORRENT: 1, Nature.ENCRYPTED: 1, Nature.OTHER: 2}
    assert made.counts.connections == natures
    assert made.counts.others == {Other.NOT_TCP: 1}


def test_no_more_connections_are_followed_at_a_time_than_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talking, "MAX_CONNECTIONS", 5)
    flood = [
        frame
        for port in range(1, 30)
        for frame in Dialogue((Endpoint(CY.host, port), ADA)).open().frames[:1]
    ]
    made, _ = imported(tmp_path, pcap([*talk(), *flood, *talk((CY, BOB))]))
    assert made.by_type == EXPECTED
    assert made.counts.unheeded > len(flood) - 6
    over = [frame for port in range(1, 30) for frame in talk((Endpoint(CY.host, port), BOB))]
    made, _ = imported(tmp_path, pcap(over))
    assert made.by_type["handshake"] == 2 * 29
    assert made.counts.unheeded == 0


def test_of_several_torrents_that_of_which_most_is_said_is_taken(tmp_path: Path) -> None:
    other = Handshake(b"o" * 20, b"-TR4000-abcdefghijkl").encode()
    raw = pcap([*talk(), *Dialogue((CY, BOB)).open().says(0, other).says(1, other).frames])
    made, _ = imported(tmp_path, raw)
    assert (made.by_type, made.other_torrents) == (EXPECTED, {(b"o" * 20).hex(): 1})
    made, _ = imported(tmp_path, raw, info_hash=b"o" * 20)
    assert made.by_type == {"handshake": 2}
    with pytest.raises(UsageError, match="expected the torrent 7878"):
        imported(tmp_path, raw, info_hash=b"x" * 20)


def test_a_capture_without_bittorrent_is_refused_and_encryption_named(tmp_path: Path) -> None:
    secret = Dialogue().open().says(0, KEYS[0]).says(1, KEYS[1]).frames
    with pytest.raises(InvalidCaptureError, match="1 of TCP, 1 of them likely encrypted"):
        imported(tmp_path, pcap(secret))
    tls = Dialogue().open().says(0, b"\x16\x03\x01" + KEYS[0]).says(1, b"\x16\x03\x03" + KEYS[1])
    with pytest.raises(InvalidCaptureError, match="0 of them likely encrypted"):
        imported(tmp_path, pcap(tls.frames))
    with pytest.raises(InvalidCaptureError, match="found none among 0"):
        imported(tmp_path, pcap([]))


# --- what lies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        b"\xff\xff\xff\xff\x07",  # a message of 4 GiB
        b"\0\x1f\xff\xff\x05" + bytes(50_000),  # a bitfield that goes on and on
        b"\0\0\0\x05\x04\xff\xff\xff\xfe",  # piece 4,294,967,294
        b"\0\0\0\x0d\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\0\0\0\0" * 500,
        b"\0\0\0\2\x04\0",
        handshake(),
        b"\0\0\0\x07\x14\0d1:pi-5e",
        b"\0\0\0\x08\x14\0d1:pi99999999e",
    ],
)
def test_peers_that_lie_do_no_harm(tmp_path: Path, lie: bytes) -> None:
    dialogue = Dialogue().open()
    for way, data in SAID[:3]:
        dialogue.says(way, data)
    dialogue.says(1, lie)
    made, events = imported(tmp_path, pcap(dialogue.close().frames))
    assert made.by_type["handshake"] >= 2
    lint(made.header, events)
    assert run(["trace", "stats", str(tmp_path / "x.trace")]) == ExitCode.DONE
    assert run(["trace", "show", str(tmp_path / "x.trace")]) == ExitCode.DONE


@given(st.data())
@settings(max_examples=60)
def test_no_capture_whatever_makes_it_fail_otherwise_than_by_saying_so(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    folder = tmp_path_factory.getbasetemp()
    try:
        made, _ = imported(folder, bytes(raw[: len(raw) - cut // 3]))
    except (InvalidCaptureError, UsageError):
        return
    assert made.events > 0


def small_talk() -> Frames:
    dialogue = Dialogue().open()
    for way, data in SAID[:8]:
        dialogue.says(way, data[:200])
    return dialogue.close().frames


SMALL = [pcap(small_talk()), pcapng(framed(small_talk(), ETHERNET), link=1)]


# --- by command -----------------------------------------------------------------------------------


def test_import_says_what_it_made_and_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = Dialogue((ADA, CY)).open().says(0, KEYS[0]).says(1, KEYS[1]).close()
    capture = written(tmp_path / "swarm.pcap", pcap([*talk(), *secret.frames])[:-7])
    assert run(["trace", "import", str(capture)]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "imported  11 messages in 1 connection between aria2-1, libtorrent-1"
    assert lines[1].startswith("torrent   48 KiB in 3 pieces of 16 KiB, info-hash 000102")
    assert lines[2:4] == [
        "cut off   the capture ends within a packet",
        "ignored   1 connection likely encrypted, which cannot be read",
    ]
    assert (tmp_path / "swarm.trace").exists()
    assert run(["trace", "import", str(capture), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert told["messages"] == dict(EXPECTED)
    assert told["ignored"]["connections"]["encrypted"] == 1


def test_what_cannot_be_imported_is_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nonsense = written(tmp_path / "x.txt", b"no capture")
    good = written(tmp_path / "x.pcap", pcap(talk()))
    for code, words in (
        (ExitCode.INVALID_TORRENT, [str(nonsense)]),
        (ExitCode.USAGE, [str(good), "--us", "10.9.9.9"]),
        (ExitCode.USAGE, [str(good), "--info-hash", "abc"]),
        (ExitCode.USAGE, [str(good), "-o", str(nonsense)]),
    ):
        assert run(["trace", "import", *words]) == code
        assert len(capsys.readouterr().err.splitlines()) <= 2
    assert sorted(tmp_path.iterdir()) == [good, nonsense]
    assert nonsense.read_bytes() == b"no capture"


def test_the_report_of_an_import_says_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, pcap(talk()))
    page = tmp_path / "x.html"
    assert run(["trace", "report", str(tmp_path / "x.trace"), "-o", str(page)]) == ExitCode.DONE
    assert "Made of the packet capture x.pcap" in capsys.readouterr().out


def test_what_a_client_waited_for_is_not_made_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    imported(tmp_path, pcap(talk()), us="10.0.0.1")
    assert run(["trace", "why", "slow", str(tmp_path / "x.trace")]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert "only the wire was captured, not what the client waited for (unknown)" in told
    assert "the disk" not in told


# --- there and back -------------------------------------------------------------------------------


def test_a_trace_exported_and_imported_has_the_same_messages(
    swarm_traces: list[Path], tmp_path: Path
) -> None:
    traces = swarm_traces[:3]  # of the level "block"
    capture = tmp_path / "x.pcap"
    command = ["trace", "export", *map(str, traces), "--format", "pcap", "-o", str(capture)]
    assert run(command) == ExitCode.DONE
    made = import_capture(capture, tmp_path / "x.trace")
    before, after = wire(traces), wire(tmp_path / "x.trace")
    assert len(before) > 500
    assert before == after
    assert made.by_type.total() == len(before)
    with TraceFile(traces[0]) as trace:
        for key in ("info_hash", "piece_count", "piece_length", "total_length"):
            assert getattr(made.header, key) == getattr(trace.header, key)


def test_so_it_is_with_the_sums_of_the_level_piece(
    swarm_traces: list[Path], tmp_path: Path
) -> None:
    trace, capture, again = swarm_traces[3], tmp_path / "x.pcap", tmp_path / "x.trace"
    command = ["trace", "export", str(trace), "--format", "pcap", "-o", str(capture)]
    assert run(command) == ExitCode.DONE
    with TraceFile(trace) as before:
        us = next(one.data["local"] for one in before.events() if "local" in one.data)
    made = import_capture(capture, again, us=us)
    assert made.header.level == "piece"
    assert wire(again) == wire(trace)
    assert _sums(again) == _sums(trace)


def _sums(trace: Path) -> Counter[tuple[str, str]]:
    sums: Counter[tuple[str, str]] = Counter()
    with TraceFile(trace) as file:
        for one in file.events():
            if one.name.startswith(("bt:blocks_", "bt:requests_")):
                for key in ("count", "length", "block_bytes"):
                    sums[one.name, key] += one.data.get(key, 0)
    return sums
