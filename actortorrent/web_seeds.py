"""Start the web seeds of a session: the web servers that a torrent or a link names (BEP 19)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from actortorrent.actors.base import Runtime, proxy_of
from actortorrent.actors.peer_values import Neighbours, TorrentFacts
from actortorrent.errors import TrackerError
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.tracker_urls import TrackerUrl, parse_tracker_url

if TYPE_CHECKING:
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.web_seed import WebSeedProxy
    from actortorrent.actors.web_seeds import WebSeedsProxy
    from actortorrent.sources import Begin


def usable_urls(urls: Sequence[str]) -> tuple[TrackerUrl, ...]:
    """Return the web seeds that we can ask, by http or https."""
    usable = []
    for text in urls:
        try:
            url = parse_tracker_url(text)
        except TrackerError:
            continue  # another protocol: to be ignored (BEP 19)
        if not url.is_udp:
            usable.append(url)
    return tuple(usable)


def start_web_seeds(
    runtime: Runtime,
    metainfo: Metainfo,
    torrent: TorrentFacts,
    neighbours: Neighbours,
    reporter: ReporterProxy,
    *,
    begin: Begin,
    started: Callable[[WebSeedProxy], None],
) -> WebSeedsProxy | None:
    """Start the actor that keeps web seeds; they are asked for nothing until it is told to `begin`.

    Returns None where there are none. `started` is told of each web seed, in that actor's thread.
    """
    urls = usable_urls(metainfo.web_seeds)
    if not urls:
        return None
    # Few torrents have web seeds.
    from actortorrent.actors.web_seed import WebSeed, WebSeedProxy  # noqa: PLC0415
    from actortorrent.actors.web_seed_books import WebSeedFacts  # noqa: PLC0415
    from actortorrent.actors.web_seed_calls import RangeCallStarter  # noqa: PLC0415
    from actortorrent.actors.web_seeds import WebSeeds, WebSeedsProxy  # noqa: PLC0415
    from actortorrent.rules.web_seed_ranges import WebSeedFiles  # noqa: PLC0415

    start_call = RangeCallStarter(runtime, torrent.bind, torrent.proxy)

    def start(number: int, keeper: WebSeedsProxy) -> WebSeedProxy:
        url = urls[number - 1]
        files = WebSeedFiles(
            url.text,
            metainfo.name,
            metainfo.files,
            is_single_file=metainfo.is_single_file,
            piece_length=metainfo.piece_length,
        )
        facts = WebSeedFacts(number, str(url), files, torrent.geometry, torrent.is_download_limited)
        ref = WebSeed.start(runtime, facts, neighbours, reporter, start_call, keeper)
        seed = proxy_of(ref, WebSeedProxy)
        started(seed)
        return seed

    shown_urls = tuple(map(str, urls))
    return begin(WebSeedsProxy, WebSeeds.start(runtime, shown_urls, start, reporter))
