"""The kinds of inbox that are tested alike: with and without sockets, and every fallback."""

from __future__ import annotations

import selectors
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pykka import messages
from pykka._envelope import Envelope

from actortorrent.actors import wakeup
from actortorrent.actors.inbox import Inbox
from actortorrent.actors.replies import Reply
from actortorrent.actors.socket_inbox import SocketInbox

PATIENCE_SECONDS = 60.0  # then something was lost; passing tests never wait for it
SOCKET_KINDS = ("sockets", "sockets, without eventfd", "sockets, with select")
KINDS = ("no sockets", *SOCKET_KINDS)


@contextmanager
def inbox_of_kind(kind: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    """Make an inbox of a kind, and close it."""
    if kind == "sockets, without eventfd":
        monkeypatch.setattr(wakeup, "HAS_EVENTFD", False)
    if kind == "sockets, with select":
        monkeypatch.setattr(selectors, "DefaultSelector", selectors.SelectSelector)
    inbox = Inbox() if kind == "no sockets" else SocketInbox()
    try:
        yield inbox
    finally:
        inbox.close()


def call(method: str, *args: Any, reply_to: Reply[Any] | None = None) -> Envelope[Any]:
    """Return an envelope with the call of a method."""
    return Envelope(messages.ProxyCall((method,), args, {}), reply_to)


def tell(inbox: Inbox, *methods: str) -> None:
    """Put a message for each of the methods."""
    for method in methods:
        inbox.put(call(method))


def ask(inbox: Inbox, message: Any) -> Reply[Any]:
    """Put a message that is to be answered."""
    reply: Reply[Any] = Reply()
    inbox.put(Envelope(message, reply))
    return reply


def take(inbox: Inbox, count: int = 1) -> list[str]:
    """Return the methods of the next messages; a message that never comes is an error."""
    taken = []
    for _ in range(count):
        guard = inbox.add_timer(PATIENCE_SECONDS, "nothing came", ())
        taken.append(inbox.get().message.attr_path[0])
        guard.cancel()
    assert "nothing came" not in taken
    return taken
