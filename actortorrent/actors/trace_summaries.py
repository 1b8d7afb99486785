"""How the values that only actors know read in a trace: proxies, references, sockets, buffers."""

from __future__ import annotations

import socket

import pykka

from actortorrent.rules.leases import Cargo
from actortorrent.tracing.summaries import Json, describe


@describe.register
def _(value: pykka.ActorProxy, depth: int) -> Json:  # type: ignore[type-arg]  # noqa: ARG001
    return f"<{value.actor_ref}>"


@describe.register
def _(value: pykka.CallableProxy, depth: int) -> Json:  # type: ignore[type-arg]  # noqa: ARG001
    return f"<{value.actor_ref}>"


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
