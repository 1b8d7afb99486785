"""After a lab: its traces put together, a report, and what in them is worth looking at."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from actortorrent.lab.highlights import Highlight, Highlights
from actortorrent.lab.swarm import Outcome
from actortorrent.tracing.merging import MergeReport, merge_traces, write_merge
from actortorrent.tracing.report.writing import write_report


class Aftermath(Struct, frozen=True):
    """Say what was made of the traces.

    Attributes:
        merged: the trace of all.
        event_count: events in it.
        fit: how well the traces fitted together.
        report: the page that shows them.
        highlights: things worth looking at, at most three, in the order they happened.
    """

    merged: Path
    event_count: int
    fit: MergeReport
    report: Path
    highlights: tuple[Highlight, ...]


def look_back(outcome: Outcome, *, writes_report: bool = True) -> Aftermath:
    """Merge the traces of a lab, write the report, and choose what to look at."""
    merge = merge_traces(list(outcome.traces.values()), list(outcome.traces))
    places = outcome.places
    count = write_merge(merge, places.merged)
    found = Highlights(merge.header.connections)
    found.read(merge.events())
    chosen = found.chosen(outcome.plan.scenario)
    if writes_report:
        write_report([places.merged], places.report)
    return Aftermath(places.merged, count, merge.report, places.report, tuple(chosen))
