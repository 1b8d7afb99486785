"""Read trace files: strict in what an event must have, easy on what a killed process left.

A file is read line by line, so its size does not matter. Its last line may be cut
off; all others must be whole. Names of events and fields that this version does not
know are kept as they are. A file may be anybody's: what is read is bounded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NoReturn, Self

from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.events import END, FILE_SCHEMA, GAP, KNOWN_SCHEMAS, Event
from actortorrent.tracing.header import TraceHeader, header_from_json

MAX_LINE_BYTES = 4 * 1024 * 1024  # a block of 128 KiB in base64 is the longest thing we write
MAX_NAME = 200  # characters in the name of an event or of an actor
MAX_TIME_NS = 2**63
MAX_DEPTH = 40  # of lists and objects in each other


class TraceFile:
    """A trace that is read: its header at once, its events as they are asked for.

    Attributes:
        header: what the first line says.
        lost: how many events the file says it lacks, as far as it was read.
        is_cut_off: whether the last line read was not whole.
        has_end: whether the file's own last event was read: the process was not killed.
    """

    def __init__(self, path: Path) -> None:
        """Open a trace; raises InvalidTraceError where it is none, OSError if it cannot."""
        self._path = path
        self._file: BinaryIO = path.open("rb")
        self._line_number = 0
        self.lost = 0
        self.is_cut_off = False
        self.has_end = False
        try:
            self.header = self._read_header()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def events(self) -> Iterator[Event]:
        """Yield the events in the file's order: each when it was finished.

        Raises:
            InvalidTraceError: at the first line that is no event, unless it is a last,
                cut off one.
        """
        for line in self._lines():
            if not line.endswith(b"\n"):
                self.is_cut_off = True
                return
            event = _event_from_json(self._json(line), self._refuse)
            if event.name == GAP:
                self._note_gap(event)
            self.has_end = event.name == END
            yield event

    def _note_gap(self, event: Event) -> None:
        lost = event.data.get("lost")
        self.lost += lost if isinstance(lost, int) else 1

    def _lines(self) -> Iterator[bytes]:
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            self._line_number += 1
            if len(line) > MAX_LINE_BYTES:
                self._refuse(f"expected at most {MAX_LINE_BYTES} bytes, found more")
            yield line

    def _read_header(self) -> TraceHeader:
        line = next(self._lines(), b"")
        if not line.startswith(b"{"):
            self._refuse(f"expected the header of a trace, {FILE_SCHEMA}")
        header = self._json(line)
        schema = header.get("file_schema")
        if schema not in KNOWN_SCHEMAS:
            found = repr(schema)[:MAX_NAME] if isinstance(schema, str) else "no file_schema"
            self._refuse(f"expected file_schema {FILE_SCHEMA}, found {found}")
        return header_from_json(header, self._refuse)

    def _json(self, line: bytes) -> dict[str, Any]:
        try:
            text = line.decode("utf-8").strip()
            value, end = _decode(text)
        except RecursionError:
            self._refuse("nested too deep")
        except ValueError as error:  # also bytes that are not UTF-8
            self._refuse(f"expected an object of JSON: {error}")
        if not isinstance(value, dict) or end != len(text):
            self._refuse("expected an object of JSON")
        # An opening bracket stands before each level: few of them need no closer look.
        if line.count(b"{") + line.count(b"[") > MAX_DEPTH and _is_too_deep(value):
            self._refuse("nested too deep")
        return value

    def _refuse(self, why: str) -> NoReturn:
        number = max(1, self._line_number)  # an empty file lacks its first
        raise InvalidTraceError(
            f"{self._path} is not a trace of actortorrent: line {number}: {why}"
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number out of range")
    return number


# Made once: `json.loads` with options of its own would make one for each line.
_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).raw_decode


def _event_from_json(value: dict[str, Any], refuse: Callable[[str], NoReturn]) -> Event:
    time_ns, lc = value.get("time"), value.get("lc")
    if type(time_ns) is not int or not 0 <= time_ns < MAX_TIME_NS:
        refuse("expected a number as time")
    if type(lc) is not int or not 0 <= lc < MAX_TIME_NS:
        refuse("expected a number as lc")
    name, actor, cause = value.get("name"), value.get("actor"), value.get("cause")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        refuse("expected a short text as name")
    if not isinstance(actor, str) or not 0 < len(actor) <= MAX_NAME:
        refuse("expected a short text as actor")
    if cause is None:
        cause = ""
    elif not isinstance(cause, str) or not 0 < len(cause) <= MAX_NAME:
        refuse("expected a short text as cause")
    data = value.get("data")
    if not isinstance(data, dict):
        refuse("expected an object as data")
    return Event(time_ns, name, actor, lc, cause, data)


def _is_too_deep(value: object, depth: int = 0) -> bool:
    if depth > MAX_DEPTH:
        return True
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(_is_too_deep(item, depth + 1) for item in value)
