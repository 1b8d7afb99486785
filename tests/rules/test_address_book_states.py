"""The address book as a swarm uses it, in any order, beside a model of what every address is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actortorrent.rules import address_book
from actortorrent.rules.address_book import (
    FIRST_RETRY_SECONDS,
    MOST_FAILURES,
    MOST_FAILURES_OF_MET,
    MOST_RETRY_SECONDS,
    QUICK_RETRIES,
    STEADY_SECONDS,
    AddressBook,
)
from actortorrent.wire.addresses import Address

PRIVATE, GLOBAL = "127.0.0.1", "8.8.8.8"
ADDRESSES = [Address(host, port) for host in (PRIVATE, GLOBAL) for port in range(1, 6)]
ROOM = 7  # for addresses; fewer than there are
SLACK = 0.1  # of a pause, both ways: so that not all come back at once
ROUNDING = 1e-6
PEER_IDS = [b"-XX0001-aaaaaaaaaaaa", b""]


@dataclass
class Known:
    """What the model knows of an address that is in the book.

    Attributes:
        failures: in a row.
        due_from, due_until: when the end of the pause must lie.
        connected_at: of the connection that there is.
    """

    due_from: float
    due_until: float
    failures: int = 0
    is_in_use: bool = False
    has_answered: bool = False
    connected_at: float | None = None
    has_everything: bool = False


class BookOfASwarm(RuleBasedStateMachine):
    """Deal with a book as the swarm does."""

    def __init__(self) -> None:
        super().__init__()
        self.room = patch.object(address_book, "MAX_ADDRESSES", ROOM)
        self.room.start()
        self.book = AddressBook(random.Random(0))
        self.now = 0.0
        self.known: dict[Address, Known] = {}
        self.banned: set[Address | str | bytes] = set()

    def teardown(self) -> None:
        self.room.stop()

    def some(self, data: st.DataObject, of: Callable[[Known], bool]) -> Address:
        return data.draw(st.sampled_from([a for a, known in self.known.items() if of(known)]))

    # --- what the swarm does --------------------------------------------------------------------

    @rule(found=st.lists(st.sampled_from(ADDRESSES), max_size=6))
    def some_are_found(self, found: list[Address]) -> None:
        before = len(self.known)
        for address in found:
            is_new = address not in self.known and not self.is_banned(address)
            if is_new and len(self.known) < ROOM:
                self.known[address] = Known(self.now, self.now)
        assert self.book.add(found, "test", self.now) == len(self.known) - before

    @rule(seconds=st.sampled_from([0.0, 1.0, 6.0, 60.0, 3600.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(skip_complete=st.booleans(), most=st.integers(1, 9))
    def those_that_are_due_are_dialled(self, skip_complete: bool, most: int) -> None:
        for _ in range(most):
            self.dial_next(skip_complete=skip_complete)

    def dial_next(self, *, skip_complete: bool) -> Address | None:
        address = self.book.next_to_dial(self.now, skip_complete=skip_complete)
        if address is not None:
            known = self.known[address]
            assert not known.is_in_use
            assert not self.is_banned(address)
            assert known.due_from <= self.now
            assert not (skip_complete and known.has_everything)
            self.book.dialled(address)
            known.is_in_use = True
        return address

    @precondition(lambda self: any(one.is_in_use for one in self.known.values()))
    @rule(data=st.data())
    def one_answers(self, data: st.DataObject) -> None:
        self.answer(self.some(data, lambda known: known.is_in_use))

    @precondition(lambda self: any(one.is_in_use for one in self.known.values()))
    @rule(data=st.data(), has_everything=st.booleans())
    def one_fails_or_leaves(self, data: st.DataObject, has_everything: bool) -> None:
        self.end(self.some(data, lambda known: known.is_in_use), has_everything=has_everything)

    @rule(
        times=st.integers(1, MOST_FAILURES),
        lasts_seconds=st.sampled_from([None, None, 1.0, STEADY_SECONDS]),
        has_everything=st.booleans(),
    )
    def whoever_is_due_next_comes_and_goes(
        self, times: int, lasts_seconds: float | None, has_everything: bool
    ) -> None:
        for _ in range(times):
            self.now += (self.book.seconds_to_next(self.now) or 0.0) + ROUNDING
            address = self.dial_next(skip_complete=False)
            if address is None:
                return
            if lasts_seconds is not None:
                self.answer(address)
                self.now += lasts_seconds
            self.end(address, has_everything=has_everything)

    def answer(self, address: Address) -> None:
        self.book.answered(address, self.now)
        self.known[address].has_answered = True
        self.known[address].connected_at = self.now

    def end(self, address: Address, *, has_everything: bool) -> None:
        known = self.known[address]
        if known.connected_at is None:
            self.book.failed(address, self.now)
            self.ended(known)
            if known.failures >= (MOST_FAILURES_OF_MET if known.has_answered else MOST_FAILURES):
                del self.known[address]
        else:
            self.book.left(address, self.now, has_everything=has_everything)
            known.has_everything = has_everything
            self.ended(known)

    def ended(self, known: Known) -> None:
        began, known.connected_at = known.connected_at, None
        if began is not None and self.now - began >= STEADY_SECONDS:
            known.failures = 0
        known.failures += 1
        known.is_in_use = False
        pause = min(MOST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** (known.failures - 1))
        known.due_from = self.now + pause * (1 - SLACK) - ROUNDING
        known.due_until = self.now + pause * (1 + SLACK) + ROUNDING

    @rule(address=st.sampled_from(ADDRESSES), peer_id=st.sampled_from(PEER_IDS))
    def one_is_banned(self, address: Address, peer_id: bytes) -> None:
        self.book.ban(address, peer_id)
        self.banned |= {address, peer_id} - {b""}
        if address.host == GLOBAL:
            self.banned.add(GLOBAL)
        self.known = {one: known for one, known in self.known.items() if not self.is_banned(one)}

    @rule(address=st.sampled_from(ADDRESSES))
    def one_turns_out_to_be_our_own(self, address: Address) -> None:
        self.book.remove(address)
        self.banned.add(address)
        self.known.pop(address, None)

    @rule(address=st.sampled_from(ADDRESSES))
    def late_news_of_one_that_is_gone(self, address: Address) -> None:
        if address not in self.known:
            self.book.answered(address, self.now)
            self.book.left(address, self.now, has_everything=True)
            self.book.failed(address, self.now)

    @precondition(lambda self: not any(one.is_in_use for one in self.known.values()))
    @rule()
    def the_torrent_is_known_and_all_begins_anew(self) -> None:
        self.book.begin_anew(self.now)
        for known in self.known.values():
            known.failures = -QUICK_RETRIES if known.has_answered else 0
            known.due_from = min(known.due_from, self.now)
            known.due_until = min(known.due_until, self.now)

    # --- what always holds ----------------------------------------------------------------------

    def is_banned(self, address: Address) -> bool:
        return bool({address, address.host} & self.banned)

    @invariant()
    def the_book_has_what_the_model_has(self) -> None:
        assert len(self.book) == len(self.known) <= ROOM
        waiting = [one for one in self.known.values() if not one.is_in_use]
        assert self.book.waiting_count == len(waiting)
        assert {one for one in ADDRESSES if self.book.is_banned(one)} == {
            one for one in ADDRESSES if self.is_banned(one)
        }
        for peer_id in PEER_IDS:
            stranger = Address("10.0.0.1", 1)
            assert self.book.is_banned(stranger, peer_id) == (peer_id in self.banned)

    @invariant()
    def the_next_is_due_when_the_model_says(self) -> None:
        for skip_complete in (False, True):
            waiting = [
                one
                for one in self.known.values()
                if not one.is_in_use and not (skip_complete and one.has_everything)
            ]
            seconds = self.book.seconds_to_next(self.now, skip_complete=skip_complete)
            next_one = self.book.next_to_dial(self.now, skip_complete=skip_complete)
            assert (next_one is not None) == (seconds == 0.0)
            if not waiting:
                assert seconds is None
                continue
            assert seconds is not None
            earliest = min(one.due_from for one in waiting)
            latest = min(one.due_until for one in waiting)
            assert max(0.0, earliest - self.now) <= seconds <= max(0.0, latest - self.now)

    @invariant()
    def hope_ends_when_each_was_tried_twice(self) -> None:
        assert self.book.is_hopeless == all(
            not one.is_in_use and one.failures >= 2 for one in self.known.values()
        )


TestBookOfASwarm = BookOfASwarm.TestCase
TestBookOfASwarm.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
