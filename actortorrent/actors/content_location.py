"""Where the content of a torrent lies, or will lie: folder and paths.

`fetch` puts it under the output folder, by the torrent's names made safe. `seed` and
`verify` are given content that may be elsewhere: a folder that holds it, or its own
root, whatever that is called. Which of them it is, the sizes of the files say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from actortorrent.actors.content_layout import OUR_FOLDER, ContentLayout, lay_out
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.folder import Folder
from actortorrent.errors import StorageError
from actortorrent.rules.safe_paths import renamed_files, safe_paths
from actortorrent.wire.metainfo import Metainfo

Paths = tuple[PurePosixPath | None, ...]


@dataclass(frozen=True, slots=True)
class ContentLocation:
    """Say where content was found.

    Attributes:
        output: the folder under which `paths` lie, absolute.
        paths: one a file; None for padding.
        root: the content's own file or folder, for people.
        missing: paths under `output` of files that are not there, or cannot be used.
        wrong_size: of those that are there, but not of the size the torrent says.
        file_count: files in all, without padding.
    """

    output: Path
    paths: Paths = field(repr=False)
    root: Path
    missing: tuple[str, ...]
    wrong_size: tuple[str, ...]
    file_count: int

    @property
    def is_whole(self) -> bool:
        """Say whether all files are there, of the right size."""
        return not self.missing and not self.wrong_size

    @property
    def description(self) -> str:
        """Say in one line where the content is, and how much of it is there."""
        bad = len(self.missing) + len(self.wrong_size)
        if self.file_count == 1:
            found = f"the file has {'another' if bad else 'the right'} size"
        elif not bad:
            found = f"all {self.file_count} files have the right size"
        else:
            found = f"{self.file_count - bad} of {self.file_count} files have the right size"
        return f"content is in {self.root}: {found}"


def expected_paths(metainfo: Metainfo) -> Paths:
    """Return each file's path under the output folder; None for padding.

    No torrent may put its files in place of our own.
    """
    paths = safe_paths(
        metainfo.name, metainfo.files, metainfo.is_single_file, for_windows=os.name == "nt"
    )
    return tuple(
        PurePosixPath(f"_{path}") if path and path.parts[0].casefold() == OUR_FOLDER else path
        for path in paths
    )


def locate_content(metainfo: Metainfo, directory: Path) -> ContentLocation:
    """Find content in a folder: in the folder that holds it, or in its own root.

    For a torrent of one file, `directory` may also be that file.

    Raises:
        StorageError: if there is nothing at `directory`.
    """
    try:
        given = directory.resolve(strict=True)
    except OSError as error:
        raise storage_error(error, "cannot find the content in", directory) from error
    if not given.is_dir():
        return _locate_file(metainfo, given)
    paths = expected_paths(metainfo)
    inside = _look(metainfo, given, paths, _root_of(given, paths))
    if inside.is_whole or metainfo.is_single_file or not given.name:
        return inside
    renamed = tuple(path and PurePosixPath(given.name, *path.parts[1:]) for path in paths)
    itself = _look(metainfo, given.parent, renamed, given)
    return itself if _rightness(itself) > _rightness(inside) else inside


def lay_out_content(
    metainfo: Metainfo,
    output: Path,
    paths: Sequence[PurePosixPath | None],
    selected: frozenset[int] | None,
) -> ContentLayout:
    """Return the layout of content under `output`; unselected files count only if they exist."""
    exists = [True] * len(paths)
    if selected is not None:
        folder = Folder(output)
        for index, path in enumerate(paths):
            exists[index] = path is not None and _size(folder, path) is not None
        folder.close()
    return lay_out(metainfo, output, paths, selected, exists)


def _locate_file(metainfo: Metainfo, given: Path) -> ContentLocation:
    if not metainfo.is_single_file:
        raise StorageError(
            f"expected a folder, since the torrent has {len(metainfo.files)} files; found the file {given}"
        )
    return _look(metainfo, given.parent, (PurePosixPath(given.name),), given)


def _root_of(output: Path, paths: Paths) -> Path:
    first = next((path.parts[0] for path in paths if path is not None), "")
    return output / first


def _look(metainfo: Metainfo, output: Path, paths: Paths, root: Path) -> ContentLocation:
    folder = Folder(output)
    found = _with_original_names(metainfo, folder, paths)
    missing, wrong_size = [], []
    for entry, path in zip(metainfo.files, found, strict=True):
        if path is not None:
            size = _size(folder, path)
            if size is None:
                missing.append(str(path))
            elif size != entry.length:
                wrong_size.append(str(path))
    folder.close()
    count = sum(path is not None for path in found)
    return ContentLocation(output, found, root, tuple(missing), tuple(wrong_size), count)


def _with_original_names(metainfo: Metainfo, folder: Folder, paths: Paths) -> Paths:
    """Put a file's name in the torrent in place of the safe one, where that is on the disk.

    Content that was not fetched by us may well have a name that we would have changed.
    """
    originals = {
        safe: PurePosixPath(*original.split("/"))
        for original, safe in renamed_files(metainfo.name, metainfo.files, metainfo.is_single_file)
        if _is_harmless(original)
    }
    if not originals:
        return paths
    return tuple(
        _there(folder, path, originals.get(expected)) if path and expected else path
        for path, expected in zip(paths, expected_paths(metainfo), strict=True)
    )


def _there(folder: Folder, path: PurePosixPath, original: PurePosixPath | None) -> PurePosixPath:
    """Return the original's names below the same root, if only these are on the disk."""
    if original is None or _size(folder, path) is not None:
        return path
    renamed = PurePosixPath(path.parts[0], *original.parts[1:]) if path.parts[1:] else original
    return path if _size(folder, renamed) is None else renamed


def _is_harmless(original: str) -> bool:
    """Say whether a name can be looked for: opening follows no links, and must not climb."""
    parts = original.split("/")
    return "\0" not in original and all(part not in ("", ".", "..") for part in parts)


def _size(folder: Folder, path: PurePosixPath) -> int | None:
    try:
        found = folder.stat(path)
    except (OSError, ValueError):
        return None
    return None if found is None else found.st_size


def _rightness(location: ContentLocation) -> tuple[int, int]:
    return -len(location.missing) - len(location.wrong_size), -len(location.missing)
