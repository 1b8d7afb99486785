"""Traces in the formats of other tools: each takes a header and events, and yields text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeAlias

from actortorrent.errors import UsageError
from actortorrent.tracing.events import Event
from actortorrent.tracing.exports import mermaid, otlp, perfetto, shiviz
from actortorrent.tracing.header import TraceHeader

Wanted: TypeAlias = Callable[[Event], bool]
Export: TypeAlias = Callable[[TraceHeader, Iterable[Event], Wanted], Iterator[str]]


class Format(NamedTuple):
    """Say how a format is made, and how each of its files begins."""

    export: Export
    start: str


FORMATS: Mapping[str, Format] = {
    "perfetto": Format(perfetto.export, perfetto.START),
    "mermaid": Format(mermaid.export, mermaid.START),
    "shiviz": Format(shiviz.export, shiviz.START),
    "otlp": Format(otlp.export, otlp.START),
}


def write_export(
    name: str,
    header: TraceHeader,
    events: Iterable[Event],
    wanted: Wanted,
    out: Path,
    *,
    run: str = "",
) -> int:
    """Write events in a format of `FORMATS` to `out`, and return its size in bytes.

    `run` is for otlp: a name by which traces of the same torrent are kept apart.

    Raises:
        UsageError: if `out` is there and is no such export, or the format cannot hold so much.
    """
    form = FORMATS[name]
    start = form.start.encode("ascii")
    if out.exists() and not _begins_with(out, start):
        raise UsageError(f"{out} is there and is no export to {name}: it is not overwritten")
    export = partial(otlp.export, run=run) if run else form.export
    part = out.with_name(f"{out.name}.part")
    try:
        with part.open("wb") as file:
            for text in export(header, events, wanted):
                file.write(text.encode("utf-8", "replace"))
            size = file.tell()
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return size


def _begins_with(path: Path, start: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(start)) in (start, b"")
