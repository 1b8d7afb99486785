"""Make a torrent of a file or a folder: list it, hash it on all cores, write it down.

The same content, name and options make the same bytes, always: files come in the order
of their names, and no date goes in that the caller did not give.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from actortorrent.actors.content_listing import ContentListing, list_content
from actortorrent.actors.disk_errors import storage_error
from actortorrent.actors.folder import Folder
from actortorrent.actors.hashing import Digests, UnreadableFileError, hash_pieces
from actortorrent.errors import StorageError, TrackerError, UsageError
from actortorrent.rules.geometry import FileMap, Geometry
from actortorrent.rules.piece_length import MIN_PIECE_BYTES, automatic_piece_length
from actortorrent.rules.safe_paths import renamed_files
from actortorrent.wire.metainfo import HASH_BYTES, MAX_PIECE_BYTES, MAX_PIECES, Metainfo
from actortorrent.wire.metainfo_writing import build_metainfo
from actortorrent.wire.tracker_urls import parse_tracker_url

__all__ = ["create_torrent", "names_that_change"]

CREATED_BY = "actortorrent"
WEB_SEED_SCHEMES = ("http://", "https://")
OnProgress = Callable[[int, int], object]


def create_torrent(
    path: str | os.PathLike[str],
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    trackers: Sequence[str | Sequence[str]] = (),
    web_seeds: Sequence[str] = (),
    is_private: bool = False,
    comment: str = "",
    piece_length: int | None = None,
    creation_date: int | None = None,
    on_progress: OnProgress | None = None,
) -> Metainfo:
    """Make a torrent of a file or folder, write it to `output`, and return it.

    Args:
        path: the content. Hidden files are part of it; a symbolic link in it is refused.
        output: the .torrent file to write; None writes nothing.
        overwrite: whether `output` may be replaced if it exists.
        trackers: their URLs, each a tier of its own, or a sequence of URLs as one tier.
        web_seeds: http(s) URLs that serve the same content (BEP 19).
        is_private: whether peers may come from these trackers alone (BEP 27).
        comment: free text.
        piece_length: a power of two from 16 KiB to 64 MiB; None chooses by size.
        creation_date: seconds since 1970; None leaves it out.
        on_progress: told (bytes hashed, bytes in all), many times a second, in this thread.

    Raises:
        UsageError: if the content or an option makes no sense, or `output` exists.
        StorageError: if the content cannot be read, or `output` not be written.
    """
    tiers = [_checked_tier(tier) for tier in trackers]
    checked_web_seeds = [_checked_web_seed(url) for url in web_seeds]
    listing = list_content(Path(path))
    target = None if output is None else _checked_output(Path(output), listing, overwrite=overwrite)
    length = checked_piece_length(piece_length, listing.total_length)
    raw = build_metainfo(
        name=listing.name,
        piece_length=length,
        piece_hashes=_hash_content(listing, length, on_progress),
        files=[(file.path.parts, file.length) for file in listing.files],
        is_single_file=listing.is_single_file,
        tracker_tiers=tiers,
        web_seeds=checked_web_seeds,
        is_private=is_private,
        comment=comment,
        created_by=CREATED_BY,
        creation_date=creation_date,
    )
    if target is not None:
        write_torrent(target, raw, overwrite=overwrite)
    return Metainfo.from_bytes(raw)


def names_that_change(metainfo: Metainfo) -> list[tuple[str, str]]:
    """Return (path in the torrent, path when fetched) of the files whose names are not safe.

    Whoever fetches them, and whoever seeds them with this package, has them under the
    second path.
    """
    renamed = renamed_files(metainfo.name, metainfo.files, metainfo.is_single_file)
    return [(original, str(path)) for original, path in renamed]


def _hash_content(
    listing: ContentListing, piece_length: int, on_progress: OnProgress | None
) -> bytes:
    """Return the SHA-1 of every piece, in one string."""
    file_map = FileMap([file.length for file in listing.files])
    geometry = Geometry(file_map.total_length, piece_length)
    with closing(Folder(listing.root)) as folder:
        pieces = hash_pieces(
            geometry,
            file_map,
            lambda index: folder.open(listing.files[index].path, os.O_RDONLY),
            on_progress=on_progress,
        )
        hashes = _join_hashes(pieces, listing)
    changed = _find_changed(listing)
    if changed or len(hashes) != HASH_BYTES * geometry.piece_count:
        raise StorageError(
            f"{changed or listing.root} changed while it was being read",
            hint="make the torrent when nothing writes there any more",
        )
    return hashes


def _join_hashes(pieces: Generator[Digests, None, None], listing: ContentListing) -> bytes:
    """Return the hashes up to the first that could not be made."""
    hashes = bytearray()
    with closing(pieces):
        try:
            for digest in (digest for digests in pieces for _, digest in digests):
                if digest is None:
                    break
                hashes += digest
        except UnreadableFileError as error:
            path = listing.root / listing.files[error.file_index].path
            raise storage_error(error.cause, "cannot read", path) from error
    return bytes(hashes)


def _find_changed(listing: ContentListing) -> Path | None:
    """Return a file that is not any more as it was listed, if there is one."""
    for file in listing.files:
        path = listing.root / file.path
        try:
            now = path.lstat()
        except OSError:
            return path
        if (now.st_size, now.st_mtime_ns) != (file.length, file.modified_ns):
            return path
    return None


def checked_piece_length(piece_length: int | None, total_length: int) -> int:
    """Return the bytes of each piece but the last; None chooses by size.

    Raises:
        UsageError: if it is no power of two from 16 KiB to 64 MiB, or makes too many pieces.
    """
    if piece_length is None:
        piece_length = automatic_piece_length(total_length)
    in_range = MIN_PIECE_BYTES <= piece_length <= MAX_PIECE_BYTES
    if not in_range or piece_length.bit_count() != 1:
        raise UsageError(
            f"expected a piece length that is a power of two from {MIN_PIECE_BYTES} to"
            f" {MAX_PIECE_BYTES} bytes, found {piece_length}"
        )
    piece_count = Geometry(total_length, piece_length).piece_count
    if piece_count > MAX_PIECES:
        raise UsageError(
            f"expected at most {MAX_PIECES} pieces, found {piece_count}",
            hint="choose a larger piece length",
        )
    return piece_length


def _checked_tier(tier: str | Sequence[str]) -> tuple[str, ...]:
    urls = (tier,) if isinstance(tier, str) else tuple(tier)
    for url in urls:
        try:
            parse_tracker_url(url)
        except TrackerError as error:
            raise UsageError(f"tracker {url!r}: {error}") from error
    return urls


def _checked_web_seed(url: str) -> str:
    if not url.startswith(WEB_SEED_SCHEMES) or not url.isprintable() or " " in url:
        raise UsageError(f"expected a web seed by http:// or https://, found {url!r}")
    return url


def _checked_output(output: Path, listing: ContentListing, *, overwrite: bool) -> Path:
    """Return where to write, if we may, and if that is none of the files to hash."""
    if output.exists() and not overwrite:
        raise UsageError(
            f"{output} exists already", hint="choose another name with -o, or give --force"
        )
    if not output.parent.is_dir():
        missing = FileNotFoundError(errno.ENOENT, "no such folder")
        raise storage_error(missing, "cannot write into", output.parent)
    resolved = output.resolve()
    if any(listing.root / file.path == resolved for file in listing.files):
        raise UsageError(
            f"{output} would be both the torrent and part of its content",
            hint="choose a place outside the content with -o",
        )
    return output


def write_torrent(output: Path, raw: bytes, *, overwrite: bool) -> None:
    """Write a new file whole or not at all; one that exists stays unless `overwrite`.

    Raises:
        UsageError: if it exists and is to stay.
        StorageError: if it cannot be written.
    """
    part = output.with_name(f"{output.name}.{os.getpid()}.part") if overwrite else output
    try:
        with part.open("xb") as file:
            _write_whole(file, raw, part)
        if part is not output:
            part.replace(output)
    except FileExistsError as error:
        raise UsageError(f"{part} exists already", hint="choose another name with -o") from error
    except OSError as error:
        raise storage_error(error, "cannot write", output) from error


def _write_whole(file: BinaryIO, raw: bytes, path: Path) -> None:
    try:
        file.write(raw)
        file.flush()
    except BaseException:  # also an interruption
        path.unlink()
        raise
