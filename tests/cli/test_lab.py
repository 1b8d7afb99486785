"""`actortorrent lab` as a process: what it tells, how it ends, that it leaves nothing behind."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from actortorrent.cli.main import cli, run
from actortorrent.errors import ExitCode
from actortorrent.lab import members
from actortorrent.lab.processes import ACTORTORRENT, Running
from actortorrent.tracing.reader import TraceFile
from tests.chance import usually
from tests.peers.needs import need_command, need_module

LAST_FIRST = """
class LastFirst:
    def choose(self, candidates, availability, rng):
        return max(candidates)
"""
PROCESSES = Path("/proc")
SMALL = ("--leechers", "2", "--size", "1M", "--up", "4M")
ENDLESS = ("--leechers", "2", "--size", "1M", "--up", "4K")


def lab(folder: Path, *options: str) -> Running:
    return Running([*ACTORTORRENT, "lab", *options, "-o", folder / "lab"], folder=folder)


def left_in(folder: Path) -> Sequence[str]:
    """Return the command lines of processes that run in a folder."""
    found = []
    for process in PROCESSES.glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                found.append((process / "cmdline").read_text())
        except OSError:  # it ended meanwhile, or is none of ours
            continue
    return found


def wait_until_empty(folder: Path, seconds: float) -> Sequence[str]:
    deadline = time.monotonic() + seconds
    while (left := left_in(folder)) and time.monotonic() < deadline:
        pass
    return left


def test_a_lab_says_what_happened_and_what_to_look_at(tmp_path: Path) -> None:
    with lab(tmp_path, *SMALL) as process:
        process.wait_for_success()
        lines = process.lines
    said = "\n".join(lines)
    assert "all 1,048,576 bytes of 2 copies are the same" in said
    assert "the tracker heard: 3 started, 2 completed, 3 stopped" in said
    assert "leech-1 is complete" in said
    merged = tmp_path / "lab" / "swarm.trace"
    assert f"trace     {merged} (" in said
    assert not list(tmp_path.rglob("*.raw")), "its content is removed"
    assert (tmp_path / "lab" / "report.html").stat().st_size > 10_000
    commands = re.findall(r"actortorrent (trace .*)$", said, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        words = [
            str(tmp_path / word) if "/swarm" in word else word for word in shlex.split(command)
        ]
        shown = CliRunner().invoke(cli, words)
        assert shown.exit_code == 0, shown.output
        assert "no event fits" not in shown.output
        assert len(shown.output.splitlines()) > 3


def test_scripts_get_json_lines(tmp_path: Path) -> None:
    (tmp_path / "my.py").write_text(LAST_FIRST)
    picker = ("--picker", "my.py:LastFirst")
    with lab(tmp_path, *SMALL, "--progress", "json", "--leechers", "1", *picker) as process:
        process.wait_for_success()
        events = [json.loads(line) for line in process.lines]
    done = events[-1]
    assert (events[0]["event"], done["event"]) == ("start", "done")
    assert set(done["traces"]) == {"seed-1", "leech-1"}
    assert all(Path(path).exists() for path in (done["trace"], *done["traces"].values()))
    assert 1 <= len(done["look_at"]) <= 3
    drawn = [event["members"][1]["pieces"] for event in events if event["event"] == "swarm"]
    assert drawn[-1] == "#" * 64
    with TraceFile(Path(done["traces"]["leech-1"])) as trace:
        picked = [e.data["chosen"] for e in trace.events() if e.data.get("what") == "pick_piece"]
    assert picked[:4] == [63, 62, 61, 60], "the picker of the command line"


@pytest.mark.parametrize("client", ["libtorrent", "aria2"])
def test_another_client_takes_part(tmp_path: Path, client: str) -> None:
    if client == "libtorrent":
        need_module(client)
    else:
        need_command("aria2c")
    options = ("--external", client, "--leechers", "1", "--size", "256K", "--up", "2M")
    with lab(tmp_path, *options) as process:
        process.wait_for_success()
        said = "\n".join(process.lines)
    assert "all 262,144 bytes of 2 copies are the same" in said
    assert f"{client} is complete" in said
    merged = str(tmp_path / "lab" / "swarm.trace")
    found = CliRunner().invoke(cli, ["trace", "lint", merged])
    assert found.exit_code == 0, found.output


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="needs /proc to see what is left")
@usually  # it is quick; whether all its processes get the processor at once, is chance
def test_ctrl_c_ends_all_of_it_within_two_seconds(tmp_path: Path) -> None:
    with lab(tmp_path, *ENDLESS) as process:
        process.wait_for_line("^started")
        assert len(left_in(tmp_path / "lab")) >= 4, "a tracker, a seed, two leeches"
        began = time.monotonic()
        process.interrupt()
        assert process.wait(60) == ExitCode.INTERRUPTED
        seconds = time.monotonic() - began
        assert "interrupted" in process.lines[-1]
    assert seconds < 2.5, "two seconds, and a little for a machine that is busy"
    assert left_in(tmp_path / "lab") == []
    assert not list(tmp_path.rglob("*.raw")), "its content is removed"


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="needs /proc to see what is left")
def test_a_lab_that_is_killed_takes_its_swarm_along(tmp_path: Path) -> None:
    with lab(tmp_path, *ENDLESS) as process:
        process.wait_for_line(r"^\[0:0")
        process.kill()
    assert wait_until_empty(tmp_path / "lab", 10) == []


def test_a_disk_that_is_too_small_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    with lab(tmp_path, "--size", "90T", "--piece-length", "64M") as process:
        assert process.wait() == ExitCode.DISK
        assert "not enough space" in process.tail()
        assert "--size" in process.tail()
    assert not (tmp_path / "lab").exists()


def test_a_piece_length_that_is_none_is_told_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lab", "--piece-length", "3", "-o", str(tmp_path / "lab")]) == ExitCode.USAGE
    assert "power of two" in capsys.readouterr().err
    assert not (tmp_path / "lab").exists()


def test_a_folder_that_holds_something_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious").touch()
    assert run(["lab", "-o", str(tmp_path)]) == ExitCode.USAGE
    assert "is not empty" in capsys.readouterr().err


def test_a_client_that_is_not_installed_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(members.shutil, "which", lambda _name: None)
    assert run(["lab", "--external", "aria2", "-o", str(tmp_path / "lab")]) == ExitCode.USAGE
    assert "aria2c is not installed" in capsys.readouterr().err
    assert not (tmp_path / "lab").exists()


def test_a_picker_that_is_none_is_told_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["lab", "--picker", "nothing.py:X", "-o", str(tmp_path / "lab")]) == ExitCode.USAGE
    assert "nothing.py" in capsys.readouterr().err
    assert not (tmp_path / "lab").exists()
