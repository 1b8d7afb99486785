from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from actortorrent.cli.main import CLOSED_PIPE, run
from actortorrent.cli.traces import telling
from actortorrent.errors import ExitCode
from tests.tracing.traces import event, message, write_trace

UNCHOKE = event("bt:message_received", "Peer-1", 1, ms=1, conn=1, type="unchoke")
PICK = event(
    "actor:decision", "PieceManager", 4, cause="PieceManager#3", ms=3, what="pick", chosen=7
)
WANTS = message("Peer-1", "PieceManager", "wants_work", (2, 3, 5), cause="Peer-1#1", ms=2)
VERIFIED = event("bt:piece_verified", "PieceManager", 6, ms=4, piece=7)
END = event("trace:end", "trace", 1, ms=5, events=4)
IN_FILE = [UNCHOKE, PICK, WANTS, VERIFIED, END]  # a message is written when it is finished


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a short trace."""
    return write_trace(tmp_path / "x.jsonl", IN_FILE)


def shown(capsys: pytest.CaptureFixture[str], file: Path, *options: str) -> list[str]:
    assert run(["trace", "show", str(file), *options]) == ExitCode.DONE
    return capsys.readouterr().out.splitlines()


def refusal(capsys: pytest.CaptureFixture[str], exit_code: int, *arguments: str) -> str:
    assert run(["trace", *arguments]) == exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_events_are_told_in_their_order_below_what_the_trace_is(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, file)
    assert lines[0].startswith("Trace of node ")
    assert lines[3:] == [
        "   0.0010  Peer-1        ⇐ unchoke",
        "   0.0020  Peer-1          → PieceManager  wants_work()",
        "   0.0030  PieceManager      ◆ pick: 7",
        "   0.0040  PieceManager  · piece verified  piece 7",
        "   0.0050  trace         the trace ends, in order, after 4 events",
    ]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--actor", "Peer-1"], 2),
        (["--actor", "peer-*", "--actor", "trace"], 3),
        (["--type", "unchoke"], 1),
        (["--type", "wants_work", "--type", "decision"], 2),
        (["--piece", "7"], 1),
        (["--peer", "1"], 2),
        (["--peer", "Peer-1", "--type", "wants_work"], 1),
    ],
)
def test_filters_leave_what_fits_them(
    file: Path, capsys: pytest.CaptureFixture[str], options: list[str], count: int
) -> None:
    assert len(shown(capsys, file, *options)) == 3 + count
    assert len(shown(capsys, file, *options, "--json")) == count


def test_no_event_that_fits_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, file, "--actor", "Nobody")[3:] == ["(no event fits these filters)"]


def test_a_limit_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, file, "--limit", "2")
    assert lines[5:] == ["(only the first 2 events (--limit))"]
    assert len(shown(capsys, file, "--limit", "2", "--json")) == 2


def test_json_gives_the_events_as_the_file_has_them(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(capsys, file, "--json")
    in_order = [UNCHOKE, WANTS, PICK, VERIFIED, END]
    assert [json.loads(line) for line in lines] == [one.to_json() for one in in_order]


def test_a_killed_process_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gap = event("trace:gap", "trace", 1, lost=3)
    cut = write_trace(tmp_path / "x", [UNCHOKE, gap], tail=b'{"time":')
    assert shown(capsys, cut)[-2:] == [
        "(3 events could not be written, and are missing)",
        "(the last line is cut off: the process was killed, or is still writing)",
    ]
    unended = write_trace(tmp_path / "y", [UNCHOKE])
    assert "the trace has no end" in shown(capsys, unended)[-1]


def test_what_strangers_wrote_cannot_move_the_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\r\n\u202e\udc80"
    events = [
        event("bt:message_received", f"Peer{evil}", 1, type=evil, fields={evil: evil}),
        event(f"x:{evil}", "A", 2, data={evil: [evil, {evil: evil}]}),
        event("actor:decision", "A", 3, what=evil, chosen=evil, candidates=[{evil: evil}]),
        message(evil, evil, evil, (1, 4, 5), args={evil: evil}, status=evil),
    ]
    file = write_trace(tmp_path / "x", events)
    for line in shown(capsys, file):
        assert not set(line) & set("\x1b\x07\r\u202e\udc80")
    for line in shown(capsys, file, "--json"):
        assert line.isascii()
        assert line.isprintable()


def test_colours_appear_on_a_terminal_only(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not any("\x1b" in line for line in shown(capsys, file))
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_args, **_kwargs: False)
    assert any(click.style("⇐ unchoke", fg="green") in line for line in shown(capsys, file))


def test_a_terminal_without_unicode_gets_signs_it_knows(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "prints_unicode", lambda: False)
    lines = shown(capsys, file)
    assert "<= unchoke" in lines[3]
    assert "\n".join(lines).isascii()


def test_what_is_no_trace_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "x.torrent"
    other.write_bytes(b"d8:announce0:e")
    told = refusal(capsys, ExitCode.INVALID_TORRENT, "show", str(other))
    assert "is not a trace of actortorrent: line 1: expected the header" in told
    assert len(told.splitlines()) <= 2


def test_a_file_that_is_not_there_and_a_command_that_is_none_are_usage_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "does not exist" in refusal(capsys, ExitCode.USAGE, "show", str(tmp_path / "x"))
    assert "shwo" in refusal(capsys, ExitCode.USAGE, "shwo")


def test_a_broken_line_in_the_middle_ends_with_its_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_trace(tmp_path / "x", [UNCHOKE], tail=b"nonsense\n" + PICK.to_line())
    assert run(["trace", "show", str(file)]) == ExitCode.INVALID_TORRENT
    assert "line 3: expected an object of JSON" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_goes_away_gets_no_traceback(tmp_path: Path, options: list[str]) -> None:
    many = [event("x", "A", lc, ms=lc, text="x" * 100) for lc in range(1, 5000)]
    file = write_trace(tmp_path / "x", many)
    command = [sys.executable, "-m", "actortorrent", "trace", "show", str(file), *options]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == CLOSED_PIPE
