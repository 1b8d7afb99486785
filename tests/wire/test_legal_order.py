from __future__ import annotations

import pytest

from actortorrent.wire.legal_order import (
    FAST_ORDER,
    LEGAL_ORDER,
    State,
    order_broken,
    state_after,
)
from actortorrent.wire.messages import Kind

BEGINNING, FIRST = State.AWAITING_HANDSHAKE, State.AWAITING_FIRST_MESSAGE
OPEN, CLOSED = State.OPEN, State.CLOSED
FAST = {Kind.SUGGEST, Kind.HAVE_ALL, Kind.HAVE_NONE, Kind.REJECT, Kind.ALLOWED_FAST}
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


@pytest.mark.parametrize("kind", sorted(set(Kind) - NEUTRAL - FAST - {Kind.HANDSHAKE, Kind.PIECE}))
def test_every_other_first_message_opens_the_stream(kind: int) -> None:
    assert state_after(FIRST, kind) is OPEN


@pytest.mark.parametrize("kind", sorted(FAST))
def test_the_fast_messages_are_legal_only_where_both_sides_speak_them(kind: int) -> None:
    assert [state for state in State if state_after(state, kind)] == []
    assert state_after(FIRST, kind, FAST_ORDER) in (FIRST, OPEN)
    assert state_after(BEGINNING, kind, FAST_ORDER) is state_after(CLOSED, kind, FAST_ORDER) is None


def test_have_none_is_a_first_message_and_have_all_may_also_come_later_as_aria2_sends_it() -> None:
    assert state_after(FIRST, Kind.HAVE_NONE, FAST_ORDER) is OPEN
    assert state_after(OPEN, Kind.HAVE_NONE, FAST_ORDER) is None
    assert state_after(FIRST, Kind.HAVE_ALL, FAST_ORDER) is OPEN
    assert state_after(OPEN, Kind.HAVE_ALL, FAST_ORDER) is OPEN


def test_what_is_only_advice_may_come_before_the_bitfield() -> None:
    for kind in (Kind.SUGGEST, Kind.ALLOWED_FAST):
        assert state_after(FIRST, kind, FAST_ORDER) is FIRST
        assert state_after(OPEN, kind, FAST_ORDER) is OPEN


@pytest.mark.parametrize("kind", sorted(set(Kind) - FAST))
def test_all_else_keeps_its_order_where_they_are_spoken(kind: int) -> None:
    for state in State:
        assert state_after(state, kind, FAST_ORDER) is state_after(state, kind)


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
