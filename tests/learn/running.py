"""Run the scripts of the chapters, as a reader would: in a shell, several at once."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.chance import Fixtures, Test, tried_again
from tests.learn.chapters import Chapter, chapters
from tests.learn.excerpts import environment

AT_ONCE = 6  # scripts: they mostly wait, since the rates in them are limited
PATIENCE_SECONDS = 200  # for what takes 10 where nothing is wrong


def in_most_runs_of(number: int) -> Callable[[Test], Test]:
    """Return a decorator for what a chapter says of nearly every run, though of none for certain.

    If it is not so in the folder `fresh`, the scripts of that chapter are run again.
    """

    def renewed(fixtures: Fixtures, turn: int) -> Fixtures:
        if turn == 1:
            return fixtures
        folder = Path(tempfile.mkdtemp())
        run_scripts([chapters()[number - 1]], folder)
        return {**fixtures, "fresh": folder}

    return tried_again(renewed)


def run_scripts(of: Iterable[Chapter], folder: Path) -> None:
    """Run each script of some chapters once, in one folder; fails if one of them fails."""
    of = list(of)
    for chapter in of:
        for name, text in chapter.files.items():
            (folder / name).write_text(text, "utf-8")
    scripts = dict.fromkeys(script for chapter in of for script in chapter.scripts)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda script: run_script(script, folder), scripts):
            pass


def run_script(script: str, folder: Path) -> None:
    """Run one, and end whatever it leaves running."""
    with tempfile.TemporaryFile("w+") as said:  # what it leaves running would keep a pipe open
        process = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail", "-c", script],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with process:
            try:
                code = process.wait(PATIENCE_SECONDS)
            finally:
                _end_group(process.pid)
        said.seek(0)
        assert code == 0, f"{script}\n{said.read()}"


def _end_group(group: int) -> None:
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(group, signal.SIGKILL)
