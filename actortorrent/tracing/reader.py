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
MAX_DATA_DEPTH = 40


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
            event = self._event(line)
            if event is None:
                return
            self._note(event)
            yield event

    def _note(self, event: Event) -> None:
        if event.name == GAP:
            lost = event.data.get("lost")
            self.lost += lost if isinstance(lost, int) else 1
        self.has_end = event.name == END

    def _lines(self) -> Iterator[bytes]:
        while line := self._file.readline(MAX_LINE_BYTES + 1):
            self._line_number += 1
            if len(line) > MAX_LINE_BYTES:
                self._refuse(f"expected at most {MAX_LINE_BYTES} bytes, found more")
            yield line

    def _event(self, line: bytes) -> Event | None:
        """Read one event; None where the line is the last one and not whole."""
        if not line.endswith(b"\n"):
            self.is_cut_off = True
            return None
        return _event_from_json(self._json(line), self._refuse)

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
            value = json.loads(line, parse_constant=_refuse_constant, parse_float=_finite)
        except RecursionError:
            self._refuse("nested too deep")
        except ValueError as error:  # also bytes that are not UTF-8
            self._refuse(f"expected an object of JSON: {error}")
        if not isinstance(value, dict):
            self._refuse("expected an object of JSON")
        return value

    def _refuse(self, why: str) -> NoReturn:
        number = max(1, self._line_number)  # an empty file lacks its first
        raise InvalidTraceError(f"not a trace of actortorrent: line {number}: {why}")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("a number out of range")
    return number


def _event_from_json(value: dict[str, Any], refuse: Callable[[str], NoReturn]) -> Event:
    time_ns, lc = (_count(value, key, refuse) for key in ("time", "lc"))
    name, actor = (_text(value, key, refuse) for key in ("name", "actor"))
    data = value.get("data")
    if not isinstance(data, dict):
        refuse("expected an object as data")
    if _is_too_deep(data):
        refuse("nested too deep")
    cause = _text(value, "cause", refuse) if value.get("cause") is not None else ""
    return Event(time_ns, name, actor, lc, cause, data)


def _count(value: dict[str, Any], key: str, refuse: Callable[[str], NoReturn]) -> int:
    number = value.get(key)
    if type(number) is not int or not 0 <= number < MAX_TIME_NS:
        refuse(f"expected a number as {key}")
    return number


def _text(value: dict[str, Any], key: str, refuse: Callable[[str], NoReturn]) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not 0 < len(text) <= MAX_NAME:
        refuse(f"expected a short text as {key}")
    return text


def _is_too_deep(data: object, depth: int = 0) -> bool:
    if depth > MAX_DATA_DEPTH:
        return True
    if isinstance(data, dict):
        data = list(data.values())
    return isinstance(data, list) and any(_is_too_deep(item, depth + 1) for item in data)
