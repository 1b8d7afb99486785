"""The package for programs: `fetch` and `seed`, and what prepares a session.

::

    import actortorrent

    summary = actortorrent.fetch("film.torrent", output="films", match=["*.mkv"])
    print(summary.progress.ratio)

The command line stands on the same functions. Each call has its own session: call as
often as you like, one after the other; no thread is left when a call returns or raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from actortorrent.actors.content_location import ContentLocation, expected_paths, locate_content
from actortorrent.errors import ContentMismatchError, TrackerError, UsageError
from actortorrent.loading import (
    FilePath,
    Source,
    find_torrent,
    listed_files,
    load_torrent,
    wanted_length,
)
from actortorrent.options import SessionOptions
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.picker_policies import PickPolicy
from actortorrent.rules.progress import Progress
from actortorrent.rules.selection import files_of_link, select_files
from actortorrent.session import Session, Summary
from actortorrent.wire.addresses import Address, parse_address
from actortorrent.wire.magnet import Magnet
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.tracker_urls import parse_tracker_url, shown_url

if TYPE_CHECKING:
    from actortorrent.wire.proxy_handshake import Proxy

__all__ = [
    "ContentLocation",
    "Settings",
    "Source",
    "content_path",
    "fetch",
    "find_torrent",
    "listed_files",
    "load_torrent",
    "locate_content",
    "seed",
    "seed_session",
    "selected_files",
    "to_addresses",
    "to_trackers",
    "wanted_length",
]


class Settings(TypedDict, total=False):
    """Name what `fetch` and `seed` take besides; `SessionOptions` says what each means."""

    trackers: tuple[str, ...]
    use_trackers: bool
    use_dht: bool
    dht_nodes: tuple[Address, ...]
    use_web_seeds: bool
    port: int | None
    proxy: Proxy | None
    maps_port: bool
    use_local_discovery: bool
    bind: str | None
    encryption: Encryption
    max_peers: int
    download_limit: int | None
    upload_limit: int | None
    upload_slots: int | None
    is_sequential: bool
    picker: PickPolicy | None
    keep_seeding: bool
    seed_ratio: float | None
    seed_seconds: float | None
    stall_timeout_seconds: float | None
    trace_level: str
    flight_events: int
    trace_name: str
    seed: int | None
    pace: float


def fetch(
    source: Source | Magnet,
    *,
    output: FilePath = ".",
    select: str = "",
    match: Sequence[str] = (),
    peers: Iterable[str | Address] = (),
    trace: FilePath | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    **settings: Unpack[Settings],
) -> Summary:
    """Fetch what a torrent describes, and return when it is complete.

    What is already in `output` is checked and kept. With `keep_seeding`, `seed_ratio` or
    `seed_seconds` it serves others when complete and returns later.

    Args:
        source: path or http(s) URL of a .torrent file, a magnet link, an info-hash in 40
            hexadecimal digits or 32 of base32, or a `Metainfo`.
        output: folder for the content; made if it is not there.
        select: numbers of the files wanted, such as "1,3-5"; the first is 1.
        match: globs of the files wanted, besides those of `select`; without either: all.
        peers: whom to dial besides those that trackers name, such as "192.0.2.1:6881".
        trace: file to write the trace to.
        on_progress: called in this thread about twice a second.
        on_notice: called with one line that people should know, such as a tracker's warning.
        settings: see `SessionOptions`.

    Raises:
        ActorTorrentError: one of its kinds says why it could not be done.
    """
    found = find_torrent(source, bind=settings.get("bind"), proxy=settings.get("proxy"))
    options = SessionOptions(
        output=Path(output),
        peers=to_addresses(peers),
        trace=None if trace is None else Path(trace),
        **settings,
    )

    def settle(metainfo: Metainfo) -> SessionOptions:
        selected = selected_files(found, metainfo, numbers=select, globs=match)
        return replace(options, selected_files=selected)

    session = Session(
        found,
        settle(found) if isinstance(found, Metainfo) else options,
        settle=settle,
        on_progress=on_progress,
        on_notice=on_notice,
    )
    return session.run()


def selected_files(
    found: Metainfo | Magnet, metainfo: Metainfo, *, numbers: str = "", globs: Sequence[str] = ()
) -> frozenset[int] | None:
    """Return the indexes of the wanted files; None for all.

    Args:
        found: what named the torrent: a link may select files, too, if nothing else does.
        metainfo: the torrent.
        numbers: such as "1,3-5"; the first is 1.
        globs: of paths or names.

    Raises:
        UsageError: if no file is selected.
        MagnetError: if the link selects files that are not there.
    """
    if isinstance(found, Magnet) and not numbers and not globs:
        return files_of_link(found, metainfo.files)
    return select_files(metainfo.files, numbers=numbers, globs=globs)


def to_addresses(peers: Iterable[str | Address]) -> tuple[Address, ...]:
    """Return addresses, of which some may be given as `HOST:PORT` or `[IPV6]:PORT`.

    Raises:
        UsageError: if a text is no such thing.
    """
    return tuple(peer if isinstance(peer, Address) else parse_address(peer) for peer in peers)


def to_trackers(urls: Iterable[str]) -> tuple[str, ...]:
    """Return URLs of trackers, when all are of a kind that we speak.

    Raises:
        UsageError: if one is not.
    """
    for url in (urls := tuple(urls)):
        try:
            parse_tracker_url(url)
        except TrackerError as error:
            raise UsageError(f"tracker {shown_url(url)!a}: {error}") from None
    return urls


def seed(
    directory: FilePath,
    source: Source,
    *,
    peers: Iterable[str | Address] = (),
    trace: FilePath | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
    **settings: Unpack[Settings],
) -> Summary:
    """Serve content that is here, and return when `seed_ratio` or `seed_seconds` is reached.

    Without either it serves for ever: `Session`, whose `request_stop` ends it from another
    thread, is then the better choice. Nothing is fetched; what does not match the torrent
    is not served.

    Args:
        directory: the folder that holds the content, or the content's own folder or file.
        source: path of a .torrent file, or a `Metainfo`.
        peers: whom to dial besides those that trackers name, such as "192.0.2.1:6881".
        trace: file to write the trace to.
        on_progress: called in this thread about twice a second.
        on_notice: called with one line that people should know.
        settings: see `SessionOptions`.

    Raises:
        ActorTorrentError: one of its kinds says why it could not be done.
    """
    metainfo = load_torrent(source)
    location = locate_content(metainfo, Path(directory))
    options = SessionOptions(
        output=location.output,
        peers=to_addresses(peers),
        trace=None if trace is None else Path(trace),
        **settings,
    )
    session = seed_session(
        metainfo, options, location, on_progress=on_progress, on_notice=on_notice
    )
    return session.run()


def seed_session(
    metainfo: Metainfo,
    options: SessionOptions,
    location: ContentLocation,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> Session:
    """Return a session that serves what is at `location`, as far as it matches the torrent.

    What does not match is told to `on_notice` once all is checked. If nothing matches,
    `run` raises ContentMismatchError.
    """
    is_checked = False

    def watch(progress: Progress) -> None:
        nonlocal is_checked
        if not is_checked and progress.phase == "seeding":
            is_checked = True
            _tell_mismatch(metainfo.piece_count, progress.verified_pieces, location, on_notice)
        if on_progress is not None:
            on_progress(progress)

    return Session(metainfo, options, on_progress=watch, on_notice=on_notice, location=location)


def _tell_mismatch(
    piece_count: int,
    verified_pieces: int,
    location: ContentLocation,
    on_notice: Callable[[str], None] | None,
) -> None:
    if verified_pieces == 0 and piece_count > 0:
        raise ContentMismatchError(
            f"expected content in {location.root} that matches the torrent, found no piece that does",
            hint="is it another version of the same content, or the wrong torrent?",
        )
    wrong = piece_count - verified_pieces
    if wrong and on_notice is not None:
        verb = "does" if wrong == 1 else "do"
        on_notice(f"{wrong} of {piece_count} pieces {verb} not match the torrent: not served")


def content_path(metainfo: Metainfo, output: FilePath) -> Path:
    """Return where `fetch` puts the content below `output`: its file, or its folder."""
    first = next((path.parts[0] for path in expected_paths(metainfo) if path is not None), "")
    return Path(output) / first
