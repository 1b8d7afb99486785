from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import TrackerRefusalError
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import ScrapeReply, ScrapeRequest
from actortorrent.wire.tracker_udp_exchange import UdpConnection, UdpExchange

ASK = ScrapeRequest(b"h" * 20)
FIRST, SECOND = Address("2001:db8::1", 6969), Address("192.0.2.1", 6969)
CONNECT, SCRAPE, ERROR = 0, 2, 3


def exchange(
    *addresses: Address, connection: UdpConnection | None = None, seed: int = 1
) -> UdpExchange:
    rng = random.Random(seed)
    return UdpExchange(ASK, "", addresses or (SECOND,), rng, connection=connection)


def head(packet: bytes) -> tuple[int, int, int]:
    """Return connection id (or magic number), action and transaction id."""
    connection_id, action, transaction_id = struct.unpack_from("!QII", packet)
    return connection_id, action, transaction_id


def connected(transaction_id: int, connection_id: int = 77) -> bytes:
    return struct.pack("!IIQ", CONNECT, transaction_id, connection_id)


def scraped(transaction_id: int) -> bytes:
    return struct.pack("!IIIII", SCRAPE, transaction_id, 3, 9, 4)


def refused(transaction_id: int) -> bytes:
    return struct.pack("!II", ERROR, transaction_id) + b"no"


def test_first_a_connection_then_the_question_then_the_answer() -> None:
    talk = exchange()
    _, action, transaction = head(talk.next_packet(0.0))
    assert action == CONNECT
    assert talk.receive(connected(transaction), 1.0)
    assert talk.reply is None
    connection_id, action, transaction = head(talk.next_packet(1.0))
    assert (connection_id, action) == (77, SCRAPE)
    assert talk.receive(scraped(transaction), 2.0)
    assert talk.reply == ScrapeReply(3, 9, 4)
    assert talk.connection == UdpConnection(77, SECOND, 61.0)


def test_what_is_not_answered_is_sent_again_after_15_30_60_seconds() -> None:
    talk = exchange()
    packets, waits = [], []
    for _ in range(10):
        packets.append(talk.next_packet(0.0))
        waits.append(talk.patience_seconds)
        talk.lose_patience()
    assert len(set(packets)) == 1
    assert waits == [15, 30, 60, 120, 240, 480, 960, 1920, 3840, 3840]


def test_patience_begins_anew_with_the_question() -> None:
    talk = exchange()
    transaction = head(talk.next_packet(0.0))[2]
    talk.lose_patience()
    talk.receive(connected(transaction), 20.0)
    assert talk.patience_seconds == 15


def test_answers_to_something_else_bring_nothing_on() -> None:
    talk = exchange()
    transaction = head(talk.next_packet(0.0))[2]
    for packet in (b"", connected(transaction ^ 1), scraped(transaction), refused(transaction ^ 1)):
        assert not talk.receive(packet, 1.0)
    assert head(talk.next_packet(1.0))[1] == CONNECT


def test_a_connection_from_before_saves_the_first_step() -> None:
    talk = exchange(connection=UdpConnection(77, SECOND, expires_at=60.0))
    assert head(talk.next_packet(59.0))[:2] == (77, SCRAPE)


def test_a_connection_that_ran_out_is_asked_for_again() -> None:
    talk = exchange(connection=UdpConnection(77, SECOND, expires_at=60.0))
    asked = head(talk.next_packet(59.0))[2]
    talk.lose_patience()
    _, action, transaction = head(talk.next_packet(74.0))
    assert action == CONNECT
    assert transaction != asked
    assert talk.receive(connected(transaction, 88), 75.0)
    assert head(talk.next_packet(75.0))[:2] == (88, SCRAPE)


def test_a_tracker_that_forgot_an_old_connection_is_asked_afresh_once() -> None:
    talk = exchange(connection=UdpConnection(77, SECOND, expires_at=60.0))
    assert talk.receive(refused(head(talk.next_packet(1.0))[2]), 1.0)
    _, action, transaction = head(talk.next_packet(1.0))
    assert action == CONNECT
    talk.receive(connected(transaction, 88), 1.0)
    with pytest.raises(TrackerRefusalError, match="no"):
        talk.receive(refused(head(talk.next_packet(1.0))[2]), 1.0)


def test_a_refusal_of_the_connection_is_final() -> None:
    talk = exchange()
    with pytest.raises(TrackerRefusalError):
        talk.receive(refused(head(talk.next_packet(0.0))[2]), 0.0)


def test_silence_turns_to_the_next_address_until_one_has_answered() -> None:
    talk = exchange(FIRST, SECOND)
    seen = []
    for _ in range(3):
        transaction = head(talk.next_packet(0.0))[2]
        seen.append(talk.address)
        talk.lose_patience()
    assert seen == [FIRST, SECOND, FIRST]
    assert talk.address == SECOND
    talk.receive(connected(transaction), 0.0)
    talk.lose_patience()
    assert talk.address == SECOND


def test_an_address_where_nobody_listens_is_given_up() -> None:
    talk = exchange(FIRST, SECOND)
    before = talk.next_packet(0.0)
    assert talk.abandon_address()
    assert talk.address == SECOND
    assert talk.next_packet(0.0) != before
    assert not talk.abandon_address()


STEPS = st.lists(
    st.sampled_from(
        ["connected", "scraped", "refused", "foreign", "silence", "unreachable", "later"]
    ),
    max_size=25,
)


@given(STEPS, st.booleans())
def test_whatever_comes_it_asks_the_right_thing_at_the_right_address(
    steps: list[str], has_connection: bool
) -> None:
    known = UdpConnection(77, FIRST, 60.0) if has_connection else None
    talk = exchange(FIRST, connection=known) if has_connection else exchange(FIRST, SECOND)
    now = 0.0
    for step in steps:
        connection_id, action, transaction = head(talk.next_packet(now))
        if action == SCRAPE:
            assert talk.connection is not None
            assert talk.connection.connection_id == connection_id
            assert talk.connection.address == talk.address
            assert now < talk.connection.expires_at
        assert 15 <= talk.patience_seconds <= 3840
        if step in REPLIES:
            if is_over(talk, step, action, transaction, now):
                return
        elif step == "foreign":
            assert not talk.receive(scraped(transaction ^ 1), now)
        elif step == "silence":
            talk.lose_patience()
        elif step == "unreachable":
            talk.abandon_address()
        else:
            now += 31.0


REPLIES = {"connected": connected, "scraped": scraped, "refused": refused}


def is_over(talk: UdpExchange, reply: str, action: int, transaction: int, now: float) -> bool:
    """Hand it a reply to what it asked last; say whether that was the end."""
    fitting = {CONNECT: "connected", SCRAPE: "scraped"}[action]
    try:
        is_progress = talk.receive(REPLIES[reply](transaction), now)
    except TrackerRefusalError:
        assert reply == "refused"
        return True
    assert is_progress == (reply in (fitting, "refused"))
    assert (talk.reply is not None) == (action == SCRAPE and reply == "scraped")
    return talk.reply is not None
