from __future__ import annotations

import pytest

from actortorrent.wire.legal_order import LEGAL_ORDER, State, order_broken, state_after
from actortorrent.wire.messages import Kind

BEGINNING, FIRST = State.AWAITING_HANDSHAKE, State.AWAITING_FIRST_MESSAGE
OPEN, CLOSED = State.OPEN, State.CLOSED
NEUTRAL = {Kind.KEEP_ALIVE, Kind.PORT, Kind.EXTENDED, Kind.UNKNOWN}


def test_the_first_thing_is_a_handshake_and_it_comes_once() -> None:
    assert [state for state in State if state_after(state, Kind.HANDSHAKE)] == [BEGINNING]
    assert set(LEGAL_ORDER[BEGINNING]) == {Kind.HANDSHAKE}


def test_a_bitfield_may_also_come_in_the_middle_as_aria2_sends_it() -> None:
    assert [state for state in State if state_after(state, Kind.BITFIELD)] == [FIRST, OPEN]


def test_a_block_cannot_be_the_first_message() -> None:
    assert [state for state in State if state_after(state, Kind.PIECE)] == [OPEN]


@pytest.mark.parametrize("kind", sorted(NEUTRAL))
def test_what_says_nothing_of_pieces_may_come_before_the_bitfield(kind: int) -> None:
    assert state_after(FIRST, kind) is FIRST
    assert state_after(OPEN, kind) is OPEN


@pytest.mark.parametrize("kind", sorted(set(Kind) - NEUTRAL - {Kind.HANDSHAKE, Kind.PIECE}))
def test_every_other_first_message_opens_the_stream(kind: int) -> None:
    assert state_after(FIRST, kind) is OPEN


def test_kinds_that_nobody_named_are_let_through_once_hands_are_shaken() -> None:
    assert state_after(BEGINNING, 99) is None
    assert state_after(FIRST, 99) is FIRST
    assert state_after(OPEN, 99) is OPEN


@pytest.mark.parametrize("kind", sorted(Kind))
def test_nothing_comes_after_the_end(kind: int) -> None:
    assert state_after(CLOSED, kind) is None


def test_a_broken_order_says_what_was_expected_and_what_came() -> None:
    expected = "expected a message other than a handshake, found handshake"
    assert order_broken(OPEN, Kind.HANDSHAKE) == expected
    assert order_broken(CLOSED, 99) == "expected nothing more, found message 99"
    assert order_broken(BEGINNING, Kind.NOT_INTERESTED).endswith("found not interested")
