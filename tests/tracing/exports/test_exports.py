"""Traces in the formats of other tools: what stands in a trace stands in them, and no more."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode, UsageError
from actortorrent.tracing.events import Event
from actortorrent.tracing.exports import FORMATS
from actortorrent.tracing.filters import EventFilter, Wishes
from tests.tracing.traces import HEADER, event, message, write_trace

EVENTS = [
    event("actor:spawned", "Swarm", 1, ms=0),
    message("Swarm", "Peer-1", "leave", (2, 3, 6), ms=2),
    event("actor:decision", "Peer-1", 4, cause="Peer-1#3", ms=2, what="unchoke", chosen=["Peer-2"]),
    event("bt:message_sent", "Peer-1", 5, cause="Peer-1#3", ms=2, conn=1, type="choke"),
    message("Peer-1", "Storage", "save", (7, 8, 9), cause="Peer-1#3", ms=3),
    message("Storage", "Swarm", "saved", (10,), cause="Storage#8", ms=4),
    event("actor:timer", "Peer-1", 11, ms=5, type="tick", dur=1000, lc=[11, 12]),
]


def exported(name: str, events: list[Event], **wishes: Any) -> str:
    """Return what an export has of those events that fit the wishes."""
    wanted = EventFilter(Wishes(**wishes)).wants
    return "".join(FORMATS[name].export(HEADER, iter(events), wanted))


def entries(events: list[Event]) -> list[dict[str, Any]]:
    rows = json.loads(exported("perfetto", events))["traceEvents"]
    assert isinstance(rows, list)
    return rows


def clocks(text: str) -> list[tuple[str, dict[str, int]]]:
    """Return host and clock of each event of a log for ShiViz."""
    lines = text.splitlines()[2::2]
    return [(line.partition(" ")[0], json.loads(line.partition(" ")[2])) for line in lines]


def test_perfetto_has_a_slice_for_each_sending_and_handling_and_a_mark_for_the_rest() -> None:
    counts = Counter(row["ph"] for row in entries(EVENTS))
    # 3 sendings, 2 handled, a wire message, a timer; the start and a decision.
    assert (counts["X"], counts["i"]) == (7, 2)


def test_each_arrow_of_perfetto_has_one_begin_and_one_end_and_none_goes_backwards() -> None:
    begins = {row["bind_id"]: row["ts"] for row in entries(EVENTS) if row.get("flow_out")}
    ends = {row["bind_id"]: row["ts"] for row in entries(EVENTS) if row.get("flow_in")}
    assert begins.keys() == ends.keys()
    assert len(begins) == 2
    assert all(begins[arrow] <= ends[arrow] for arrow in begins)


def test_in_perfetto_an_arrow_leads_from_a_node_to_another_where_both_ends_are_known() -> None:
    sent = event("bt:message_sent", "a/Peer-1", 1, type="choke", match="b/Peer-4#2")
    came = event("bt:message_received", "b/Peer-4", 2, ms=1, type="choke", match="a/Peer-1#1")
    out, into = (row for row in entries([sent, came]) if row["ph"] == "X")
    assert out["bind_id"] == into["bind_id"]
    assert out["pid"] != into["pid"]
    names = [row["args"]["name"] for row in entries([sent, came]) if row["name"].endswith("_name")]
    assert names[1:] == ["a", "Peer-1", "b", "Peer-4"]


def levels(events: list[Event], **wishes: Any) -> list[tuple[float, int]]:
    """Return the counters of B's mailbox: milliseconds, and how many messages wait from then on."""
    rows = json.loads(exported("perfetto", events, **wishes))["traceEvents"]
    mine = [row for row in rows if row["ph"] == "C" and row["name"] == "B"]
    return sorted((row["ts"] / 1000, row["args"]["waiting"]) for row in mine)


def test_a_mailbox_of_perfetto_fills_when_a_message_is_sent_and_empties_when_it_is_taken() -> None:
    ms = 1_000_000
    sent = [
        message("A", "B", "one", (1, 3, 4), ms=2, wait=1 * ms),  # from 1 to 2
        message("A", "B", "two", (2, 5, 6), ms=7, wait=4 * ms),  # from 3 to 7
        message("C", "B", "three", (1, 7, 8), ms=8, wait=3 * ms, depth=1),  # from 5 to 8
    ]
    counted = [(1, 1), (2, 0), (3, 1), (5, 2), (7, 1), (8, 0)]
    assert levels(sent) == counted
    assert levels(sent, types=("two",)) == [counted[2], counted[4]]


def test_what_is_never_read_is_sent_where_it_was_and_leaves_its_mailbox_when_it_is_refused() -> (
    None
):
    ms = 1_000_000
    lost = message("A", "B", "late", (1,), ms=2, wait=3 * ms, status="dropped")
    dead = message("A", "B", "later", (2,), ms=6, wait=1 * ms)
    sendings = [row["ts"] for row in entries([lost, dead]) if row["ph"] == "X"]
    assert sendings == [2000, 6000]
    assert levels([lost, dead]) == [(2, 1), (5, 0)]


@pytest.mark.parametrize("name", ["perfetto", "otlp"])
def test_what_was_in_a_block_is_not_exported(name: str) -> None:
    block = event("bt:block_received", "Peer-1", 1, conn=1, piece_index=0, payload="c2VjcmV0")
    text = exported(name, [block])
    assert "piece_index" in text
    assert "c2VjcmV0" not in text


def test_perfetto_tells_of_a_message_by_the_id_of_its_arrival() -> None:
    (sent, taken) = (row for row in entries([EVENTS[1]]) if row["ph"] == "X")
    assert (sent["name"], taken["name"]) == ("send leave", "leave")
    assert (taken["args"]["id"], taken["args"]["type"]) == ("Peer-1#3", "leave")


def test_mermaid_draws_messages_decisions_the_wire_and_what_was_never_read() -> None:
    drawn = exported("mermaid", EVENTS)
    for line in (
        "participant a1 as Swarm",
        "a1->>a2: leave",
        "Note over a2: unchoke [Peer-2]",
        "a2-->>a3: choke",
        "a4-xa1: saved",
    ):
        assert f"    {line}\n" in drawn


def test_mermaid_refuses_what_is_too_long_and_says_how_to_narrow_it() -> None:
    many = [message("A", "B", "work", (n, n + 1, n + 2)) for n in range(1, 9000, 3)]
    with pytest.raises(UsageError, match=r"40,000 characters.*--piece or --peer"):
        exported("mermaid", many)


def test_names_from_the_network_cannot_break_out_of_a_diagram() -> None:
    evil = event("bt:message_received", "Peer-1", 1, type="x;\nend %%{init}%% <script>#59;")
    assert exported("mermaid", [evil]).splitlines()[-1] == "    a1-->>a2: x end init script 59"


@pytest.mark.parametrize("wishes", [{}, {"actors": ("Storage",)}, {"types": ("bt:*", "saved")}])
def test_in_shiviz_the_clock_of_each_host_counts_from_one_after_filtering(wishes: Any) -> None:
    own = defaultdict(list)
    for host, clock in clocks(exported("shiviz", EVENTS, **wishes)):
        own[host].append(clock[host])
    assert own
    assert all(counts == list(range(1, len(counts) + 1)) for counts in own.values())


def test_in_shiviz_a_host_knows_of_others_through_messages_that_are_not_shown() -> None:
    shown = clocks(exported("shiviz", EVENTS, types=("decision", "actor:spawned")))
    assert shown == [("Swarm", {"Swarm": 1}), ("Peer-1", {"Swarm": 1, "Peer-1": 1})]


@pytest.mark.parametrize("name", FORMATS)
def test_a_trace_is_exported_by_command_and_again_over_the_old_export(
    name: str, tmp_path: Path
) -> None:
    trace, out = write_trace(tmp_path / "t.jsonl", EVENTS), tmp_path / "out"
    command = ["trace", "export", str(trace), "--format", name, "-o", str(out)]
    assert [run(command), run(command)] == [0, 0]
    assert out.read_text() == exported(name, EVENTS)
    assert sorted(tmp_path.iterdir()) == [out, trace]


def test_no_export_is_written_over_a_file_that_is_none(tmp_path: Path) -> None:
    trace = write_trace(tmp_path / "t.jsonl", EVENTS)
    before = trace.read_bytes()
    command = ["trace", "export", str(trace), "--format", "perfetto", "-o", str(trace)]
    assert run(command) == ExitCode.USAGE
    assert trace.read_bytes() == before


@pytest.mark.parametrize("name", FORMATS)
def test_a_trace_with_impossible_figures_is_exported_all_the_same(name: str) -> None:
    strange: dict[str, Any] = {"wait": 10**400, "dur": -5, "depth": "many", "status": 7}
    assert exported(name, [message("A\nB", "C D", "\ud800", (1, 2, 3), **strange)])


def test_a_trace_with_an_endless_number_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = event("actor:timer", "A", 1, x=1.5).to_line().replace(b"1.5", b"1e999")
    trace = write_trace(tmp_path / "t.jsonl", [], tail=line)
    command = ["trace", "export", str(trace), "--format", "perfetto", "-o", str(tmp_path / "out")]
    assert run(command) == ExitCode.INVALID_TORRENT
    assert "line 2: expected an object of JSON: a number out of range" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [trace]
