"""What a router is asked for by whom, what comes of it, and when it is asked again.

A call is one conversation with the router. It runs beside the `PortMapper`, which goes on
meanwhile, and ends in exactly one `MappingOutcome`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from actortorrent.wire.port_mapping import MappingGranted, MappingRequest

LIFETIME_SECONDS = 3600  # what we ask for: if we crash, the router forgets us soon
RETRY_SECONDS = 20 * 60.0  # where no router would map our port
SHORTEST_RENEWAL_SECONDS = 30.0


class Way(StrEnum):
    """How a router is spoken to."""

    PCP = "PCP"
    NAT_PMP = "NAT-PMP"
    UPNP = "UPnP"


class MappingCall(Struct, frozen=True):
    """Name what the router is asked for.

    Attributes:
        number: which call, unique to the one who makes it.
        requests: one for each port; all of them map, or all take back.
        nonce: 12 bytes by which PCP knows us again.
        way: the one that worked before, or None to try all.
    """

    number: int
    requests: tuple[MappingRequest, ...]
    nonce: bytes
    way: Way | None = None

    def __str__(self) -> str:
        return f"call {self.number}: {', '.join(map(str, self.requests))}"


class MappingDone(Struct, frozen=True):
    """Say what the router granted, in the order of the requests."""

    number: int
    way: Way
    granted: tuple[MappingGranted, ...]

    def __str__(self) -> str:
        ports = ", ".join(str(one.external_port) for one in self.granted)
        return f"call {self.number}: granted {ports} by {self.way}"


class MappingFailed(Struct, frozen=True):
    """Say why a call came to nothing."""

    number: int
    why: str

    def __str__(self) -> str:
        return f"call {self.number} failed: {self.why}"


MappingOutcome = MappingDone | MappingFailed


class RunningMapping(Protocol):
    """A call that has been started."""

    def cancel(self) -> bool:
        """Keep it from asking the router for anything; return whether that came in time."""


StartMapping = Callable[[MappingCall, Callable[[MappingOutcome], None]], RunningMapping]


def seconds_to_renewal(granted: tuple[MappingGranted, ...]) -> float:
    """Return when to ask again for what was granted: after half of the shortest lifetime.

    A router that names a longer one than was asked for is not believed.
    """
    shortest = min(one.lifetime_seconds for one in granted)
    return max(SHORTEST_RENEWAL_SECONDS, min(shortest, LIFETIME_SECONDS) / 2)
