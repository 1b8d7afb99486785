"""Perfetto's own trace_processor reads the export of a real swarm: all of it, as it was written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actortorrent.tracing.events import MESSAGE, Event
from actortorrent.tracing.exports import perfetto
from actortorrent.tracing.merging import merge_traces
from tests.tracing.exports.trace_processor import TraceProcessor, trace_processor
from tests.tracing.report.browser import Browser

# Slices that an arrow joins, `a` where it begins.
ARROWS = "flow JOIN slice a ON a.id = flow.slice_out JOIN slice b ON b.id = flow.slice_in"


@dataclass(frozen=True, slots=True)
class Read:
    """A swarm: what was traced, what was written of it, and who has read that."""

    events: list[Event]
    written: list[dict[str, Any]]
    perfetto: TraceProcessor

    def written_of(self, *kinds: str) -> list[dict[str, Any]]:
        return [entry for entry in self.written if entry["ph"] in kinds]


@pytest.fixture(scope="module")
def swarm(swarm_traces: list[Path], browser: Browser) -> Iterator[Read]:
    """Return a swarm of a seed and four leeches, read by Perfetto."""
    merge = merge_traces(swarm_traces)
    events = list(merge.events())
    text = "".join(perfetto.export(merge.header, events, lambda _event: True))
    with trace_processor(browser) as reader:
        reader.read(text.encode())
        yield Read(events, json.loads(text)["traceEvents"], reader)


def test_perfetto_complains_of_nothing(swarm: Read) -> None:
    complaints = "SELECT name, value FROM stats WHERE severity != 'info' AND value != 0"
    assert swarm.perfetto.rows(complaints) == []


def test_perfetto_reads_each_slice_at_its_nanosecond(swarm: Read) -> None:
    written = swarm.written_of("X", "i")
    assert len(written) > 2000
    begins = sum(round(entry["ts"] * 1000) for entry in written)
    lengths = sum(round(entry.get("dur", 0) * 1000) for entry in written)
    read = swarm.perfetto.row("SELECT count(*), sum(ts), sum(dur), min(ts) >= 0 FROM slice")
    assert read == (len(written), begins, lengths, 1)
    assert swarm.perfetto.row("SELECT count(*) FROM slice WHERE dur < 0") == (0,)


def test_perfetto_draws_each_arrow_and_none_backwards(swarm: Read) -> None:
    arrows = [entry["bind_id"] for entry in swarm.written if entry.get("flow_in")]
    assert len(set(arrows)) == len(arrows) > 700
    assert swarm.perfetto.row("SELECT count(*) FROM flow") == (len(arrows),)
    assert swarm.perfetto.row(f"SELECT count(*), min(b.ts - a.ts) >= 0 FROM {ARROWS}") == (
        len(arrows),
        1,
    )


def test_arrows_of_perfetto_join_the_two_ends_of_one_message(swarm: Read) -> None:
    wire = f"SELECT count(*), count(DISTINCT a.id) FROM {ARROWS} WHERE a.category = 'wire'"
    matched = sum(
        event.name == "bt:message_received" and "match" in event.data for event in swarm.events
    )
    assert swarm.perfetto.row(wire) == (matched, matched)
    strays = f"""
        SELECT count(*) FROM {ARROWS} WHERE
            CASE a.category
                WHEN 'wire' THEN substr(a.name, 3) != substr(b.name, 3)
                ELSE a.name != 'send ' || b.name
            END"""
    assert swarm.perfetto.row(strays) == (0,)


def test_perfetto_counts_how_full_each_mailbox_was(swarm: Read) -> None:
    counters = swarm.written_of("C")
    put = [
        event for event in swarm.events if event.name == MESSAGE and event.data["status"] != "dead"
    ]
    assert len(counters) == 2 * len(put), "one when it comes, one when it goes"
    levels = sum(entry["args"]["waiting"] for entry in counters)
    read = swarm.perfetto.row("SELECT count(*), sum(value), min(value) >= 0 FROM counter")
    assert read == (len(counters), levels, 1)
    last = "SELECT value FROM counter GROUP BY track_id HAVING ts = max(ts)"
    assert set(swarm.perfetto.rows(last)) == {(0.0,)}, "in the end all are empty"


def test_in_perfetto_a_node_is_a_process_and_an_actor_a_thread(swarm: Read) -> None:
    actors = Counter(event.actor.partition("/")[0] for event in swarm.events)
    names = {f"{event.actor}" for event in swarm.events}
    names |= {str(event.data["from"]) for event in swarm.events if event.name == MESSAGE}
    rows = swarm.perfetto.rows(
        "SELECT process.name || '/' || thread.name FROM thread JOIN process USING (upid)"
        " WHERE thread.name IS NOT NULL"
    )
    assert {name for (name,) in rows} == names
    assert {name.partition("/")[0] for name in names} == set(actors)
