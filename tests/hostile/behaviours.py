"""What a hostile end does: each behaviour is a function with a name and a sentence.

A behaviour is written down with `@behaviour(why=...)`: the words that the client's log must
have about why the other end went, or what was wrong with what it sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

SERVED_SECONDS = 0.2
PEER_WENT = "closed by the peer|Connection reset|Broken pipe"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Hold one behaviour.

    Attributes:
        name: the function's, in words.
        does: its sentence.
        why: pattern of what the log says of it; empty: nothing, it is dropped unread, or borne.
        play: the function; what it takes depends on the family.
        within_seconds: how soon after it, or under it, an honest peer is to be served.
    """

    family: str
    name: str
    does: str
    why: str
    play: Callable[..., None]
    within_seconds: float = SERVED_SECONDS

    def __str__(self) -> str:
        return f"{self.family}: {self.name}"

    def is_told_by(self, words: list[str]) -> bool:
        """Say whether one of these reasons is the one to be expected."""
        return not self.why or any(re.search(self.why, one) for one in words)


class Family:
    """Gather the behaviours of one family."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.behaviours: list[Behaviour] = []

    def __call__(
        self, why: str = PEER_WENT, within_seconds: float = SERVED_SECONDS
    ) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Take a function in."""

        def take(play: Callable[..., None]) -> Callable[..., None]:
            name = play.__name__.replace("_", " ")
            does = " ".join((play.__doc__ or "").split())
            self.behaviours.append(Behaviour(self.name, name, does, why, play, within_seconds))
            return play

        return take
