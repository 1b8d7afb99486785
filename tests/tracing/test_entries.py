from __future__ import annotations

from typing import Any

import pytest
from pykka.messages import ProxyCall, ProxyGetAttr, _ActorStop

from actortorrent.tracing.entries import event_of, message_arguments, message_type

STAMP = ("Peer-3", 10, "Peer-3#9", 1000, 2)


class Clerk:
    """An actor, as far as its messages' arguments have names."""

    def wants_work(self, conn: int, byte_count: int) -> None:
        """Take a wish."""

    def note(self, *things: int) -> None:
        """Take any number of things."""

    def _socket_ready(self, _sock: object, readable: bool) -> None:
        """Take what a socket has."""


def call(method: str, *args: Any, **kwargs: Any) -> ProxyCall:
    return ProxyCall((method,), args, kwargs)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (call("wants_work"), "wants_work"),
        (ProxyGetAttr(("name",)), "name"),
        (_ActorStop(), "stop"),
        ({"free": "form"}, "dict"),
    ],
)
def test_a_message_is_called_by_its_method(message: object, kind: str) -> None:
    assert message_type(message) == kind


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        (call("wants_work", 3, 16384), {"conn": 3, "byte_count": 16384}),
        (call("wants_work", 3, byte_count=5), {"conn": 3, "byte_count": 5}),
        (call("wants_work", 3, 4, 5), {"conn": 3, "byte_count": 4, "2": 5}),
        (call("note", 1, 2), {"0": 1, "1": 2}),
        (call("unknown", 1), {"0": 1}),
        (call("_socket_ready", None, True), {"sock": None, "readable": True}),
        (ProxyGetAttr(("name",)), {}),
        ("free form", {}),
    ],
)
def test_arguments_have_the_names_that_the_actor_gives_them(
    message: object, arguments: dict[str, Any]
) -> None:
    assert message_arguments(message, Clerk) == arguments


def test_a_handled_message_tells_who_when_how_long_and_to_what_end() -> None:
    handling = ("Clerk", STAMP, 12, 15, 9000, "tell", call("wants_work", 3, 1), "ok")
    told = event_of((4000, "actor:message", "Clerk", 12, "Peer-3#9", handling), lambda _: Clerk)
    assert told.id == "Clerk#12"
    assert told.cause == "Peer-3#9"
    assert told.data == {
        "id": "Peer-3#10",
        "from": "Peer-3",
        "to": "Clerk",
        "op": "tell",
        "type": "wants_work",
        "args": {"conn": 3, "byte_count": 1},
        "depth": 2,
        "wait": 3000,
        "dur": 5000,
        "lc": [10, 12, 15],
        "status": "ok",
    }


def test_a_message_that_never_arrived_is_its_senders_event() -> None:
    handling = ("Clerk", STAMP, 0, 0, 9000, "tell", call("note"), "dead")
    told = event_of((1000, "actor:message", "Peer-3", 10, "", handling), lambda _: None)
    assert told.id == told.data["id"] == "Peer-3#10"
    assert told.data["to"] == "Clerk"
    assert (told.data["wait"], told.data["dur"], told.data["lc"]) == (8000, 0, [10])


def test_a_timer_has_no_sender() -> None:
    stamp = ("Clerk", 3, "Clerk#2", 1000, 0)
    handling = ("Clerk", stamp, 4, 6, 9000, "tell", call("note"), "ok")
    told = event_of((4000, "actor:timer", "Clerk", 4, "Clerk#2", handling), lambda _: Clerk)
    assert told.data == {
        "type": "note",
        "args": {},
        "depth": 0,
        "wait": 3000,
        "dur": 5000,
        "lc": [4, 6],
        "status": "ok",
    }
