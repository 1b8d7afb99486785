"""Hostile peers, trackers, nodes and web servers against a client that runs as a process.

`behaviours.py` names what they do; `python -m tests.hostile --list` lists it all, and
`python -m tests.hostile` prints what came of each, in figures.
"""

from __future__ import annotations
