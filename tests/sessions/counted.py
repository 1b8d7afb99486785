"""Be `actortorrent`, and count mail and the bytes on sockets where they pass, without its recorder.

The counts are left in a file at the end: `put`, `got` and `dead` (sent to an actor that had
gone) by the type of the message; `read` and `written` by the port of the other end.
"""

from __future__ import annotations

import functools
import json
import os
import socket
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pykka._envelope import Envelope
from pykka.messages import ProxyCall

from actortorrent.actors.inbox import Inbox
from actortorrent.actors.socket_inbox import SocketInbox
from actortorrent.cli.main import main

COUNTS_FILE = "COUNTS_FILE"
WRITER = "trace"  # the actor that writes the trace, and is not in it

counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
under_way: dict[int, Envelope[Any]] = {}
lock = threading.Lock()


def type_of(message: object) -> str:
    return str(message.attr_path[-1]) if isinstance(message, ProxyCall) else "stop"


def counted_put(put: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(put)
    def wrapper(inbox: Inbox, envelope: Envelope[Any]) -> None:
        if inbox.clock.name != WRITER:
            with lock:
                counts["put"][type_of(envelope.message)] += 1
                under_way[id(envelope)] = envelope
        put(inbox, envelope)

    return wrapper


def counted_get(get: Callable[..., Envelope[Any]]) -> Callable[..., Envelope[Any]]:
    @functools.wraps(get)
    def wrapper(inbox: Inbox) -> Envelope[Any]:
        envelope = get(inbox)
        with lock:
            if under_way.pop(id(envelope), None) is not None:  # a timer was not put
                counts["got"][type_of(envelope.message)] += 1
        return envelope

    return wrapper


def counted_dead(record: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(record)
    def wrapper(inbox: Inbox, message: object, op: str) -> None:
        with lock:
            counts["dead"][type_of(message)] += 1
        record(inbox, message, op)

    return wrapper


def counted_bytes(method: Callable[..., Any], what: str) -> Callable[..., Any]:
    @functools.wraps(method)
    def wrapper(sock: socket.socket, *args: Any, **more: Any) -> Any:
        outcome = method(sock, *args, **more)
        size = outcome[0] if isinstance(outcome, tuple) else outcome
        if sock.family == socket.AF_INET:
            with lock:
                counts[what][str(sock.getpeername()[1])] += (
                    len(size) if isinstance(size, bytes) else size
                )
        return outcome

    return wrapper


def count() -> None:
    for kind in (Inbox, SocketInbox):
        setattr(kind, "put", counted_put(kind.put))  # noqa: B010 - mypy minds assignments
        setattr(kind, "get", counted_get(kind.get))  # noqa: B010
    setattr(Inbox, "record_dead_letter", counted_dead(Inbox.record_dead_letter))  # noqa: B010
    for name in ("recv", "recv_into", "recvmsg", "recvmsg_into"):
        setattr(socket.socket, name, counted_bytes(getattr(socket.socket, name), "read"))
    for name in ("send", "sendmsg"):
        setattr(socket.socket, name, counted_bytes(getattr(socket.socket, name), "written"))


if __name__ == "__main__":
    count()
    sys.argv[0] = "actortorrent"
    try:
        main()
    finally:
        Path(os.environ[COUNTS_FILE]).write_text(json.dumps(counts))
