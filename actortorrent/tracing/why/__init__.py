"""`trace why`: answers to questions about one trace, or several merged ones.

::

    story = Story(header, events)                  # ... is_of_more_than_a_block) keeps fewer
    why_choke(story, "leech-2", at_seconds=12.0)   # list[ChokeAnswer], one for each who decided
    why_piece(story, 17)                           # list[PieceAnswer], one a node that fetched
    why_slow(story)                                # list[SlowAnswer], one a node that fetched

Each answer has `to_json()`, and `lines()` for people. What they say is taken from what was
recorded when it happened: the decisions with the figures that were compared.
"""

from __future__ import annotations

from actortorrent.tracing.why.choke import ChokeAnswer, is_on_slots, why_choke
from actortorrent.tracing.why.piece import PieceAnswer, why_piece
from actortorrent.tracing.why.slow import SlowAnswer, why_slow
from actortorrent.tracing.why.story import Story, is_of_more_than_a_block

__all__ = [
    "ChokeAnswer",
    "PieceAnswer",
    "SlowAnswer",
    "Story",
    "is_of_more_than_a_block",
    "is_on_slots",
    "why_choke",
    "why_piece",
    "why_slow",
]
