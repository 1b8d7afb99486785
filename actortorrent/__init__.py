"""A BitTorrent client whose every part is an actor, and whose every message can be read."""

from __future__ import annotations

from actortorrent.version import VERSION as __version__

__all__ = ["__version__"]
