"""Which message may follow which: the legal order of BEP 3, as a table.

A connection carries two streams, one each way, and each obeys the table by itself:
first a handshake, once, then messages in any order.

* A bitfield is the first message by BEP 3, but aria2 also sends one in the middle, in
  place of many `have`s: it adds to what is known, and takes nothing away.
* A block cannot be the first message: nothing can have been asked for, since every
  connection begins choked.
* Whether a *choked* side may ask is no question of order: see `PeerProtocol`.
"""

from __future__ import annotations

from enum import Enum, auto

from actortorrent.wire.messages import Kind


class State(Enum):
    """Say how far one direction of a connection has come."""

    AWAITING_HANDSHAKE = auto()
    AWAITING_FIRST_MESSAGE = auto()
    OPEN = auto()
    CLOSED = auto()


_NEUTRAL = (Kind.KEEP_ALIVE, Kind.PORT, Kind.EXTENDED, Kind.UNKNOWN)
_ANY_TIME = (
    Kind.CHOKE,
    Kind.UNCHOKE,
    Kind.INTERESTED,
    Kind.NOT_INTERESTED,
    Kind.HAVE,
    Kind.BITFIELD,
    Kind.REQUEST,
    Kind.CANCEL,
)

# state -> what may come -> the state after it; what is not named is illegal
LEGAL_ORDER: dict[State, dict[int, State]] = {
    State.AWAITING_HANDSHAKE: {
        Kind.HANDSHAKE: State.AWAITING_FIRST_MESSAGE,
    },
    State.AWAITING_FIRST_MESSAGE: {
        **dict.fromkeys(_ANY_TIME, State.OPEN),
        **dict.fromkeys(_NEUTRAL, State.AWAITING_FIRST_MESSAGE),
    },
    State.OPEN: {
        Kind.PIECE: State.OPEN,
        **dict.fromkeys(_ANY_TIME, State.OPEN),
        **dict.fromkeys(_NEUTRAL, State.OPEN),
    },
    State.CLOSED: {},
}

_EXPECTED = {
    State.AWAITING_HANDSHAKE: "a handshake",
    State.AWAITING_FIRST_MESSAGE: "a bitfield or another first message",
    State.OPEN: "a message other than a handshake",
    State.CLOSED: "nothing more",
}


def state_after(state: State, kind: int) -> State | None:
    """Return the state that a message of this kind leads to, or None if it is illegal."""
    order = LEGAL_ORDER[state]
    if kind in order:
        return order[kind]
    return None if kind in _KNOWN else order.get(Kind.UNKNOWN)


def order_broken(state: State, kind: int) -> str:
    """Say in words what was expected in this state, and what came instead."""
    name = Kind(kind).name.lower() if kind in _KNOWN else f"message {kind}"
    return f"expected {_EXPECTED[state]}, found {name.replace('_', ' ')}"


_KNOWN = frozenset(Kind)
