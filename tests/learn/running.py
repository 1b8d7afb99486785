"""Run the scripts of the chapters, as a reader would: in a shell, several at once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.learn.chapters import Chapter
from tests.learn.excerpts import environment

AT_ONCE = 6  # scripts: they mostly wait, since the rates in them are limited
PATIENCE_SECONDS = 50


def run_scripts(chapters: Iterable[Chapter], folder: Path) -> None:
    """Run each script of the chapters once, in one folder; fails if one of them fails."""
    chapters = list(chapters)
    for chapter in chapters:
        for name, text in chapter.files.items():
            (folder / name).write_text(text, "utf-8")
    scripts = dict.fromkeys(script for chapter in chapters for script in chapter.scripts)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda script: run_script(script, folder), scripts):
            pass


def run_script(script: str, folder: Path) -> None:
    """Run one, and end whatever it leaves running."""
    process = subprocess.Popen(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            said, _ = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            _end_group(process.pid)
    assert process.returncode == 0, f"{script}\n{said}"


def _end_group(group: int) -> None:
    with suppress(ProcessLookupError):  # all have ended
        os.killpg(group, signal.SIGKILL)
