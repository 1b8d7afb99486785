"""libtorrent as a leech of the lab, in a process of its own; it tells what it does as JSON lines.

It ends when its standard input closes, so that it never outlives the lab.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
from pathlib import Path
from typing import Any

LOOK_SECONDS = 0.25
ENCRYPTION_OFF = 2  # of libtorrent's settings_pack::enc_policy


def main() -> None:
    """Fetch, then seed, until the standard input ends."""
    import libtorrent  # noqa: PLC0415 - the one module that may be missing

    options = _parse()
    settings: Any = _settings(options)
    session = libtorrent.session(settings)
    params = libtorrent.add_torrent_params()
    params.ti = libtorrent.torrent_info(str(options.torrent))
    params.save_path = str(options.output)
    flags = libtorrent.torrent_flags
    params.flags &= ~(flags.auto_managed | flags.paused)
    torrent = session.add_torrent(params)
    while not _has_input_ended():
        _tell(torrent.status())
    session.pause()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch with libtorrent.")
    parser.add_argument("torrent", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--up", type=int, default=0, help="bytes a second")
    return parser.parse_args()


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "listen_interfaces": "127.0.0.1:0",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "in_enc_policy": ENCRYPTION_OFF,
        "out_enc_policy": ENCRYPTION_OFF,
        "allow_multiple_connections_per_ip": True,
        "ssrf_mitigation": False,  # the tracker is on this machine
        "upload_rate_limit": options.up,
        "min_reconnect_time": 1,
    }


def _has_input_ended() -> bool:
    """Pause, and say whether the standard input has ended meanwhile."""
    readable, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1)


def _tell(status: Any) -> None:
    """Say how it stands, with the keys of our own `--progress json`."""
    pieces = "".join("1" if has else "0" for has in status.pieces)
    about = {
        "event": "progress",
        "phase": "seeding" if status.is_seeding else "fetching",
        "is_complete": bool(status.is_seeding),
        "verified_bytes": int(status.total_wanted_done),
        "download_rate": float(status.download_payload_rate),
        "upload_rate": float(status.upload_payload_rate),
        "fetched_bytes": int(status.total_payload_download),
        "uploaded_bytes": int(status.total_payload_upload),
        "pieces": pieces,
    }
    print(json.dumps(about), flush=True)


if __name__ == "__main__":
    main()
