from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from actortorrent.errors import ExitCode, InvalidTraceError
from actortorrent.tracing import reader
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from tests.tracing.traces import HEADER, event, message, write_trace

EVENTS = [
    event("actor:spawned", "Swarm", 2, by="MainThread", lc=[1, 2]),
    message("Swarm", "Peer-1", "choke", (3, 4, 5), cause="Swarm#2"),
    event("trace:end", "trace", 1, events=2),
]
LINE = EVENTS[0].to_json()


def read(path: Path) -> list[Event]:
    with TraceFile(path) as trace:
        return list(trace.events())


def refusal(path: Path) -> str:
    with pytest.raises(InvalidTraceError) as caught:
        read(path)
    assert caught.value.exit_code == ExitCode.INVALID_TORRENT
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "x", EVENTS)
    with TraceFile(path) as trace:
        assert trace.header == HEADER
        assert list(trace.events()) == EVENTS
        assert trace.has_end
        assert not trace.is_cut_off


def test_a_header_need_not_name_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(replace(HEADER, seed=None).to_line().replace(b'"seed":null,', b""))
    with TraceFile(path) as trace:
        assert trace.header == replace(HEADER, seed=None)


def test_a_cut_off_last_line_is_left_out_and_told(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "x", EVENTS[:2], tail=EVENTS[2].to_line()[:-5])
    with TraceFile(path) as trace:
        assert list(trace.events()) == EVENTS[:2]
        assert trace.is_cut_off
        assert not trace.has_end


def test_every_beginning_of_a_file_behind_its_header_can_be_read(tmp_path: Path) -> None:
    whole = write_trace(tmp_path / "x", EVENTS).read_bytes()
    for end in range(len(HEADER.to_line()), len(whole)):
        path = tmp_path / "cut"
        path.write_bytes(whole[:end])
        assert read(path) == EVENTS[: whole[:end].count(b"\n") - 1]


def test_missing_events_are_counted(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "x", [event("trace:gap", "trace", 1, lost=7)])
    with TraceFile(path) as trace:
        assert list(trace.events())
        assert trace.lost == 7


def test_unknown_names_and_fields_are_kept(tmp_path: Path) -> None:
    path = write_trace(tmp_path / "x", [event("dht:asked", "Dht", 1, node="x")])
    assert read(path)[0].data == {"node": "x"}


@pytest.mark.parametrize(
    ("first_line", "why"),
    [
        (b"", "expected the header"),
        (b"d8:announce0:e", "expected the header"),
        (b"{}\n", "found no file_schema"),
        (b'{"file_schema": "qlog"}\n', "found 'qlog'"),
        (b'{"file_schema": "actortorrent-trace/9"}\n', "found 'actortorrent-trace/9'"),
        (b'{"file_schema": "actortorrent-trace/1"}\n', "expected a reference_time"),
        (replace(HEADER, node=3).to_line(), "expected node"),  # type: ignore[arg-type]
        (b"{\n", "expected an object of JSON"),
    ],
)
def test_what_is_no_trace_is_refused_at_its_first_line(
    tmp_path: Path, first_line: bytes, why: str
) -> None:
    path = tmp_path / "x"
    path.write_bytes(first_line)
    text = refusal(path)
    assert "line 1: " in text
    assert why in text


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "expected an object"),
        ("[]", "expected an object of JSON"),
        ("{", "expected an object of JSON"),
        ("\udc80", "expected an object of JSON"),
        ("[" * 100_000, "nested too deep"),
        (json.dumps({**LINE, "time": -1}), "number as time"),
        (json.dumps({**LINE, "time": 1.5}), "number as time"),
        (json.dumps({**LINE, "time": True}), "number as time"),
        (json.dumps({**LINE, "time": 10**30}), "number as time"),
        (json.dumps({**LINE, "lc": None}), "number as lc"),
        (json.dumps({**LINE, "name": ""}), "text as name"),
        (json.dumps({**LINE, "actor": "x" * 1000}), "text as actor"),
        (json.dumps({**LINE, "cause": 3}), "text as cause"),
        (json.dumps({**LINE, "data": []}), "object as data"),
        (json.dumps({**LINE, "data": {"x": float("nan")}}), "NaN is no JSON"),
        ('{"time": ' + "9" * 5000 + "}", "expected an object of JSON"),
    ],
)
def test_a_line_that_is_no_event_is_refused_with_its_number(
    tmp_path: Path, line: str, why: str
) -> None:
    raw = line.encode("utf-8", "surrogateescape") + b"\n"
    path = write_trace(tmp_path / "x", EVENTS[:1], tail=raw + EVENTS[1].to_line())
    text = refusal(path)
    assert "line 3: " in text
    assert why in text


def test_data_nested_too_deep_is_refused(tmp_path: Path) -> None:
    data: dict[str, Any] = {}
    for _ in range(reader.MAX_DEPTH + 2):
        data = {"x": [data]}
    path = write_trace(tmp_path / "x", [event("x", "A", 1, **data)])
    assert "nested too deep" in refusal(path)


def test_an_endless_line_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LINE_BYTES", 2000)
    path = write_trace(tmp_path / "x", EVENTS, tail=b"x" * 3000)
    assert "expected at most 2000 bytes" in refusal(path)


@settings(max_examples=200)
@given(tail=st.binary(max_size=200), cut=st.integers(0, 1000))
def test_any_bytes_are_read_or_refused(
    tail: bytes, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed"
    raw = write_trace(path, EVENTS).read_bytes()
    path.write_bytes(raw[: len(raw) - cut] + tail)
    with suppress(InvalidTraceError):
        read(path)
