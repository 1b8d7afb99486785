"""A peer that lies: it says that it has everything, and alters part of what it sends.

It is our own client, with one thing changed: a byte of every second batch of blocks is
another. What it prints is what `actortorrent seed --progress json` prints, as far as the
lab looks at it::

    $ python -m actortorrent.lab.bad_peer content content.torrent --trace bad-peer.jsonl
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from actortorrent.actors.content_location import locate_content
from actortorrent.actors.peer import PeerActor
from actortorrent.actors.peer_uploads import Uploads
from actortorrent.options import SessionOptions
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.progress import Progress
from actortorrent.session import Session
from actortorrent.tracing.recorder import LEVELS
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.metainfo import Metainfo

ONE_LIE_IN = 2  # batches of blocks


class LyingUploads(Uploads):
    """Serve what was asked for, but not always as it is."""

    _batches = 0

    def _read(self, row: BlockRow, blocks: Sequence[memoryview]) -> None:
        super()._read(row, blocks)
        if self._batches % ONE_LIE_IN == 0:
            blocks[0][0] ^= 0xFF
        self._batches += 1


class LyingPeerActor(PeerActor):
    """Trade with one peer, and lie to it."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        torrent = self._torrent
        self._uploads = LyingUploads(
            torrent.open_reader,
            self._trace.piece_headers,
            torrent.geometry.piece_count,
            is_limited=torrent.is_upload_limited,
        )


def main() -> None:
    """Seed, and lie, until interrupted."""
    options = _parse()
    metainfo = Metainfo.from_file(options.torrent)
    session = Session(
        metainfo,
        SessionOptions(
            output=options.content,
            port=0,
            bind="127.0.0.1",
            encryption=Encryption.OFF,
            upload_limit=options.up,
            trace=options.trace,
            trace_name=options.trace_name,
            trace_level=options.trace_level,
            seed=options.dice_seed,
            pace=options.pace,
        ),
        on_progress=_show,
        location=locate_content(metainfo, options.content),
        peer_class=LyingPeerActor,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: session.request_stop())
    session.run()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Seed content, and alter part of what is sent.")
    parser.add_argument("content", type=Path)
    parser.add_argument("torrent", type=Path)
    parser.add_argument("--up", type=int, help="bytes a second")
    parser.add_argument("--trace", type=Path)
    parser.add_argument("--trace-name", default="")
    parser.add_argument("--trace-level", default=LEVELS[0], choices=LEVELS)
    parser.add_argument("--dice-seed", type=int)
    parser.add_argument("--pace", type=float, default=1.0)
    return parser.parse_args()


def _show(progress: Progress) -> None:
    print(json.dumps({"event": "progress", **asdict(progress)}), flush=True)


if __name__ == "__main__":
    main()
