"""Hostile peers that want what we have: how they ask for it, and what they do with it."""

from __future__ import annotations

from tests.hostile.behaviours import Family
from tests.hostile.line import (
    BLOCK_BYTES,
    CANCEL,
    FAST,
    HAVE_NONE,
    INTERESTED,
    NOT_INTERESTED,
    PIECE,
    REQUEST,
    UNCHOKE,
    Line,
    message,
    numbers,
)
from tests.hostile.trader import PIECE_BYTES, Enemy

takers = Family("request")

MANY = 100_000
REVIEW_SECONDS = 2.0  # for the slots to be given out anew, in haste: mostly a quarter of it
FLOOD = "expected blocks and requests for them, found a flood of others"
TOO_MANY = "expected at most 2000 requests waiting|expected a peer that reads"


def _unchoked(enemy: Enemy, reserved: bytes = bytes(8)) -> Line:
    """Greet, and become one of those that are served."""
    line = enemy.greet(reserved)
    if reserved == FAST:
        line.say(HAVE_NONE)
    line.say(INTERESTED)
    line.hear(UNCHOKE)
    return line


def _asks(enemy: Enemy, piece: int, offset: int, length: int) -> None:
    line = _unchoked(enemy)
    line.say(REQUEST, numbers(piece, offset, length))
    line.until_dropped()


@takers(why=TOO_MANY)
def asks_100_000_times_and_reads_nothing(enemy: Enemy) -> None:
    """Asks 100,000 times for a block, and reads none of them."""
    line = _unchoked(enemy)
    asks = message(REQUEST, numbers(0, 0, BLOCK_BYTES)) * 1000
    line.until_dropped_while(lambda: line.send(asks))


@takers(why=FLOOD)
def asks_100_000_times_by_bep_6(enemy: Enemy) -> None:
    """Asks 100,000 times where each refusal must be told, and reads none."""
    line = _unchoked(enemy, FAST)
    asks = message(REQUEST, numbers(0, 0, BLOCK_BYTES)) * 5000
    line.until_dropped_while(lambda: line.send(asks))


@takers(why=FLOOD)
def asks_while_choked_by_bep_6(enemy: Enemy) -> None:
    """Asks without end while it is choked, where each refusal must be told, and reads none."""
    line = enemy.greet(FAST)
    line.say(HAVE_NONE)
    asks = message(REQUEST, numbers(1, 0, BLOCK_BYTES)) * 5000
    line.until_dropped_while(lambda: line.send(asks))


@takers(why=FLOOD)
def asks_while_choked(enemy: Enemy) -> None:
    """Asks 100,000 times while it is choked."""
    line = enemy.greet()
    line.send(message(REQUEST, numbers(0, 0, BLOCK_BYTES)) * MANY)
    line.until_dropped()


@takers()
def asks_for_much_and_reads_nothing(enemy: Enemy) -> None:
    """Asks for as much as it may, and never reads any of it."""
    line = _unchoked(enemy)
    line.send(message(REQUEST, numbers(0, 0, BLOCK_BYTES)) * 1500)


@takers(why=f"{FLOOD}|{TOO_MANY}")
def asks_and_takes_back(enemy: Enemy) -> None:
    """Asks and takes it back at once, 20,000 times."""
    line = _unchoked(enemy)
    name = numbers(0, 0, BLOCK_BYTES)
    enemy.at_work(lambda: line.send((message(REQUEST, name) + message(CANCEL, name)) * 20_000))
    line.until_dropped()


@takers()
def asks_for_single_bytes(enemy: Enemy) -> None:
    """Asks for 1,500 single bytes, each of which costs us a message."""
    line = _unchoked(enemy)
    line.send(b"".join(message(REQUEST, numbers(0, at, 1)) for at in range(1500)))
    for _ in range(1500):
        line.hear(PIECE)


@takers(why="expected an end within")
def asks_beyond_the_piece(enemy: Enemy) -> None:
    """Asks for a block that reaches beyond the end of its piece."""
    _asks(enemy, 0, PIECE_BYTES - 1, BLOCK_BYTES)


@takers(why="expected an end within|expected 1 to")
def asks_at_an_offset_of_4_gib(enemy: Enemy) -> None:
    """Asks for a block at the highest offset there is, where adding its length overflows."""
    _asks(enemy, 0, 2**32 - 1, BLOCK_BYTES)


@takers(why="expected a piece index under 192")
def asks_for_a_piece_that_is_none(enemy: Enemy) -> None:
    """Asks for a block of a piece behind the last."""
    _asks(enemy, 192, 0, BLOCK_BYTES)


@takers(why="expected 1 to 131072 bytes")
def asks_for_nothing(enemy: Enemy) -> None:
    """Asks for a block of no bytes."""
    _asks(enemy, 0, 0, 0)


@takers(why="expected 1 to 131072 bytes")
def asks_for_2_gib(enemy: Enemy) -> None:
    """Asks for a block of 2**31 bytes."""
    _asks(enemy, 0, 0, 2**31)


@takers(why="expected a piece that we have")
def asks_for_what_we_lack(enemy: Enemy) -> None:
    """Asks for a piece that we never said we had, and of which the disk may hold anything."""
    _asks(enemy, enemy.bait, 0, BLOCK_BYTES)


@takers(within_seconds=REVIEW_SECONDS)
def takes_slots_and_nothing_else(enemy: Enemy) -> None:
    """Comes with 20 connections that are all interested, and ask for nothing."""
    for _ in range(20):
        enemy.greet().say(INTERESTED)


@takers()
def wants_and_does_not(enemy: Enemy) -> None:
    """Becomes interested and loses interest while blocks are on their way."""
    line = _unchoked(enemy)
    asks = message(REQUEST, numbers(0, 0, BLOCK_BYTES)) * 10
    line.send((asks + message(NOT_INTERESTED) + message(INTERESTED)) * 100)
    enemy.at_work(lambda: list(line.messages()))
