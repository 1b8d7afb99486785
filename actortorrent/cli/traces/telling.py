"""What the commands that read traces share: colours, signs, and how JSON is printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from actortorrent.cli.text import safe_text
from actortorrent.tracing.show import ASCII_SIGNS, Line, Part, Signs

TRACE_PATH = click.Path(exists=True, dir_okay=False, path_type=Path)
OUT_PATH = click.Path(dir_okay=False, path_type=Path)
STYLES: Mapping[str, dict[str, Any]] = {
    "time": {"dim": True},
    "actor": {"fg": "cyan"},
    "arrow": {"dim": True},
    "message": {"bold": True},
    "received": {"fg": "green"},
    "sent": {"fg": "blue"},
    "decision": {"fg": "magenta", "bold": True},
    "timer": {"fg": "yellow"},
    "trouble": {"fg": "red", "bold": True},
    "heading": {"bold": True},
    "quiet": {"dim": True},
}


def coloured(line: Line) -> str:
    """Return a line, made harmless, in colours: click takes them off where there is no terminal."""
    parts = (click.style(safe_text(text), **STYLES.get(role, {})) for role, text in line)
    return "".join(parts).rstrip()


def remark(text: str) -> str:
    """Return a line about the output itself."""
    return coloured((Part("quiet", f"({text})"),))


def print_lines(lines: Iterable[Line]) -> None:
    """Print lines, harmless and in colours."""
    for line in lines:
        click.echo(coloured(line))


def print_json(value: object) -> None:
    """Print one value as JSON, in ASCII, on one line."""
    click.echo(json.dumps(value, separators=(",", ":"), allow_nan=False))


def signs() -> Signs:
    """Return the signs that this terminal can show."""
    return Signs() if prints_unicode() else ASCII_SIGNS


def prints_unicode() -> bool:
    """Say whether stdout takes the signs of a trace."""
    try:
        "→⇐◆⏱".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
