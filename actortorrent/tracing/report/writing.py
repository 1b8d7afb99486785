"""Writing a report: from the files of traces to one file that opens in any browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from actortorrent.errors import UsageError
from actortorrent.tracing.report.data import MOST_EVENTS, report_data
from actortorrent.tracing.report.page import report_page
from actortorrent.tracing.report.sources import open_source

PAGE_START = b"<!doctype html>\n"


class Report(Struct, frozen=True):
    """Say what a report that was written holds.

    Attributes:
        nodes: the clients it is of.
        events: how many the traces have.
        shown: how many of them it shows each; the others are folded into these.
        size: of the file, in bytes.
        remarks: what the traces lack, in sentences.
    """

    nodes: tuple[str, ...]
    events: int
    shown: int
    size: int
    remarks: tuple[str, ...]


def write_report(paths: Sequence[Path], out: Path, most_events: int = MOST_EVENTS) -> Report:
    """Write the report of one trace, or of several of one swarm, to `out`.

    Raises:
        InvalidTraceError: where a file is no trace.
        UsageError: if the traces do not belong together, or `out` is there and is no page.
        OSError: if a file cannot be read or written.
    """
    if out.exists() and not _is_page(out):
        raise UsageError(f"{out} is there and is no report: it is not overwritten")
    source = open_source(paths)
    data = report_data(source, most_events)
    page = report_page(data).encode("utf-8")
    part = out.with_name(f"{out.name}.part")
    part.write_bytes(page)
    part.replace(out)
    return Report(
        nodes=tuple(node.name for node in source.nodes),
        events=data["total"],
        shown=len(data["events"]["t"]),
        size=len(page),
        remarks=source.remarks(),
    )


def _is_page(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PAGE_START)) in (PAGE_START, b"")
