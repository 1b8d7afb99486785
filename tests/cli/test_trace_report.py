from __future__ import annotations

import json
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from tests.tracing.traces import event, write_trace

VERIFIED = event("bt:piece_verified", "PieceManager", 6, ms=4, piece=7)


def test_the_page_is_called_as_the_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = write_trace(tmp_path / "fetch.jsonl", [VERIFIED])
    assert run(["trace", "report", str(trace)]) == ExitCode.DONE
    page = tmp_path / "fetch.html"
    assert page.read_text("utf-8").startswith("<!doctype html>")
    told = capsys.readouterr().out
    assert "1 event of" in told
    assert f"report    {page} (" in told


def test_what_was_made_can_be_told_to_a_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = write_trace(tmp_path / "fetch.jsonl", [VERIFIED])
    page = tmp_path / "page.html"
    assert run(["trace", "report", str(trace), "-o", str(page), "--json"]) == ExitCode.DONE
    told = json.loads(capsys.readouterr().out)
    assert (told["page"], told["events"], told["shown"]) == (str(page), 1, 1)
    assert told["remarks"] == ["The trace has no end: the process was killed, or still writes."]


def test_what_is_no_trace_makes_no_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Ada")
    assert run(["trace", "report", str(letter)]) == ExitCode.INVALID_TORRENT
    assert "not a trace" in capsys.readouterr().err
    assert not (tmp_path / "letter.html").exists()
