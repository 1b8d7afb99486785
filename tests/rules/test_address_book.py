from __future__ import annotations

import random
from typing import Literal

import pytest

from actortorrent.rules import address_book
from actortorrent.rules.address_book import (
    FIRST_RETRY_SECONDS,
    MAX_ADDRESSES,
    MOST_FAILURES,
    MOST_FAILURES_OF_MET,
    MOST_RETRY_SECONDS,
    STEADY_SECONDS,
    AddressBook,
)
from actortorrent.wire.addresses import Address

A, B, C = (Address("127.0.0.1", port) for port in (1, 2, 3))
PEER_ID = b"-XX0001-abcdefghijkl"
SLACK = 1.1  # of a pause: so that not all come back at once


def book_of(*addresses: Address, now: float = 0.0) -> AddressBook:
    book = AddressBook(random.Random(0))
    book.add(addresses, "test", now)
    return book


def dial(book: AddressBook, now: float = 0.0) -> Address:
    """Dial whatever is due, and return it."""
    address = book.next_to_dial(now)
    assert address is not None
    book.dialled(address)
    return address


def fail_often(book: AddressBook, address: Address, times: int) -> float:
    """Let dial after dial fail; return the time of the last."""
    now = 0.0
    for _ in range(times):
        now += book.seconds_to_next(now) or 0.0
        assert dial(book, now) == address
        book.failed(address, now)
    return now


def test_beginning_anew_everybody_may_be_dialled_at_once() -> None:
    book = book_of(A, B)
    for leave in (book.failed, book.left):
        leave(dial(book), 0.0)
    assert book.next_to_dial(1.0) is None
    book.begin_anew(1.0)
    assert {dial(book, 1.0), dial(book, 1.0)} == {A, B}
    assert not book.is_hopeless


def test_who_answered_before_we_begin_anew_is_soon_tried_again() -> None:
    book = book_of(A)
    dial(book)
    book.answered(A, 0.0)
    book.left(A, 0.0)
    book.begin_anew(1.0)
    pauses = []
    now = 1.0
    for _ in range(4):
        assert dial(book, now) == A
        book.failed(A, now)
        pauses.append(book.seconds_to_next(now) or 0.0)
        now += pauses[-1]
    expected = [FIRST_RETRY_SECONDS * part for part in (1 / 4, 1 / 2, 1, 2)]
    assert pauses == pytest.approx(expected, rel=0.11)


# --- whom to dial --------------------------------------------------------------------------------


def test_an_address_is_written_down_once() -> None:
    book = book_of(A, B, A)
    assert len(book) == 2
    assert book.add([B, C], "another source", 0.0) == 1


def test_every_address_is_dialled_once_at_a_time() -> None:
    book = book_of(A, B, C)
    assert {dial(book), dial(book), dial(book)} == {A, B, C}
    assert book.next_to_dial(0.0) is None
    assert book.seconds_to_next(0.0) is None
    assert book.waiting_count == 0


def test_who_is_dialled_first_is_chance() -> None:
    first = {AddressBook(random.Random(seed)) for seed in range(30)}
    for book in first:
        book.add([A, B, C], "test", 0.0)
    assert {book.next_to_dial(0.0) for book in first} == {A, B, C}


def test_the_connection_of_the_highest_priority_is_dialled_first() -> None:
    worth = {A: 5, B: 9, C: None}
    book = AddressBook(random.Random(0), worth.get)
    book.add(worth, "test", 0.0)
    assert [dial(book) for _ in worth] == [B, A, C]


def test_priorities_that_become_known_later_count_from_then_on() -> None:
    worth: dict[Address, int] = {}
    book = AddressBook(random.Random(0), worth.get)
    book.add([A, B, C], "test", 0.0)
    assert book.figures_of(B)["rule"] == "by chance"
    worth |= {A: 1, B: 2, C: 3}
    book.rank_anew()
    assert [dial(book) for _ in worth] == [C, B, A]
    assert book.figures_of(B) == {
        "source": "test",
        "failures": 0,
        "priority": 2,
        "rule": "BEP 40, highest",
    }


def test_who_failed_waits_for_those_who_did_not_whatever_their_priority() -> None:
    book = AddressBook(random.Random(0), {A: 9, B: 5}.get)
    book.add([A, B], "test", 0.0)
    assert dial(book) == A
    book.failed(A, 0.0)
    assert dial(book, 2 * FIRST_RETRY_SECONDS) == B


def test_of_a_flood_the_first_are_kept() -> None:
    flood = [Address("10.0.0.1", port) for port in range(1, MAX_ADDRESSES + 100)]
    book = book_of(*flood)
    assert len(book) == MAX_ADDRESSES
    assert book.add([A], "too late", 0.0) == 0


def test_for_one_who_is_complete_those_who_have_everything_are_left_out() -> None:
    book = book_of(A, B)
    for address in (dial(book), dial(book)):
        book.answered(address, 0.0)
        book.left(address, 0.0, has_everything=address == A)
    later = 2 * FIRST_RETRY_SECONDS
    assert [book.next_to_dial(later, skip_complete=True) for _ in range(9)] == [B] * 9
    book.dialled(B)
    assert book.next_to_dial(later, skip_complete=True) is None
    assert book.seconds_to_next(later, skip_complete=True) is None
    assert book.next_to_dial(later) == A


# --- when to try again ------------------------------------------------------------------------------


def test_each_failure_doubles_the_pause() -> None:
    book = book_of(A)
    book.answered(A, 0.0)  # or it would be forgotten
    now, pauses = 0.0, []
    for _ in range(MOST_FAILURES_OF_MET - 1):
        book.dialled(A)
        book.failed(A, now)
        pauses.append(book.seconds_to_next(now) or 0.0)
        now += pauses[-1]
    for count, pause in enumerate(pauses):
        expected = min(MOST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**count)
        assert expected / SLACK < pause < expected * SLACK
        assert book.next_to_dial(now - pauses[-1] / 2) is None


def test_a_session_of_months_still_knows_when_to_try_again() -> None:
    book = book_of(A)
    for _ in range(5000):
        book.answered(A, 0.0)
        book.left(A, 0.0)
    assert 0 < (book.seconds_to_next(0.0) or 0.0) < MOST_RETRY_SECONDS * SLACK


@pytest.mark.parametrize("ending", ["failed", "left"])
def test_a_connection_that_lasts_ends_the_row_of_failures(
    ending: Literal["failed", "left"],
) -> None:
    book = book_of(A)
    now = fail_often(book, A, MOST_FAILURES - 1)
    now += book.seconds_to_next(now) or 0.0
    dial(book, now)
    book.answered(A, now)
    now += STEADY_SECONDS
    getattr(book, ending)(A, now)
    assert 0 < (book.seconds_to_next(now) or 0.0) < FIRST_RETRY_SECONDS * SLACK


def test_a_peer_that_answers_and_goes_at_once_is_left_alone_longer_each_time() -> None:
    book = book_of(A)
    now, pauses = 0.0, []
    for _ in range(6):
        dial(book, now)
        book.answered(A, now)
        book.left(A, now)
        pauses.append(book.seconds_to_next(now) or 0.0)
        now += pauses[-1]
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2**5 * FIRST_RETRY_SECONDS / SLACK


def test_an_address_that_never_answered_is_forgotten_at_last() -> None:
    book = book_of(A)
    fail_often(book, A, MOST_FAILURES)
    assert len(book) == 0
    assert book.add([A], "the tracker, again", 0.0) == 1


def test_an_address_that_answered_once_is_forgotten_only_after_many_more_failures() -> None:
    book = book_of(A)
    dial(book, 0.0)
    book.answered(A, 0.0)
    book.left(A, 0.0)
    now = fail_often(book, A, MOST_FAILURES_OF_MET - 2)
    assert len(book) == 1
    assert now > 60 * 60
    fail_often(book, A, 1)
    assert len(book) == 0


def test_what_is_not_in_the_book_may_answer_fail_and_leave() -> None:
    book = book_of()
    book.answered(A, 0.0)
    book.failed(A, 0.0)
    book.left(A, 0.0)
    assert len(book) == 0


# --- hope ---------------------------------------------------------------------------------------------


def test_an_empty_book_is_hopeless() -> None:
    assert book_of().is_hopeless


def test_there_is_hope_until_each_address_has_failed_twice() -> None:
    book = book_of(A, B)
    seen = [book.is_hopeless]
    for now in (0.0, 100.0):
        for _ in range(2):
            address = dial(book, now)
            seen.append(book.is_hopeless)
            book.failed(address, now)
            seen.append(book.is_hopeless)
    assert seen == [False] * 8 + [True]


# --- never again ------------------------------------------------------------------------------------------


def test_ourselves_are_dialled_once_and_never_again() -> None:
    book = book_of(A)
    book.remove(dial(book))
    assert book.add([A], "the tracker", 0.0) == 0
    assert book.is_banned(A)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "192.168.1.7", "10.1.2.3", "::1", "fe80::1", "fd00::1"]
)
def test_where_peers_share_a_host_only_the_one_is_banned(host: str) -> None:
    guilty, neighbour = Address(host, 1), Address(host, 2)
    book = book_of(guilty, neighbour)
    book.ban(guilty, PEER_ID)
    assert book.is_banned(guilty)
    assert not book.is_banned(neighbour)
    assert book.is_banned(neighbour, PEER_ID)
    assert dial(book) == neighbour


@pytest.mark.parametrize("host", ["8.8.8.8", "2001:4860:4860::8888"])
def test_a_host_of_the_wide_internet_is_banned_whole(host: str) -> None:
    guilty, again, other = Address(host, 1), Address(host, 2), Address("9.9.9.9", 1)
    book = book_of(guilty, again, other)
    book.ban(guilty, b"")
    assert book.is_banned(again)
    assert dial(book) == other
    assert book.next_to_dial(0.0) is None
    assert book.add([again, Address(host, 3)], "the tracker", 0.0) == 0


def test_a_name_is_banned_with_its_port() -> None:
    guilty, neighbour = Address("seed.example.org", 1), Address("seed.example.org", 2)
    book = book_of(guilty, neighbour)
    book.ban(guilty, b"")
    assert book.is_banned(guilty)
    assert not book.is_banned(neighbour)


def test_nobody_is_banned_for_having_no_peer_id_yet() -> None:
    book = book_of()
    book.ban(A, b"")
    assert not book.is_banned(B, b"")


def test_the_list_of_the_banned_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address_book, "MAX_BANNED", 3)
    book = book_of()
    for port in range(1, 100):
        book.ban(Address("127.0.0.1", port), b"")
    assert [book.is_banned(Address("127.0.0.1", port)) for port in (1, 3, 4)] == [True, True, False]
