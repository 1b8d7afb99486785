"""The process that is watched: it seeds all the while, and fetches what it is told, by the API.

    python -m tests.soak.worker FOLDER TORRENT

A line of JSON comes for each torrent to fetch, and one goes when it is here. When no more comes, it
stops seeding, and tells what it has left behind.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pykka

from actortorrent import Metainfo, Session, SessionOptions, fetch
from actortorrent.api import locate_content, seed_session

ALONE: dict[str, Any] = {"bind": "127.0.0.1", "maps_port": False, "use_dht": False}
FLIGHT_EVENTS = 1000  # a tenth of the usual: so the flight recorder is full before the warm-up ends
PATIENCE_SECONDS = 60.0


def main() -> None:
    """Do as told, until no more comes."""
    before = descriptors()
    folder, torrent = map(Path, sys.argv[1:])
    with seeding(folder, torrent) as session:
        tell(port=session.port)
        for line in sys.stdin:
            fetch(**json.loads(line), **ALONE, flight_events=FLIGHT_EVENTS)
            tell(blocks=sys.getallocatedblocks())
    tell(
        threads=threading.active_count() - 1,
        actors=len(pykka.ActorRegistry.get_all()),
        descriptors=descriptors() - before,
    )


@contextmanager
def seeding(folder: Path, torrent: Path) -> Iterator[Session]:
    """Serve content while the block runs."""
    metainfo = Metainfo.from_file(torrent)
    location = locate_content(metainfo, folder)
    options = SessionOptions(
        output=location.output, port=0, keep_seeding=True, flight_events=FLIGHT_EVENTS, **ALONE
    )
    is_up = threading.Event()
    session = seed_session(metainfo, options, location, on_progress=lambda _: is_up.set())
    thread = threading.Thread(target=session.run, name="seed")
    thread.start()
    try:
        assert is_up.wait(PATIENCE_SECONDS), "the seed does not start"
        yield session
    finally:
        session.request_stop()
        thread.join(PATIENCE_SECONDS)


def descriptors() -> int:
    """Return how many descriptors the process has open; the one that looks is among them."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def tell(**what: int) -> None:
    """Print a line for whoever watches."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
