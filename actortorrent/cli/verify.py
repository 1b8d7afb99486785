"""`actortorrent verify`: compare files on disk with their torrent."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from actortorrent.cli.arguments import check_order
from actortorrent.cli.grouped import GroupedCommand, option
from actortorrent.cli.text import format_share, format_size, plural, safe_text
from actortorrent.errors import ExitCode
from actortorrent.loading import load_torrent
from actortorrent.verifying import FileState, FileVerdict, Verification, verify_content

OUTPUT = "What is shown"
EXAMPLES = (
    ("check what was fetched into this folder", "actortorrent verify debian.torrent ."),
    ("the content's own folder will do as well", "actortorrent verify show.torrent ~/videos/show"),
    ("for a script", "actortorrent verify a.torrent . --json | jq .bad_pieces"),
)


@click.command(cls=GroupedCommand, examples=EXAMPLES)
@click.argument("source", metavar="TORRENT", type=click.Path())
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@option("--json", "as_json", is_flag=True, group=OUTPUT, help="Print one JSON object.")
@option("-q", "--quiet", is_flag=True, group=OUTPUT, help="Print nothing: the exit code tells.")
def verify(source: str, directory: Path, as_json: bool, quiet: bool) -> int:
    """Compare the content in DIR with what TORRENT, a .torrent file, describes.

    Every byte is read and nothing is changed. DIR is the folder that holds the content, or
    the content's own folder or file. Exits with 0 if all is right, with 7 if it is not.
    """
    check_order("verify TORRENT DIR", source, directory)
    metainfo = load_torrent(source)
    shows_progress = sys.stderr.isatty() and not as_json and not quiet
    found = verify_content(
        metainfo, directory, on_progress=_show_progress if shows_progress else None
    )
    if as_json:
        import json  # noqa: PLC0415 - seldom needed

        click.echo(json.dumps(_as_json(found), indent=2))
    elif not quiet:
        for line in _lines(found):
            click.echo(line)
    return ExitCode.DONE if found.is_right else ExitCode.CONTENT_MISMATCH


def _show_progress(done_bytes: int, total_bytes: int) -> None:
    """Draw the progress over itself; at the end, wipe it away."""
    line = f"checking: {format_share(done_bytes, total_bytes)} of {format_size(total_bytes)}"
    click.echo(f"\r{line:<40}", nl=False, err=True)
    if done_bytes >= total_bytes:
        click.echo(f"\r{'':<40}\r", nl=False, err=True)


def _lines(found: Verification) -> Iterator[str]:
    """Yield what people are told: the bad files, then the sum of it."""
    for file in found.files:
        if file.state is not FileState.RIGHT:
            yield f"{file.state.value}: {safe_text(file.path)}{_details(file)}"
    files = plural(len(found.files), "file")
    root = safe_text(str(found.location.root))
    if found.is_right:
        yield f"{root} matches the torrent: {files}, {plural(found.piece_count, 'piece')}"
        return
    bad_files = sum(file.state is not FileState.RIGHT for file in found.files)
    bad_pieces = f"{len(found.bad_pieces):,} of {plural(found.piece_count, 'piece')}"
    yield f"{root} does not match the torrent: {bad_files:,} of {files} and {bad_pieces} are bad"


def _details(file: FileVerdict) -> str:
    if file.state is FileState.MISSING:
        return f" ({format_size(file.length)})"
    if file.state is FileState.WRONG_SIZE:
        return f" ({file.size:,} bytes, expected {file.length:,})"
    pieces = ", ".join(_ranges(file.pieces))
    if file.state is FileState.UNPROVEN:
        return f" (it shares piece {pieces} with a file that is missing or of the wrong size)"
    return f" (piece {pieces})" if len(file.pieces) == 1 else f" (pieces {pieces})"


def _ranges(indexes: Iterable[int]) -> Iterator[str]:
    """Yield `3-5`, `9` for 3, 4, 5, 9."""
    first = last = -1
    for index in indexes:
        if index != last + 1 or first < 0:
            if first >= 0:
                yield _range(first, last)
            first = index
        last = index
    if first >= 0:
        yield _range(first, last)


def _range(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"


def _as_json(found: Verification) -> dict[str, object]:
    return {
        "is_right": found.is_right,
        "content": str(found.location.root),
        "files": [
            {
                "path": file.path,
                "state": file.state.value,
                "expected_bytes": file.length,
                "found_bytes": file.size,
                "bad_pieces": list(file.pieces),
            }
            for file in found.files
        ],
        "piece_count": found.piece_count,
        "bad_pieces": list(found.bad_pieces),
    }
