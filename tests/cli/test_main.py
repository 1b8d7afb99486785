"""The command starts at once, and tells every error in one line with its exit code."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from actortorrent.cli import main as main_module
from actortorrent.cli.main import COMMANDS, Commands, cli, run
from actortorrent.errors import (
    ActorTorrentError,
    ContentMismatchError,
    ExitCode,
    InvalidTorrentError,
    NoProgressError,
    StorageError,
    TrackersRefusedError,
    UsageError,
)
from actortorrent.version import VERSION
from tests.conftest import ContentMaker

HEAVY = (
    "msgspec",
    "pykka",
    "requests",
    "rich",
    "bencodepy",
    "actortorrent.session",
    "actortorrent.actors",
)
SELDOM = (
    "requests",
    "rich",
    "tempfile",
    "actortorrent.actors.port_mapping",
    "actortorrent.actors.tracker",
    "actortorrent.actors.trace_writer",
    "actortorrent.tracing.header",
)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Return a function that makes `actortorrent fetch` raise what it is given."""
    error: list[BaseException] = []

    @click.command
    @click.option("-v", is_flag=True, expose_value=False, callback=_remember)
    def fetch() -> None:
        raise error[0]

    monkeypatch.setattr(Commands, "get_command", lambda *_: fetch)
    return error.append


def _remember(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    ctx.obj.is_verbose = value


def command(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with these in its environment."""
    return subprocess.run(
        [sys.executable, "-m", "actortorrent", *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_version_says_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == ExitCode.DONE
    assert capsys.readouterr().out == f"actortorrent {VERSION}\n"


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], []])
def test_version_and_help_import_nothing_that_takes_long(arguments: list[str]) -> None:
    script = (
        "import sys; from actortorrent.cli.main import run; run(sys.argv[1:]);"
        f"print('heavy:', [m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.endswith("heavy: []\n")


@pytest.mark.parametrize("name", ["fetch", "seed"])
def test_what_only_some_sessions_need_is_not_imported_for_all(name: str) -> None:
    assert imported_with(f"actortorrent.cli.{name}", SELDOM) == "[]\n"


@pytest.mark.parametrize("name", ["create", "show", "verify"])
def test_to_hash_and_to_show_needs_no_structs_whose_library_takes_long_to_import(name: str) -> None:
    assert imported_with(f"actortorrent.cli.{name}", ("msgspec",)) == "[]\n"


def test_calls_to_trackers_import_the_libraries_for_http_only_when_one_speaks_http() -> None:
    assert imported_with("actortorrent.actors.tracker_calls", ("requests", "urllib3")) == "[]\n"


def imported_with(module: str, those: tuple[str, ...]) -> str:
    """Import a module in a process of its own; return which of those came with it."""
    script = f"import sys, {module}; print([m for m in {those} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == ExitCode.DONE
    assert "Commands:\n  fetch " in capsys.readouterr().out


def test_a_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trace"]) == ExitCode.DONE
    captured = capsys.readouterr()
    assert "Commands:\n  show " in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_is_named_like_its_module_and_described_as_in_the_list(name: str) -> None:
    found = cli.get_command(click.Context(cli), name)
    assert found is getattr(importlib.import_module(f"actortorrent.cli.{name}"), name)
    assert found is not None
    assert found.help


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("expected a port, found 'x'"), 2),
        (InvalidTorrentError("expected a dictionary, found a list"), 3),
        (NoProgressError("nothing came for 5 s"), 4),
        (TrackersRefusedError("every tracker refused"), 5),
        (StorageError("the disk is full"), 6),
        (ContentMismatchError("2 of 10 pieces are wrong"), 7),
        (PermissionError(13, "Permission denied", "/root/x"), 6),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(
    error: Exception,
    code: int,
    failing: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(error)
    assert run(["fetch"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("actortorrent: ")
    assert captured.err.count("\n") == 1


def test_a_hint_stands_below_the_error(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(StorageError("the disk is full", hint="make room, then run it again"))
    run(["fetch"])
    assert capsys.readouterr().err == (
        "actortorrent: the disk is full\n  make room, then run it again\n"
    )


def test_an_error_with_text_of_strangers_steers_no_terminal(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(InvalidTorrentError("found \x1b[2J and\na new line"))
    run(["fetch"])
    assert capsys.readouterr().err == "actortorrent: found \\x1b[2J and a new line\n"


@pytest.mark.parametrize("error", [ZeroDivisionError("oops"), ActorTorrentError("Storage failed")])
def test_a_bug_is_one_line_and_a_file_for_the_report(
    error: Exception,
    failing: Callable[[BaseException], None],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    failing(error)
    assert run(["fetch"]) == ExitCode.BUG
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("actortorrent: this is a bug, please report it: ")
    (report,) = tmp_path.iterdir()
    assert str(report) in lines[1]
    assert f"actortorrent {VERSION}" in report.read_text("utf-8")
    assert f"{type(error).__name__}: {error}" in report.read_text("utf-8")


def test_verbose_shows_where_it_happened(
    failing: Callable[[BaseException], None], capsys: pytest.CaptureFixture[str]
) -> None:
    failing(ZeroDivisionError("oops"))
    assert run(["fetch", "-v"]) == ExitCode.BUG
    assert "Traceback (most recent call last):" in capsys.readouterr().err


def test_ctrl_c_before_a_session_runs_is_130(failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())
    assert run(["fetch"]) == ExitCode.INTERRUPTED


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["fetsch"], "no command 'fetsch'; did you mean fetch?"),
        (["a.torrent"], "no command 'a.torrent'; to fetch it: actortorrent fetch a.torrent"),
        (["qqq"], "no command 'qqq'"),
        (["--nonsense"], "no such option '--nonsense'"),
        (["fetch"], "missing argument 'SOURCE'"),
        (["fetch", "--up", "0", "a.torrent"], "for no limit leave it out"),
        (["fetch", "--seed-ratio", "0", "a.torrent"], "expected a number above 0, found 0"),
        (["fetch", "--seed-time", "nan", "a.torrent"], "expected a number above 0, found nan"),
        (["fetch", "--port", "65536", "a.torrent"], "invalid value for '--port'"),
        (["fetch", "--select", "", "a.torrent"], "expected file numbers such as 1,3-5, found none"),
    ],
)
def test_a_wrong_command_line_is_exit_code_2_and_says_what_is_right(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == ExitCode.USAGE
    lines = capsys.readouterr().err.splitlines()
    assert said in lines[0]
    assert lines[1].endswith("--help shows what it takes")
    assert len(lines) == 2


def test_python_m_runs_the_command() -> None:
    done = command("--version")
    assert (done.returncode, done.stdout) == (0, f"actortorrent {VERSION}\n")


def test_a_reader_that_goes_away_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)  # nobody will ever read
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "actortorrent", "--help"],
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.stderr == ""
    assert done.returncode == main_module.CLOSED_PIPE


def test_a_terminal_without_unicode_gets_escapes_instead_of_a_traceback() -> None:
    done = command("fetch", "日本.torrent", PYTHONIOENCODING="latin-1")
    assert done.returncode == ExitCode.INVALID_TORRENT
    assert "cannot read \\u65e5\\u672c.torrent" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_complete(shell: str) -> None:
    done = command(_ACTORTORRENT_COMPLETE=f"{shell}_source")
    assert done.returncode == 0
    assert "_ACTORTORRENT_COMPLETE" in done.stdout


def test_commands_and_options_are_completed() -> None:
    words = {"COMP_WORDS": "actortorrent fetch --sele", "COMP_CWORD": "2"}
    done = command(_ACTORTORRENT_COMPLETE="bash_complete", **words)
    assert done.stdout == "plain,--select\n"


@pytest.mark.parametrize("arguments", ["show {0}", "verify {0} {1}", "--version"])
def test_an_output_that_was_closed_is_no_error(arguments: str, content_maker: ContentMaker) -> None:
    content = content_maker(1000)
    words = arguments.format(content.torrent, content.folder)
    line = f"{sys.executable} -m actortorrent {words} >&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (ExitCode.DONE, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_an_output_on_a_full_disk_is_one_line_and_exit_code_6(content_maker: ContentMaker) -> None:
    torrent = content_maker(1000).torrent
    line = f"{sys.executable} -m actortorrent show {torrent} > /dev/full"
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        ["sh", "-c", line], env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == ExitCode.DISK
    assert done.stderr == "actortorrent: cannot print any more: no space is left there\n"


def test_a_name_that_the_system_cannot_write_is_one_line_and_a_hint(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    torrent = content_maker({"a.txt": 10}, name="🎉").torrent
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = command("fetch", str(torrent), "-o", str(tmp_path), "--no-trackers", **locale)
    assert done.returncode == ExitCode.DISK
    assert done.stderr.startswith("actortorrent: this system writes names in ascii")
    assert done.stderr.splitlines()[1].startswith("  choose a locale with UTF-8")


@pytest.mark.parametrize("command", [["show"], ["verify", "."], ["seed", "."]])
def test_a_link_too_long_for_a_path_is_still_known_as_a_link(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    link = f"magnet:?xt=urn:btih:{40 * 'a'}&dn={5000 * 'x'}"
    name, *folder = command
    order = [*folder, link] if name == "seed" else [link, *folder]
    assert run([name, *order]) == ExitCode.INVALID_TORRENT
    assert "expected a .torrent file, found a magnet link" in capsys.readouterr().err
