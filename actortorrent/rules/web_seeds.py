"""What a web seed is to the others: its number, its name, how it stands, when it is asked again.

A web seed (BEP 19) takes leases as a peer does, and so has the number of a connection; those of
web seeds lie below zero, where no peer's is.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

MOST_ASKED = 8  # at once; of longer lists the others are spares
MOST_FAILURES = 10  # in a row, before it is given up: about a quarter of an hour
FIRST_REST_SECONDS = 1.0
MOST_REST_SECONDS = 600.0
MOST_WANTED_REST_SECONDS = 3600.0  # where the server itself says when to come again


def conn_of_web_seed(number: int) -> int:
    """Return the number of a web seed's connection: -1 for the first, whose number is 1."""
    return -number


def is_web_seed(conn: int) -> bool:
    """Say whether a connection is one to a web seed."""
    return conn < 0


def source_name(conn: int) -> str:
    """Return the name of the actor of a connection: `Peer-3`, `WebSeed-1`."""
    return f"WebSeed-{-conn}" if is_web_seed(conn) else f"Peer-{conn}"


def rest_seconds(failures: int, wanted_seconds: float | None) -> float | None:
    """Return how long to leave a web seed alone that failed so often in a row; None: for ever.

    Args:
        failures: 1 or more.
        wanted_seconds: what the server asks for (Retry-After), or None.
    """
    if failures >= MOST_FAILURES:
        return None
    rest = min(MOST_REST_SECONDS, FIRST_REST_SECONDS * 2.0 ** (failures - 1))
    return max(rest, min(wanted_seconds or 0.0, MOST_WANTED_REST_SECONDS))


class WebSeedStatus(Struct, frozen=True, kw_only=True):
    """Say how a web seed stands.

    Attributes:
        url: without its secrets.
        rests_because: empty while it is asked for content.
        has_nothing: of what is missing here.
    """

    number: int
    url: str
    is_gone: bool = False
    rests_because: str = ""
    has_nothing: bool = False

    def __str__(self) -> str:
        return f"web seed {self.url}"


def web_seeds_activity(seeds: Collection[WebSeedStatus], download_rate: float) -> str:
    """Say what is fetched from web seeds alone, or why nothing comes; empty if there are none."""
    here = [seed for seed in seeds if not seed.is_gone and not seed.has_nothing]
    asked = [seed for seed in here if not seed.rests_because]
    if asked:
        doing = "fetching from" if download_rate >= 1 else "waiting for"
        more = f" and {len(asked) - 1} more" if len(asked) > 1 else ""
        return f"{doing} {asked[0]}{more}"
    return f"{here[0]}: {here[0].rests_because}; trying again" if here else ""
