"""Where the files of a torrent may lie: names from a stranger -> paths inside the output folder.

Every path that comes out is relative and made of safe names alone (`safe_names.py`);
no two are the same file, also where case or Unicode composition does not count; and
none is a file where another needs a folder. Names are mended rather than refused, the
same way each time, so that the content can be fetched and found again. Paths that
need no mending come out as they are.

Links that already lie on the disk are no matter of names: whoever opens the files
must not follow them.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from actortorrent.rules.safe_names import (
    MAX_NAME_BYTES,
    comparable,
    safe_name,
    shorten,
    split_extension,
)
from actortorrent.wire.torrent_files import FileEntry

MAX_FOLDERS_BYTES = 768  # of all folders of a path together
MAX_PATH_BYTES = MAX_FOLDERS_BYTES + 1 + MAX_NAME_BYTES  # leaves the output folder 3 KiB on Linux
_NUMBER_BYTES = 12  # for the " (2)" behind a name that another has already
_IGNORED_NAMES = frozenset({"", ".", ".."})


def safe_paths(
    metainfo_name: str,
    files: Sequence[FileEntry],
    is_single_file: bool,
    *,
    for_windows: bool = False,
) -> tuple[PurePosixPath | None, ...]:
    """Return each file's path below the output folder, in order; None for padding.

    A multi-file torrent's paths begin with its name, a single file's path is its name.
    """
    folder = () if is_single_file else (_safe_root(metainfo_name, for_windows),)
    wanted = [
        None if entry.is_padding else folder + _safe_parts(entry.path, for_windows)
        for entry in files
    ]
    paths = _Paths([_within_bounds(parts) for parts in wanted if parts])
    chosen = iter(paths.all_different())
    return tuple(PurePosixPath(next(chosen)) if parts else None for parts in wanted)


def renamed_files(
    metainfo_name: str, files: Sequence[FileEntry], is_single_file: bool
) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield (path as in the torrent, safe path) of each file whose names had to be mended."""
    folder = "" if is_single_file else f"{metainfo_name}/"
    safe = safe_paths(metainfo_name, files, is_single_file)
    for entry, path in zip(files, safe, strict=True):
        original = folder + "/".join(entry.path)
        if path is not None and str(path) != original:
            yield original, path


def _safe_root(name: str, for_windows: bool) -> str:
    return safe_name("_" if name in _IGNORED_NAMES else name, for_windows=for_windows)


def _safe_parts(path: tuple[str, ...], for_windows: bool) -> tuple[str, ...]:
    """Return a file's safe names; `.` and `..` lead nowhere and are left out."""
    names = [name for name in path if name not in _IGNORED_NAMES] or ["_"]
    return tuple(safe_name(name, for_windows=for_windows) for name in names)


def _within_bounds(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return a path of bearable length: too much of folders becomes one, named by their hash."""
    folders = "/".join(parts[:-1]).encode()
    if len(folders) <= MAX_FOLDERS_BYTES:
        return parts
    digest = hashlib.sha1(folders, usedforsecurity=False).hexdigest()
    return (parts[0], f"long-path-{digest}", parts[-1])


class _Paths:
    """Choose a path for each file so that all can exist side by side.

    Invariant: `_taken` has the comparable form of every path chosen so far; no path
    is chosen that is in it, or that is a folder of any path wanted. To choose only
    changes a file's own name, so the folders stay what they are.
    """

    def __init__(self, wanted: Sequence[tuple[str, ...]]) -> None:
        self._wanted = ["/".join(parts) for parts in wanted]
        self._sorted_forms = sorted(map(comparable, self._wanted))
        self._taken: set[str] = set()
        self._next_numbers: dict[str, int] = {}

    def all_different(self) -> list[str]:
        """Return one path for each wanted, in order; who comes first keeps the name."""
        keeps = [self._take(path) for path in self._wanted]
        return [
            path if is_kept else self._renamed(path)
            for path, is_kept in zip(self._wanted, keeps, strict=True)
        ]

    def _take(self, path: str) -> bool:
        """Take a path unless another file or a folder has it; say whether."""
        form = comparable(path)
        if form in self._taken or self._is_folder(form):
            return False
        self._taken.add(form)
        return True

    def _is_folder(self, form: str) -> bool:
        """Say whether any file lies below: in order, it would come right behind `form/`."""
        below = f"{form}/"
        index = bisect_left(self._sorted_forms, below)
        return index < len(self._sorted_forms) and self._sorted_forms[index].startswith(below)

    def _renamed(self, path: str) -> str:
        """Return the path with the first free number behind its name.

        The number is counted for what remains of the name when there is room for any
        number, so that thousands of files of one name need no second look.
        """
        folder, slash, name = path.rpartition("/")
        stem, extension = split_extension(shorten(name, MAX_NAME_BYTES - _NUMBER_BYTES))
        counted = comparable(f"{folder}{slash}{stem}/{extension}")
        while True:
            number = self._next_numbers.get(counted, 2)
            self._next_numbers[counted] = number + 1
            candidate = f"{folder}{slash}{stem} ({number}){extension}"
            if self._take(candidate):
                return candidate
