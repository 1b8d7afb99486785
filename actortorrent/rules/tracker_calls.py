"""What a call to a tracker is given, and what comes of it.

A call is one question to one tracker. It runs beside the `Tracker` actor, which goes on
meanwhile, and ends in exactly one `CallOutcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from actortorrent.wire.announces import Ask, Reply
from actortorrent.wire.tracker_udp_exchange import UdpConnection
from actortorrent.wire.tracker_urls import TrackerUrl


class TrackerCall(Struct, frozen=True):
    """Name a question to a tracker.

    Attributes:
        number: which call, unique to the one who makes it.
        connection: a UDP connection id of this tracker from before, if there is one.
    """

    number: int
    url: TrackerUrl
    ask: Ask
    connection: UdpConnection | None = None

    def __str__(self) -> str:
        return f"call {self.number}: {self.ask} to {self.url}"


class CallAnswered(Struct, frozen=True):
    """Hand over a tracker's answer, and the UDP connection id that the next call may use."""

    number: int
    reply: Reply
    connection: UdpConnection | None = None

    def __str__(self) -> str:
        return f"call {self.number} answered: {self.reply}"


class CallFailed(Struct, frozen=True):
    """Say why a call came to nothing; `has_refused` if the tracker itself said no."""

    number: int
    message: str
    has_refused: bool = False

    def __str__(self) -> str:
        return f"call {self.number} failed: {self.message}"


CallOutcome = CallAnswered | CallFailed


class RunningCall(Protocol):
    """A call that has been started."""

    def cancel(self) -> None:
        """End it soon, from any thread; what it still reports is of no interest."""


StartCall = Callable[[TrackerCall, Callable[[CallOutcome], None]], RunningCall]
