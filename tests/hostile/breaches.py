"""Hostile peers that shake hands well, and then say what no honest peer says."""

from __future__ import annotations

import struct

from tests.hostile.behaviours import Family
from tests.hostile.line import (
    ALLOWED_FAST,
    BITFIELD,
    CANCEL,
    CHOKE,
    FAST,
    HAVE,
    HAVE_ALL,
    HAVE_NONE,
    INTERESTED,
    NOT_INTERESTED,
    PORT,
    REJECT,
    SUGGEST,
    UNCHOKE,
    bitfield_of,
    block_message,
    message,
    numbers,
)
from tests.hostile.trader import Enemy

breaches = Family("message")

FLOOD = "expected blocks and requests for them, found a flood of others"

MANY = 100_000


def _says(enemy: Enemy, data: bytes, reserved: bytes = bytes(8)) -> None:
    """Greet, send these bytes, and see that they are the end."""
    line = enemy.greet(reserved)
    line.send(data)
    line.until_dropped()


# --- lengths and kinds ---------------------------------------------------------------------------


@breaches(why="found 4294967295")
def says_a_length_of_4_gib(enemy: Enemy) -> None:
    """Announces a message of 2**32 - 1 bytes."""
    _says(enemy, message(BITFIELD, length=2**32 - 1))


@breaches(why="found 2147483648")
def says_a_length_of_2_gib(enemy: Enemy) -> None:
    """Announces a message of 2**31 bytes, a negative number to some."""
    _says(enemy, message(20, length=2**31))


@breaches(why="expected at most 131081 bytes, found 131082")
def says_a_length_one_too_many(enemy: Enemy) -> None:
    """Announces a message a byte longer than any may be."""
    _says(enemy, message(7, length=131_082))


@breaches()
def says_a_length_and_stops(enemy: Enemy) -> None:
    """Announces a long message and sends a part of it, and then nothing."""
    enemy.greet().send(message(7, bytes(20_000), length=131_000))


@breaches(why=FLOOD)
def floods_with_keep_alives(enemy: Enemy) -> None:
    """Sends messages of length 0, 100,000 of them."""
    _says(enemy, bytes(4 * MANY))


@breaches(why=FLOOD)
def floods_with_unknown_kinds(enemy: Enemy) -> None:
    """Sends 20,000 messages of kinds that nobody has named."""
    _says(enemy, (message(255, b"future") + message(77, b"past")) * 10_000)


@breaches(why="expected choke of length 1, found length 2")
def chokes_with_a_body(enemy: Enemy) -> None:
    """Sends a choke that has a body."""
    _says(enemy, message(CHOKE, b"!"))


@breaches(why="expected have of length 5, found length 3")
def has_half_a_number(enemy: Enemy) -> None:
    """Sends a have of two bytes."""
    _says(enemy, message(HAVE, b"ab"))


@breaches(why="expected an extended message with its number, found none")
def extends_by_nothing(enemy: Enemy) -> None:
    """Sends an extended message without the number of the extension."""
    _says(enemy, message(20))


# --- pieces --------------------------------------------------------------------------------------


@breaches(why="expected a piece index under 192")
def has_a_piece_that_is_none(enemy: Enemy) -> None:
    """Has a piece behind the last."""
    _says(enemy, message(HAVE, numbers(192)))


@breaches(why="expected a piece index under 192")
def has_piece_4_billion(enemy: Enemy) -> None:
    """Has the piece with the highest number there is."""
    _says(enemy, message(HAVE, numbers(2**32 - 1)))


@breaches(why=FLOOD)
def has_one_piece_again_and_again(enemy: Enemy) -> None:
    """Says 100,000 times that it has the same piece."""
    _says(enemy, message(HAVE, numbers(enemy.bait)) * MANY)


@breaches(why="expected a bitfield of 24 bytes, found 23")
def sends_a_short_bitfield(enemy: Enemy) -> None:
    """Sends a bitfield a byte too short."""
    _says(enemy, message(BITFIELD, bytes(23)))


@breaches(why="expected a bitfield of 24 bytes, found 131000")
def sends_a_long_bitfield(enemy: Enemy) -> None:
    """Sends a bitfield of a million pieces."""
    _says(enemy, message(BITFIELD, bytes(131_000)))


@breaches(why="expected a bitfield of 24 bytes, found 0")
def sends_an_empty_bitfield(enemy: Enemy) -> None:
    """Sends a bitfield without a byte."""
    _says(enemy, message(BITFIELD))


@breaches()
def sends_a_late_bitfield(enemy: Enemy) -> None:
    """Sends its bitfield behind other messages."""
    line = enemy.greet()
    line.say(UNCHOKE)
    line.say(HAVE, numbers(enemy.bait))
    line.say(BITFIELD, bitfield_of((enemy.bait,), enemy.content.piece_count))


@breaches()
def takes_back_what_it_has(enemy: Enemy) -> None:
    """Sends 2,000 bitfields, by turns with the piece that we want and without any."""
    count = enemy.content.piece_count
    pair = message(BITFIELD, bitfield_of((enemy.bait,), count)) + message(BITFIELD, bytes(24))
    enemy.greet().send(pair * 1000)


@breaches(why="expected a message other than a handshake|expected nothing more|found have none")
def has_none_after_all(enemy: Enemy) -> None:
    """Says by BEP 6 that it has nothing, after it has said what it has."""
    _says(enemy, message(HAVE_ALL) + message(HAVE_NONE), FAST)


@breaches(why="found have all")
def has_all_without_leave(enemy: Enemy) -> None:
    """Speaks as BEP 6 has it, though it never said that it would."""
    _says(enemy, message(HAVE_ALL))


@breaches(why="found piece")
def begins_with_a_block(enemy: Enemy) -> None:
    """Sends a block as its first message, when nobody can have asked for any."""
    _says(enemy, block_message(enemy.bait, 0, enemy.bait_block(0)))


@breaches(why="expected a reject of what was asked for")
def rejects_what_nobody_asked(enemy: Enemy) -> None:
    """Rejects requests that were never made."""
    _says(enemy, message(HAVE_ALL) + message(REJECT, numbers(enemy.bait, 0, 16384)), FAST)


@breaches(why="expected a piece index under 192")
def suggests_a_piece_that_is_none(enemy: Enemy) -> None:
    """Advises us to fetch a piece behind the last."""
    _says(enemy, message(SUGGEST, numbers(10**6)), FAST)


@breaches(why="expected a piece index under 192")
def allows_a_piece_that_is_none(enemy: Enemy) -> None:
    """Allows us to ask, while choked, for a piece behind the last."""
    _says(enemy, message(ALLOWED_FAST, numbers(10**9)), FAST)


@breaches(why=FLOOD)
def allows_everything_again_and_again(enemy: Enemy) -> None:
    """Sends 50,000 suggestions and permissions of BEP 6."""
    pair = message(SUGGEST, numbers(enemy.bait)) + message(ALLOWED_FAST, numbers(enemy.bait))
    _says(enemy, message(HAVE_NONE) + pair * (MANY // 4), FAST)


# --- storms --------------------------------------------------------------------------------------


@breaches(why=FLOOD)
def flaps_its_choke(enemy: Enemy) -> None:
    """Chokes and unchokes us 20,000 times in a row, with a piece that we want."""
    line = enemy.offer()
    line.send((message(CHOKE) + message(UNCHOKE)) * 20_000)
    line.until_dropped()


@breaches(why=FLOOD)
def flaps_its_interest(enemy: Enemy) -> None:
    """Is interested, and is not, 20,000 times in a row."""
    _says(enemy, (message(INTERESTED) + message(NOT_INTERESTED)) * 20_000)


@breaches(why=FLOOD)
def cancels_what_it_never_asked(enemy: Enemy) -> None:
    """Takes back 50,000 requests that it never made."""
    _says(enemy, message(CANCEL, numbers(0, 0, 16384)) * 50_000)


@breaches(why="expected an end within|expected 1 to")
def cancels_beyond_the_end(enemy: Enemy) -> None:
    """Takes back a request that nobody could have made."""
    _says(enemy, message(CANCEL, numbers(0, 2**31, 16384)))


@breaches(why=FLOOD)
def names_20_000_nodes(enemy: Enemy) -> None:
    """Says on 20,000 ports, one after the other, that it is a node of the DHT."""
    ports = b"".join(message(PORT, struct.pack(">H", port)) for port in range(20_000))
    _says(enemy, ports, bytes(7) + b"\x01")
