"""What holds of the traces of a real swarm: a seed and four leeches, each a process of its own."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode, InvalidTraceError, UsageError
from actortorrent.tracing.diffing import compare
from actortorrent.tracing.events import WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.linting import lint
from actortorrent.tracing.merging import merge_traces, open_traces, write_merge
from actortorrent.tracing.reader import TraceFile
from actortorrent.tracing.stats import statistics
from actortorrent.tracing.why import Story, why_choke, why_piece, why_slow
from tests.tracing.streams import SUMS, broken_streams
from tests.tracing.swarm import LEECHES
from tests.tracing.traces import broken_laws

PIECES = 20
SHIFT = timedelta(seconds=2)


@pytest.fixture
def traces(swarm_traces: list[Path]) -> list[Path]:
    return swarm_traces


@pytest.fixture(scope="module")
def merged(swarm_traces: list[Path]) -> list[Event]:
    return list(merge_traces(swarm_traces).events())


def test_every_message_between_traced_peers_is_matched_at_both_ends(traces: list[Path]) -> None:
    merge = merge_traces(traces)
    assert merge.report.connections >= LEECHES
    assert merge.report.from_nowhere == 0
    assert merge.report.matched > 300
    assert merge.report.clocks == ()
    conns = {
        (node, conn) for a, x, b, y in merge.header.connections for node, conn in ((a, x), (b, y))
    }
    lone = Counter[str]()
    for one in merge.events():
        node, conn = one.actor.partition("/")[0], one.data.get("conn")
        if one.name == WIRE_RECEIVED and (node, conn) in conns and "match" not in one.data:
            lone[one.data["type"]] += 1
    assert set(lone) <= {"request", "piece"}, "only what one end counted may lack its other end"
    assert sum(lone.values()) <= merge.report.summed


def test_what_one_end_only_counted_is_as_much_as_the_other_end_has(
    traces: list[Path], merged: list[Event]
) -> None:
    merge = merge_traces(traces)
    assert len(merge.header.nodes) == 5
    assert broken_streams(merge.header, merged) == []
    counted = {node for node in ("leech-3", "leech-4") for one in merged if _is_sum_of(node, one)}
    assert counted == {"leech-3", "leech-4"}


def _is_sum_of(node: str, event: Event) -> bool:
    return event.name in SUMS and event.actor.startswith(f"{node}/")


def test_a_message_is_the_cause_of_its_arrival_in_another_process(merged: list[Event]) -> None:
    graph = Graph(merged)
    received = [one for one in merged if one.name == WIRE_RECEIVED and "match" in one.data]
    for one in received:
        sent = graph[one.cause]
        assert sent.name == WIRE_SENT
        assert sent.data["match"] == one.id
        assert sent.actor.partition("/")[0] != one.actor.partition("/")[0]
        told = ("offset", "length", "type")
        assert [sent.data[key] for key in told] == [one.data[key] for key in told]


def test_the_merged_trace_keeps_the_laws_of_causality(merged: list[Event]) -> None:
    assert Graph(merged).problems() == []
    assert broken_laws(merged) == []


def test_a_verified_piece_is_traced_back_through_the_peer_that_sent_it(merged: list[Event]) -> None:
    graph = Graph(merged)
    verified = [
        one
        for one in merged
        if one.name == "bt:piece_verified" and one.actor.startswith("leech-1/")
    ]
    chains = [graph.causes(one) for one in verified]
    assert len(chains) == PIECES
    for chain in chains:
        assert {"seed", "leech-1"} <= {one.actor.partition("/")[0] for one in chain}
        assert [one.time_ns for one in chain] == sorted(one.time_ns for one in chain)
    assert verified[0] in [one for _, one in graph.effects(chains[0][0])]


def test_with_a_wall_clock_2_s_off_arrows_still_go_forward_and_it_is_told(
    traces: list[Path], tmp_path: Path
) -> None:
    head, _, rest = traces[1].read_bytes().partition(b"\n")
    header = json.loads(head)
    clock = header["reference_time"]
    clock["wall_clock_time"] = (
        datetime.fromisoformat(clock["wall_clock_time"]) + SHIFT
    ).isoformat()
    shifted = tmp_path / "leech-1.trace"
    shifted.write_bytes(json.dumps(header, separators=(",", ":")).encode() + b"\n" + rest)
    merge = merge_traces([traces[0], shifted, *traces[2:]])
    ((name, ahead_ns),) = merge.report.clocks
    assert name == "leech-1"
    assert ahead_ns == pytest.approx(SHIFT.total_seconds() * 1e9, abs=50e6)
    assert merge.report.held_back == 0
    events = list(merge.events())
    assert Graph(events).problems() == []
    assert broken_laws(events) == []


def test_a_merged_trace_is_written_and_read_like_any_other(
    traces: list[Path], merged: list[Event], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    merge = merge_traces(traces)
    out = tmp_path / "swarm.trace"
    assert write_merge(merge, out) == len(merged)
    with TraceFile(out) as read:
        assert read.header == merge.header
        assert list(read.events()) == merged
    assert run(["trace", "show", str(out), "--actor", "leech-1/Swarm", "--ids"]) == ExitCode.DONE
    assert "leech-1/Swarm#" in capsys.readouterr().out
    with pytest.raises(UsageError, match="merged already"):
        merge_traces([out, traces[0]])


def test_lint_has_nothing_to_say_of_our_own_runs(traces: list[Path], merged: list[Event]) -> None:
    for path in traces:
        with open_traces([path]) as (header, events):
            assert lint(header, events) == []
    assert lint(merge_traces(traces).header, merged) == []


def test_why_piece_tells_the_way_of_each_piece(traces: list[Path]) -> None:
    with open_traces([traces[1]]) as (header, events):
        story = Story(header, events)
    for piece in range(PIECES):
        (answer,) = why_piece(story, piece)
        assert [name for name, _, _ in answer.waits] == [
            "available",
            "unchoked",
            "picked",
            "stored",
            "verified",
        ]
        assert any(step.text.startswith("picked for Peer-1") for step in answer.steps)


def test_why_slow_accounts_for_all_of_the_time(traces: list[Path]) -> None:
    with open_traces(traces) as (header, events):
        answers = why_slow(Story(header, events))
    assert [answer.node for answer in answers] == [
        f"leech-{number + 1}" for number in range(LEECHES)
    ]
    for answer in answers:
        assert answer.is_complete
        assert sum(answer.phases.values()) == pytest.approx(answer.seconds, abs=1e-4)
        assert answer.phases["fetching"] > 0
        assert answer.waits


def test_why_choke_tells_the_seeds_decision_on_a_leech(traces: list[Path]) -> None:
    with open_traces(traces) as (header, events):
        answers = why_choke(Story(header, events), "leech-1")
    assert "seed" in [answer.node for answer in answers if answer.verdict is not None]


def test_stats_agree_on_what_one_gave_another(traces: list[Path]) -> None:
    with open_traces(traces) as (header, events):
        nodes = {node.node: node for node in statistics(header, events).nodes}
    for first, conn, second, other in header.connections:
        given, taken = (
            nodes[node].given.get(number) for node, number in ((first, conn), (second, other))
        )
        if given is not None and taken is not None:
            assert given.sent_bytes >= taken.received_bytes
            assert taken.sent_bytes >= given.received_bytes
    assert all(nodes[f"leech-{number + 1}"].verified == PIECES for number in range(LEECHES))


def test_diff_finds_no_difference_between_a_trace_and_itself(traces: list[Path]) -> None:
    with open_traces([traces[1]]) as one, open_traces([traces[1]]) as other:
        (same,) = compare(one, other).nodes
    with open_traces([traces[1]]) as one, open_traces([traces[0]]) as other:
        (different,) = compare(one, other).nodes
    assert same.counts == []
    assert same.first_other_pick is None
    assert different.first_other_pick == 0
    assert "piece to a leech" in [name for name, _, _ in different.counts]


def test_traces_of_one_peer_alone_or_of_two_torrents_are_not_merged(
    traces: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="at least two"):
        merge_traces(traces[:1])
    other = tmp_path / "other.trace"
    with TraceFile(traces[0]) as read:
        info_hash = read.header.info_hash
    other.write_bytes(traces[0].read_bytes().replace(info_hash.encode(), b"0" * 40, 1))
    with pytest.raises(UsageError, match="another torrent"):
        merge_traces([traces[1], other])


def test_traces_that_contradict_each_other_are_refused(traces: list[Path], tmp_path: Path) -> None:
    head, _, rest = traces[0].read_bytes().partition(b"\n")
    lines = rest.splitlines(keepends=True)
    sent = [
        i for i, line in enumerate(lines) if b'"bt:message_sent"' in line and b'"conn":1,' in line
    ]
    events = [json.loads(lines[index]) for index in sent]
    # The clock of the first message sent is set behind that of the last one.
    events[0]["lc"] = events[-1]["lc"] + 100_000
    lines[sent[0]] = json.dumps(events[0]).encode() + b"\n"
    broken = tmp_path / "seed.trace"
    broken.write_bytes(head + b"\n" + b"".join(lines))
    with pytest.raises(InvalidTraceError, match="contradict each other"):
        merge_traces([broken, *traces[1:]])


def test_traces_of_version_1_are_matched_by_the_peer_ids(
    traces: list[Path], tmp_path: Path
) -> None:
    older = []
    for path in traces:
        text = path.read_bytes().replace(b"actortorrent-trace/2", b"actortorrent-trace/1", 1)
        lines = text.splitlines(keepends=True)
        older.append(tmp_path / path.name)
        older[-1].write_bytes(b"".join(one for one in lines if b"connection_opened" not in one))
    assert merge_traces(older).report == merge_traces(traces).report
