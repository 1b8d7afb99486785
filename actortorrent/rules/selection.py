"""Which files of a torrent are wanted: `1,3-5` and globs -> indexes of files.

People count the files from 1 as `fetch --list` prints them, without padding (BEP 47);
the indexes that come out count from 0 and count the padding too, as the torrent does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import translate

from msgspec import Struct

from actortorrent.errors import MagnetError, UsageError
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.torrent_files import FileEntry

MAX_NUMBER_DIGITS = 9
LIST_HINT = "fetch --list shows the files and their numbers"


class NumberedFile(Struct, frozen=True):
    """Pair a file with its number for people and its index in the torrent."""

    number: int
    index: int
    entry: FileEntry

    @property
    def path(self) -> str:
        """Return the path as it stands in the torrent: made safe neither for disks nor terminals."""
        return "/".join(self.entry.path)


def numbered_files(files: Sequence[FileEntry]) -> tuple[NumberedFile, ...]:
    """Return the files that people see, numbered from 1."""
    visible = ((index, entry) for index, entry in enumerate(files) if not entry.is_padding)
    return tuple(
        NumberedFile(number, index, entry) for number, (index, entry) in enumerate(visible, 1)
    )


def select_files(
    files: Sequence[FileEntry], *, numbers: str = "", globs: Sequence[str] = ()
) -> frozenset[int] | None:
    """Return the indexes of the files that either is true of, or None where nothing is asked.

    Args:
        files: all files of the torrent, in order.
        numbers: such as `1,3-5,8-`.
        globs: such as `*.srt`; compared with each path and each bare name, whatever the
            case. `*` takes slashes too.

    Raises:
        UsageError: if a number is no number of a file, or a glob takes none.
    """
    if not numbers and not globs:
        return None
    numbered = numbered_files(files)
    chosen: set[int] = set()
    for first, last in _ranges(numbers, len(numbered)):
        chosen.update(file.index for file in numbered[first - 1 : last])
    for glob in globs:
        chosen.update(_matching(numbered, glob))
    return frozenset(chosen)


def _ranges(numbers: str, count: int) -> Iterator[tuple[int, int]]:
    for part in numbers.split(",") if numbers else ():
        found = re.fullmatch(r"(\d+)(-(\d*))?", part.strip(), re.ASCII)
        if found is None or len(part) > 2 * MAX_NUMBER_DIGITS:
            raise UsageError(f"expected file numbers such as 1,3-5, found {part!r}", hint=LIST_HINT)
        first = int(found[1])
        last = first if found[2] is None else int(found[3] or count)
        if not 1 <= first <= last <= count:
            raise UsageError(
                f"expected file numbers from 1 to {count}, found {part.strip()}", hint=LIST_HINT
            )
        yield first, last


def _matching(numbered: Sequence[NumberedFile], glob: str) -> list[int]:
    matches = re.compile(translate(glob.casefold())).match
    indexes = [
        file.index
        for file in numbered
        if matches(file.path.casefold()) or matches(file.entry.path[-1].casefold())
    ]
    if not indexes:
        raise UsageError(f"no file matches {glob!r}", hint=LIST_HINT)
    return indexes


def files_of_link(magnet: Magnet, files: Sequence[FileEntry]) -> frozenset[int] | None:
    """Return the indexes of the files that a link selects (BEP 53); None for all.

    Raises:
        MagnetError: if the torrent has none of them.
    """
    selected = magnet.selected_files(len(files))
    if selected is not None and not selected:
        raise MagnetError(
            f"expected file numbers under {len(files)} in the magnet link (so=), found only others",
            hint="choose files with --select, or leave so= out of the link",
        )
    return selected
