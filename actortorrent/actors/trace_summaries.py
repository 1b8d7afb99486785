"""How the values that only actors know read in a trace: proxies, references, sockets, buffers."""

from __future__ import annotations

import socket
from dataclasses import asdict
from functools import lru_cache

import pykka

from actortorrent.rules.geometry import Run
from actortorrent.rules.leases import Cargo
from actortorrent.tracing.summaries import TEXT_KEY, Json, describe


@describe.register
def _(value: pykka.ActorProxy, depth: int) -> Json:  # type: ignore[type-arg]  # noqa: ARG001
    return f"<{value.actor_ref}>"


@describe.register
def _(value: pykka.CallableProxy, depth: int) -> Json:  # type: ignore[type-arg]  # noqa: ARG001
    return f"<{value.actor_ref}>"


@describe.register
def _(value: Run, depth: int) -> Json:  # noqa: ARG001
    return _run(value)


@lru_cache(maxsize=1024)  # each goes from one actor to the next, and so is told of three times
def _run(run: Run) -> Json:
    told: dict[str, Json] = {TEXT_KEY: str(run), **asdict(run)}
    if told.pop("piece_count") != 1:
        told["pieces"] = list(run.pieces)
    return told


@describe.register
def _(value: Cargo, depth: int) -> Json:  # noqa: ARG001
    return f"<{value.length} bytes>"


@describe.register
def _(value: pykka.ActorRef, depth: int) -> Json:  # type: ignore[type-arg]  # noqa: ARG001
    return f"<{value}>"


@describe.register
def _(value: socket.socket, depth: int) -> Json:  # noqa: ARG001
    try:
        host, port = value.getpeername()[:2]
    except (OSError, ValueError):
        return "<socket>"
    return f"<socket to {host}:{port}>"
