"""The chapters of docs/learn, and the marks in them by which they are made and checked.

==============================  ===========================================================
`<!-- run -->`                  the `sh` box behind it is a script: what a reader types to
                                make the traces of the chapter. Several chapters may have the
                                same one; it is run once.
`<!-- file: my.py -->`          the `python` box behind it is a file that scripts find.
`<!-- excerpt -->`              the `text` box behind it begins with a line `$ command`; the
                                rest is what that prints, cut off at `WIDTH`.
`<!-- excerpt: EVENT -->`       the same; an event's id in the command is that of EVENT.
`<!-- picture: T#FRAGMENT -->`  the image behind it is the report of the trace `T` (or of
                                several, `T,U`), opened at this fragment; `event=EVENT` is an event, and `around=N` shows
                                N events before and after it.
==============================  ===========================================================

EVENT is `first:TYPE:ACTOR` or `last:TYPE:ACTOR`, by what `trace show --type TYPE --actor ACTOR`
shows: ids are others in each run.

Commands are run in a folder in which all scripts ran. `docs/learn/traces` is such a folder,
made by `python -m tests.learn --record` and kept: the excerpts are of it. The tests make
another one, and look whether what the chapters say is true there, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.documents import ROOT

COURSE = ROOT / "docs" / "learn"
TRACES = COURSE / "traces"
WIDTH = 100  # characters of a line of an excerpt

_RUN = re.compile(r"<!-- run -->\n\n```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"<!-- file: ([\w.]+) -->\n\n```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXCERPT = re.compile(
    r"^<!-- excerpt(?:: (?P<event>\S+))? -->\n\n```text\n\$ (?P<command>(?:[^\n]*\\\n)*[^\n]*)\n(?P<printed>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
_PICTURE = re.compile(r"<!-- picture: ([^#\s]+)#(\S*) -->\n\n!\[([^\]]+)\]\(([^)\s]+)\)")
_ANSWER = re.compile(
    r"<details markdown=\"1\">\n<summary>[^<]+</summary>\n\n(.*?)\n\n</details>", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Name a command of a chapter, and what the chapter says that it prints."""

    command: str
    printed: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Say of which trace and which view a picture is, and where it is kept."""

    trace: str
    fragment: str
    alt: str
    path: Path


@dataclass(frozen=True, slots=True)
class Chapter:
    """Hold one chapter."""

    path: Path
    text: str

    @property
    def scripts(self) -> list[str]:
        """Return what a reader types to make the chapter's traces."""
        return _RUN.findall(self.text)

    @property
    def files(self) -> dict[str, str]:
        """Return files that scripts need, by name."""
        return dict(_FILE.findall(self.text))

    @property
    def excerpts(self) -> list[Excerpt]:
        """Return commands and what they print."""
        return [Excerpt(one["command"], one["printed"]) for one in EXCERPT.finditer(self.text)]

    @property
    def pictures(self) -> list[Picture]:
        """Return the pictures of the report."""
        found = _PICTURE.findall(self.text)
        return [
            Picture(trace, fragment, alt, COURSE / to_file)
            for trace, fragment, alt, to_file in found
        ]

    @property
    def questions(self) -> list[tuple[str, str]]:
        """Return questions with their answers."""
        section = self.text.partition("\n## Questions\n")[2]
        asked = [part.rpartition("</details>")[2].strip() for part in section.split("<details")]
        return list(zip(asked, _ANSWER.findall(section), strict=False))


def chapters() -> list[Chapter]:
    """Return all chapters in their order."""
    return [
        Chapter(path, path.read_text("utf-8")) for path in sorted(COURSE.glob("[0-9][0-9]-*.md"))
    ]
