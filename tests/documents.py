"""What the documents show, taken from the command itself: `python -m tests.documents` renews it.

A document marks a place with `<!-- help of: fetch -->`; the box behind it holds what
`actortorrent fetch --help` prints.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from actortorrent.cli.features import markdown_table
from actortorrent.cli.main import cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
HELP_WIDTH = 90

_HELP_PLACE = re.compile(r"<!-- help of: ([a-z ]+) -->\n(?:\n```text\n.*?```\n)?", re.DOTALL)
_FEATURES_PLACE = re.compile(r"(<!-- features -->\n)(?:\n(?:\|.*\n)*\n)?")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND_LINE = re.compile(
    r"^(?:\$ )?(?:\S+=\S+ )*(?:python3? -m )?(actortorrent .*)$", re.MULTILINE
)


def help_of(words: str) -> str:
    """Return what `actortorrent WORDS --help` prints on a terminal of `HELP_WIDTH`."""
    result = CliRunner().invoke(
        cli,
        [*words.split(), "--help"],
        prog_name="actortorrent",
        terminal_width=HELP_WIDTH,
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    return result.output


def with_help(text: str) -> str:
    """Return a document with all boxes of help as they should be."""
    return _HELP_PLACE.sub(
        lambda found: f"<!-- help of: {found[1]} -->\n\n```text\n{help_of(found[1])}```\n", text
    )


def with_features(text: str) -> str:
    """Return a document with the table of features as it should be."""
    return _FEATURES_PLACE.sub(lambda found: f"{found[1]}\n{markdown_table()}\n\n", text)


def blocks(text: str, language: str) -> list[str]:
    """Return the insides of a document's boxes of one language."""
    return [inside for found, inside in _BLOCK.findall(text) if found == language]


def command_lines(text: str) -> list[list[str]]:
    """Return the words of each `actortorrent ...` line in a document's boxes, but for pipes."""
    shown = "\n".join(inside for _, inside in _BLOCK.findall(text))
    joined = shown.replace("\\\n", " ")
    return [
        shlex.split(line.split(" | ")[0], comments=True)[1:]
        for line in _COMMAND_LINE.findall(joined)
    ]


def problems_of(words: list[str]) -> Iterator[str]:
    """Yield what is wrong with a command line: a command or an option that does not exist."""
    context = click.Context(cli, info_name="actortorrent")
    command: click.Command = cli
    rest = list(words)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest.pop(0))
        if found is None:
            yield f"no such command: actortorrent {' '.join(words)}"
            return
        command = found
    known = {name for parameter in command.get_params(context) for name in parameter.opts}
    for word in rest:
        name = word.partition("=")[0]
        if word.startswith("-") and name not in known:
            yield f"no such option: {name} of actortorrent {' '.join(words)}"


def renew() -> None:
    """Write into the documents what the command prints now."""
    for path in DOCUMENTS:
        text = path.read_text("utf-8")
        if (new := with_features(with_help(text))) != text:
            path.write_text(new, "utf-8")
            print(f"renewed {path}")


if __name__ == "__main__":
    renew()
