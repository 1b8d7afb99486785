"""How the actor of a connection is called: peers' have numbers from 1, web seeds' below zero."""

from __future__ import annotations

PEER = "Peer-"
WEB_SEED = "WebSeed-"


def conn_name(conn: object) -> str:
    """Return the name of a connection's actor: `Peer-3`, and `WebSeed-1` for -1."""
    if isinstance(conn, int) and conn < 0:
        return f"{WEB_SEED}{-conn}"
    return f"{PEER}{conn}"


def conn_of_name(actor: str) -> int | None:
    """Return the number behind such a name, also behind a node's; None for all else."""
    name = actor.rpartition("/")[2]
    kind, _, number = name.partition("-")
    if not number.isascii() or not number.isdigit():
        return None
    return {PEER: int(number), WEB_SEED: -int(number)}.get(f"{kind}-")
