"""What the commands of a chapter print, and what of that is the same in every run.

The lines about the trace itself, which come first in all answers of `trace show`, are left out.

Times, ports, names of connections and the pieces picked by chance differ from run to run;
the *shape* of a line is what is left: which kind of actor, and which message, decision, state
or fact.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from click.testing import CliRunner

from actortorrent.cli.main import cli
from tests.learn.chapters import EXCERPT, WIDTH

OURS = "actortorrent "
SHOW = "actortorrent trace show "
EVENT_ID = re.compile(r"[\w/-]+#\d+")
_LINE = re.compile(
    r"^ *-?\d+\.\d{4}  (?:\S+#\d+ +)?(?:[\w-]+/)?(?P<actor>[A-Za-z]+)[-\d]* +(?P<what>\S .*)$"
)
_HEADER = re.compile(r"^(?:Traces? of|Torrent:|Command:|Matched:|Clocks?:) ")
_FILE = re.compile(r"^[\w-]+(?:/[\w-]+)*\.(?:trace|jsonl|torrent|txt|py)$")
_MANY = re.compile(r"^\d+ (request|block|cancel)s?\b.*")


def environment() -> dict[str, str]:
    """Return an environment in which `actortorrent` is this one, and lines are `WIDTH` long."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "COLUMNS": str(WIDTH), "NO_COLOR": "1"}


def printed_by(command: str, folder: Path) -> str:
    """Return what a command of an excerpt prints in a folder, each line cut off at `WIDTH`."""
    ours, _, piped = command.replace("\\\n", " ").partition(" | ")
    if not ours.startswith(OURS):
        return _cut(_shell(command, "", folder))
    text = _run_ours(ours, folder)
    return _cut(_shell(piped, text, folder) if piped else text)


def renewed(text: str, folder: Path) -> str:
    """Return a chapter with all excerpts as its commands print them in a folder."""

    def renew(found: re.Match[str]) -> str:
        command, mark = found["command"], ""
        if found["event"]:
            mark = f": {found['event']}"
            (trace,) = files_of(command)
            command = EVENT_ID.sub(event_id(found["event"], trace, folder), command)
        head = f"<!-- excerpt{mark} -->\n\n```text\n$ {command}\n"
        return f"{head}{printed_by(command, folder)}```"

    return EXCERPT.sub(renew, text)


def event_id(event: str, trace: str, folder: Path) -> str:
    """Return the id of `first:TYPE:ACTOR`, or of the last, in a trace."""
    which, kind, actor = event.split(":")
    shown = _run_ours(f"{SHOW}{trace} --ids --type {kind} --actor {actor}", folder)
    ids = [line.split()[1] for line in shown.splitlines() if _LINE.match(line)]
    assert ids, f"{trace} has no {event}"
    return ids[0 if which == "first" else -1]


def shapes(lines: Iterable[str]) -> set[str]:
    """Return what is the same in every run of lines that `trace show` printed."""
    found = (_LINE.match(line) for line in lines)
    return {f"{one['actor']} {_shape(one['what'])}" for one in found if one}


def _shape(what: str) -> str:
    sign, words = what[0], what[1:].strip()
    if sign == "→":
        words = words.partition("  ")[2]
    elif sign in "⇐⇒":
        words = _MANY.sub(r"\1s", words)
        words = re.sub(r"^(\w+)\b.*", r"\1", words)
    return f"{sign} {re.sub(r'[(:,].*|  .*| by .*', '', words)}"


def files_of(command: str) -> list[str]:
    """Return the files in which a command looks, as it names them."""
    words = shlex.split(command.replace("\\\n", " ").partition(" | ")[0])
    return [word for word in words if _FILE.match(word)]


def _run_ours(command: str, folder: Path) -> str:
    with contextlib.chdir(folder):
        words = shlex.split(command)[1:]
        runner = CliRunner(env={"COLUMNS": str(WIDTH), "NO_COLOR": "1"})
        result = runner.invoke(cli, words, prog_name="actortorrent")
    assert isinstance(result.exception, SystemExit | None), f"{command}: {result.exception!r}"
    assert result.exit_code in {0, 1}, f"{command}: {result.output}"
    return result.stdout


def _shell(command: str, text: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-c", command],
        input=text,
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, f"{command}: {done.stderr}"
    return done.stdout


def _cut(text: str) -> str:
    lines = (line.rstrip() for line in text.splitlines() if not _HEADER.match(line))
    return "".join(f"{line if len(line) <= WIDTH else line[: WIDTH - 1] + '…'}\n" for line in lines)
