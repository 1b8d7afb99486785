"""A BitTorrent client whose every part is an actor, and whose every message can be read.

What programs use is here; it is imported when it is first asked for, so that importing
the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from actortorrent.version import VERSION as __version__  # noqa: N811 - the name that Python expects

if TYPE_CHECKING:
    from actortorrent.api import fetch, seed
    from actortorrent.creating import create_torrent
    from actortorrent.errors import (
        ActorTorrentError,
        BencodeError,
        ContentMismatchError,
        InvalidTorrentError,
        MetainfoError,
        NoProgressError,
        StorageError,
        TrackerError,
        TrackersRefusedError,
        UsageError,
    )
    from actortorrent.options import SessionOptions
    from actortorrent.pickers import load_picker
    from actortorrent.rules.encryption import Encryption
    from actortorrent.rules.picker_policies import PickPolicy, PieceCounts, Pieces
    from actortorrent.rules.progress import Progress
    from actortorrent.rules.selection import select_files
    from actortorrent.session import Session, Summary
    from actortorrent.tracing.capture import capture_trace
    from actortorrent.wire.addresses import Address
    from actortorrent.wire.magnet import Magnet, parse_magnet
    from actortorrent.wire.metainfo import FileEntry, Metainfo
    from actortorrent.wire.proxy_handshake import Proxy, parse_proxy

__all__ = [
    "ActorTorrentError",
    "Address",
    "BencodeError",
    "ContentMismatchError",
    "Encryption",
    "FileEntry",
    "InvalidTorrentError",
    "Magnet",
    "Metainfo",
    "MetainfoError",
    "NoProgressError",
    "PickPolicy",
    "PieceCounts",
    "Pieces",
    "Progress",
    "Proxy",
    "Session",
    "SessionOptions",
    "StorageError",
    "Summary",
    "TrackerError",
    "TrackersRefusedError",
    "UsageError",
    "__version__",
    "capture_trace",
    "create_torrent",
    "fetch",
    "load_picker",
    "parse_magnet",
    "parse_proxy",
    "seed",
    "select_files",
]

# Where each name lives; a test compares this with the imports above.
_PLACES = {
    "api": ("fetch", "seed"),
    "creating": ("create_torrent",),
    "errors": (
        "ActorTorrentError",
        "BencodeError",
        "ContentMismatchError",
        "InvalidTorrentError",
        "MetainfoError",
        "NoProgressError",
        "StorageError",
        "TrackerError",
        "TrackersRefusedError",
        "UsageError",
    ),
    "options": ("SessionOptions",),
    "pickers": ("load_picker",),
    "rules.encryption": ("Encryption",),
    "rules.picker_policies": ("PickPolicy", "PieceCounts", "Pieces"),
    "rules.progress": ("Progress",),
    "rules.selection": ("select_files",),
    "session": ("Session", "Summary"),
    "tracing.capture": ("capture_trace",),
    "wire.addresses": ("Address",),
    "wire.magnet": ("Magnet", "parse_magnet"),
    "wire.metainfo": ("FileEntry", "Metainfo"),
    "wire.proxy_handshake": ("Proxy", "parse_proxy"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for (PEP 562)."""
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
