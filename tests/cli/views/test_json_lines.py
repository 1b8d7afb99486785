"""Scripts read one JSON object a line, whose keys docs/commands.md lists."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actortorrent.cli.failures import Failure
from actortorrent.cli.views.json_lines import SCHEMA, JsonView
from tests.cli.samples import COMPLETE, FETCHING, INTERRUPTED, JOB

DOCUMENT = Path(__file__).parents[3] / "docs" / "commands.md"


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def all_events(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    view = JsonView()
    view.begin(JOB)
    view.learn(JOB)
    view.listening(6881)
    view.show(FETCHING)
    view.notice("a tracker's warning")
    view.end(JOB, COMPLETE)
    view.fail(Failure("the disk is full", "make room", 6))
    return {found["event"]: found for found in objects(capsys)}


def test_the_keys_are_those_that_the_document_lists(capsys: pytest.CaptureFixture[str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    documented: dict[str, set[str]] = {}
    for event, key in rows:
        documented.setdefault(event, set()).add(key)
    shown = {name: set(found) - {"event"} for name, found in all_events(capsys).items()}
    assert documented == shown


def test_the_first_object_says_the_schema_and_what_it_is_about(
    capsys: pytest.CaptureFixture[str],
) -> None:
    JsonView().begin(JOB)
    (start,) = objects(capsys)
    assert list(start)[:2] == ["event", "schema"]
    assert start["schema"] == SCHEMA == "actortorrent-progress/1"
    assert start["content"] == str(JOB.content)


def test_the_port_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    view = JsonView()
    for _ in range(3):
        view.listening(6881)
    assert objects(capsys) == [{"event": "listening", "port": 6881}]


def test_progress_has_the_fields_of_progress(capsys: pytest.CaptureFixture[str]) -> None:
    JsonView().show(FETCHING)
    (shown,) = objects(capsys)
    assert shown["verified_bytes"] == FETCHING.verified_bytes
    assert shown["activity"] == "fetching from 3 peers"
    assert shown["trackers"] == list(FETCHING.trackers)


@pytest.mark.parametrize(("summary", "code"), [(COMPLETE, 0), (INTERRUPTED, 130)])
def test_the_last_object_says_what_came_of_it(
    summary: Any, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    JsonView().end(JOB, summary)
    (done,) = objects(capsys)
    assert done["event"] == "done"
    assert done["exit_code"] == code
    assert done["was_interrupted"] is (code == 130)


def test_an_error_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert all_events(capsys)["error"] == {
        "event": "error",
        "exit_code": 6,
        "message": "the disk is full",
        "hint": "make room",
    }


def test_any_name_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    name = "two\nlines \x1b[2J \u2028 \udce9 日本"
    JsonView().begin(replace(JOB, name=name))
    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out)["name"] == name


def test_what_json_cannot_say_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    JsonView().show(replace(FETCHING, ratio=math.inf, eta_seconds=math.nan))
    (shown,) = objects(capsys)
    assert shown["ratio"] is None
    assert shown["eta_seconds"] is None
