"""What the flight recorder keeps of an event is light, and reads the same later."""

from __future__ import annotations

import gc
import socket
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
from pykka.messages import ProxyCall

from actortorrent.rules.geometry import Run
from actortorrent.rules.leases import Cargo, FilledRun, Lease, StoredRun
from actortorrent.rules.statuses import PiecesStatus
from actortorrent.tracing.kept import LONG_ROW, MOST_HEAVY, kept, kept_data, kept_handling
from actortorrent.tracing.recorder import Handling
from actortorrent.tracing.summaries import summarise
from actortorrent.wire.addresses import Address

RUN = Run(3, 0, 65_536)


class Colour(Enum):
    RED = 1


@dataclass
class Changing:
    number: int


@dataclass(frozen=True)
class Wrapped:
    colour: Colour
    inside: Any


class Heavy:
    """Something that should be gone when nobody needs it."""


class Buffer(bytearray):
    """A buffer of which it can be seen whether it is gone."""


def handling(*args: object, **named: object) -> Handling:
    call = ProxyCall(("lease",), args, named)
    return ("Peer-1", ("PieceManager", 7, "", 1, 0), 8, 9, 2, "tell", call, "ok")


@pytest.mark.parametrize(
    "value",
    [
        7,
        1.5,
        True,
        None,
        "text",
        Colour.RED,
        Address("10.0.0.1", 6881),
        RUN,
        PiecesStatus(),
        (1, 2, 3),
        [1, "two", None],
        tuple(range(LONG_ROW + 1)),
        {"key": (1, b"bytes")},
        b"a peer's id",
        bytearray(70_000),
        memoryview(b"view"),
        Lease(1, RUN, Cargo(bytearray(65_536))),
        FilledRun(1, RUN, Cargo(bytearray(65_536))),
        StoredRun(1, RUN, None, True),
        (
            StoredRun(1, RUN, Cargo(bytearray(5)), False),
            StoredRun(2, RUN, Cargo(bytearray(5)), True),
        ),
        Wrapped(Colour.RED, Wrapped(Colour.RED, bytearray(9))),
        Changing(1),
        frozenset([3, 1, 2]),
        ValueError("what was wrong"),
        FileNotFoundError(2, "No such file", "/home/somebody/secret"),
        1 << 5000,
        Heavy(),
        Heavy,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_kept_reads_as_the_value_would_have(value: object) -> None:
    assert summarise(kept(value)) == summarise(value)


def test_numbers_and_short_texts_are_kept_as_they_are() -> None:
    message = handling(1, "two", None, Address("10.0.0.1", 1))
    assert kept_handling(message) is message
    data = {"piece": 1, "rule": "rarest first"}
    assert kept_data(data) is data
    assert kept(RUN) is RUN


def test_of_many_heavy_items_the_first_are_kept_and_the_others_counted() -> None:
    items = tuple(Changing(number) for number in range(100))
    told = summarise(kept(items))
    assert isinstance(told, list)
    assert told[:-1] == summarise(items[:MOST_HEAVY])
    assert told[-1] == f"… {100 - MOST_HEAVY} more"


def test_later_changes_of_a_value_do_not_show() -> None:
    value, row = Changing(1), [1]
    light, light_row = kept(value), kept(row)
    value.number = 2
    row.append(2)
    assert summarise(light)["number"] == 1  # type: ignore[call-overload, index]
    assert summarise(light_row) == [1]


@pytest.mark.parametrize(
    "keep",
    [
        lambda heavy: kept_handling(handling(1, heavy)),
        lambda heavy: kept_handling(handling(1, it=heavy)),
        lambda heavy: kept((1, (2, heavy))),
        lambda heavy: kept(Wrapped(Colour.RED, heavy)),
        lambda heavy: kept_data({"it": heavy, "error": None}),
    ],
    ids=["argument", "named argument", "row", "field", "data"],
)
def test_nothing_else_is_kept_alive(keep: Callable[[Heavy], object]) -> None:
    heavy = Heavy()
    gone = weakref.ref(heavy)
    light = keep(heavy)
    del heavy
    gc.collect()
    assert gone() is None, light


def test_no_socket_is_in_what_is_kept_of_a_message() -> None:
    with socket.socket() as sock:
        light = kept_handling(handling(sock, (1, sock)))
    held = [*light[6].args, *light[6].args[1]]
    assert not [one for one in held if isinstance(one, socket.socket)]


@pytest.mark.parametrize("status", ["ok", "dead", "dropped", "undelivered", "error"])
def test_no_buffer_outlives_its_message(status: str) -> None:
    buffer = Buffer(65_536)
    gone = weakref.ref(buffer)
    lease = Lease(1, RUN, Cargo(buffer))
    if status == "ok":
        lease.buffer.take()  # as who handles it does
    *others, _ = handling((lease,))
    light = kept_handling((*others, status))  # type: ignore[arg-type]
    assert summarise(light[6].args[0]) == summarise((lease,))
    del buffer, lease, others
    gc.collect()
    assert gone() is None
