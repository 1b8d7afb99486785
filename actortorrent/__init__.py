"""A BitTorrent client whose every part is an actor, and whose every message can be read."""

from __future__ import annotations

__version__ = "0.1.0"
