"""Which message may follow which: the legal order of BEP 3 and of BEP 6, as tables.

A connection carries two streams, one each way, and each obeys the table by itself:
first a handshake, once, then messages in any order.

* A bitfield is the first message by BEP 3, but aria2 also sends one in the middle, in
  place of many `have`s: it adds to what is known, and takes nothing away.
* A block cannot be the first message: nothing can have been asked for, since every
  connection begins choked.
* Whether a *choked* side may ask is no question of order: see `PeerProtocol`.
* The five messages of BEP 6 are legal only where both handshakes say that they are spoken:
  that is `FAST_ORDER`. `have none` is only a first message; `have all` may, as aria2 sends
  it, come in the middle, as a bitfield may.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeAlias

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

Order: TypeAlias = "dict[State, dict[int, State]]"

# state -> what may come -> the state after it; what is not named is illegal
LEGAL_ORDER: Order = {
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

# ... where both sides speak BEP 6; what is only advice may also come before the bitfield
FAST_ORDER: Order = {
    **LEGAL_ORDER,
    State.AWAITING_FIRST_MESSAGE: {
        **LEGAL_ORDER[State.AWAITING_FIRST_MESSAGE],
        Kind.HAVE_ALL: State.OPEN,
        Kind.HAVE_NONE: State.OPEN,
        Kind.REJECT: State.OPEN,
        Kind.SUGGEST: State.AWAITING_FIRST_MESSAGE,
        Kind.ALLOWED_FAST: State.AWAITING_FIRST_MESSAGE,
    },
    State.OPEN: {
        **LEGAL_ORDER[State.OPEN],
        **dict.fromkeys((Kind.HAVE_ALL, Kind.REJECT, Kind.SUGGEST, Kind.ALLOWED_FAST), State.OPEN),
    },
}

_EXPECTED = {
    State.AWAITING_HANDSHAKE: "a handshake",
    State.AWAITING_FIRST_MESSAGE: "a bitfield or another first message",
    State.OPEN: "a message other than a handshake",
    State.CLOSED: "nothing more",
}


def state_after(state: State, kind: int, order: Order = LEGAL_ORDER) -> State | None:
    """Return the state that a message of this kind leads to, or None if it is illegal."""
    legal = order[state]
    if kind in legal:
        return legal[kind]
    return None if kind in _KNOWN else legal.get(Kind.UNKNOWN)


def order_broken(state: State, kind: int) -> str:
    """Say in words what was expected in this state, and what came instead."""
    name = Kind(kind).name.lower() if kind in _KNOWN else f"message {kind}"
    return f"expected {_EXPECTED[state]}, found {name.replace('_', ' ')}"


_KNOWN = frozenset(Kind)
