"""Hostile peers that have what we want: what they give for it, and what not."""

from __future__ import annotations

from contextlib import suppress

from tests.hostile.behaviours import Family
from tests.hostile.line import (
    ALLOWED_FAST,
    BITFIELD,
    BLOCK_BYTES,
    CHOKE,
    FAST,
    HAVE_ALL,
    PIECE,
    REJECT,
    REQUEST,
    UNCHOKE,
    GoneError,
    Line,
    bitfield_of,
    block_message,
    message,
    numbers,
)
from tests.hostile.trader import PIECE_BYTES, Enemy

givers = Family("data")

FLOOD = "expected blocks that we asked for"


def _asked(body: bytes) -> tuple[int, int, int]:
    piece, offset, length = (int.from_bytes(body[at : at + 4]) for at in (0, 4, 8))
    return piece, offset, length


def _wrong(data: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in data)


@givers(why="sent bad data for piece")
def sends_wrong_bytes(enemy: Enemy) -> None:
    """Answers each request with wrong bytes."""
    line = enemy.offer()
    for _ in range(4):
        piece, offset, _ = _asked(line.hear(REQUEST)[1])
        line.send(block_message(piece, offset, _wrong(enemy.bait_block(offset))))
    line.until_dropped()


@givers(why="sent bad data for piece")
def sends_one_wrong_bit(enemy: Enemy) -> None:
    """Answers all requests rightly, but for a single bit."""
    line = enemy.offer()
    for number in range(4):
        piece, offset, _ = _asked(line.hear(REQUEST)[1])
        data = bytearray(enemy.bait_block(offset))
        data[-1] ^= number == 2
        line.send(block_message(piece, offset, bytes(data)))
    line.until_dropped()


@givers(why="banned for bad data")
def sends_wrong_bytes_and_goes(enemy: Enemy) -> None:
    """Sends wrong bytes for all of a piece, and is gone before anybody has looked."""
    line = enemy.offer()
    wrong = b""
    for _ in range(4):
        piece, offset, _ = _asked(line.hear(REQUEST)[1])
        wrong += block_message(piece, offset, bytes(BLOCK_BYTES))
    line.send(wrong)
    line.sock.shutdown(1)
    line.until_dropped()


@givers()
def never_unchokes(enemy: Enemy) -> None:
    """Has what we want and never lets us ask for it."""
    enemy.offer(unchokes=False)


@givers()
def never_answers(enemy: Enemy) -> None:
    """Lets us ask, and answers nothing."""
    enemy.offer().hear(REQUEST)


@givers()
def stalls_in_mid_block(enemy: Enemy) -> None:
    """Answers with half a block, and then sends nothing more."""
    line = enemy.offer()
    piece, offset, _ = _asked(line.hear(REQUEST)[1])
    line.send(block_message(piece, offset, enemy.bait_block(offset))[:9000])


@givers()
def hangs_up_in_mid_block(enemy: Enemy) -> None:
    """Answers with half a block and hangs up."""
    line = enemy.offer()
    piece, offset, _ = _asked(line.hear(REQUEST)[1])
    line.send(block_message(piece, offset, enemy.bait_block(offset))[:9000])
    line.sock.shutdown(1)
    line.until_dropped()


@givers()
def chokes_when_asked(enemy: Enemy) -> None:
    """Chokes us whenever we ask, and unchokes us at once, 200 times."""
    line = enemy.offer()
    for _ in range(200):
        line.hear(REQUEST)
        line.send(message(CHOKE) + message(UNCHOKE))


@givers()
def answers_after_a_choke(enemy: Enemy) -> None:
    """Chokes us and answers all the same, which is of no use any more."""
    line = enemy.offer()
    piece, offset, _ = _asked(line.hear(REQUEST)[1])
    line.send(message(CHOKE) + block_message(piece, offset, enemy.bait_block(offset)))


@givers()
def sends_each_block_three_times(enemy: Enemy) -> None:
    """Answers each request three times over."""
    line = enemy.offer()
    for _ in range(4):
        piece, offset, _ = _asked(line.hear(REQUEST)[1])
        line.send(block_message(piece, offset, enemy.bait_block(offset)) * 3)


@givers(why=FLOOD)
def floods_with_unasked_blocks(enemy: Enemy) -> None:
    """Sends blocks that nobody has asked for, as fast as it can."""
    line = enemy.offer(unchokes=False)
    unasked = block_message(enemy.bait, 0, bytes(BLOCK_BYTES))
    line.until_dropped_while(lambda: line.send(unasked))


@givers(why=FLOOD)
def floods_with_tiny_blocks(enemy: Enemy) -> None:
    """Sends blocks of one byte that nobody has asked for."""
    line = enemy.offer(unchokes=False)
    unasked = block_message(enemy.bait, 5, b"x") * 100
    line.until_dropped_while(lambda: line.send(unasked))


@givers()
def answers_at_the_wrong_offset(enemy: Enemy) -> None:
    """Answers with the right bytes, but says that they lie a byte further on."""
    line = enemy.offer()
    piece, offset, _ = _asked(line.hear(REQUEST)[1])
    line.send(block_message(piece, offset + 1, enemy.bait_block(offset)[1:]))


@givers()
def answers_with_too_little(enemy: Enemy) -> None:
    """Answers with a block that is shorter than the one asked for."""
    line = enemy.offer()
    piece, offset, _ = _asked(line.hear(REQUEST)[1])
    line.send(block_message(piece, offset, enemy.bait_block(offset)[:1000]))


@givers()
def answers_for_another_piece(enemy: Enemy) -> None:
    """Answers with the right bytes, but says that they are of a piece that we have."""
    line = enemy.offer()
    _, offset, _ = _asked(line.hear(REQUEST)[1])
    line.send(block_message(0, offset, enemy.bait_block(offset)))


@givers(why="expected an end within")
def answers_beyond_the_piece(enemy: Enemy) -> None:
    """Sends a block that reaches beyond the end of its piece."""
    line = enemy.offer()
    line.hear(REQUEST)
    line.send(block_message(enemy.bait, PIECE_BYTES - 100, bytes(BLOCK_BYTES)))
    line.until_dropped()


@givers(why="expected piece with 1 to")
def answers_with_nothing(enemy: Enemy) -> None:
    """Sends a block without a byte."""
    line = enemy.offer()
    line.hear(REQUEST)
    line.send(message(PIECE, numbers(enemy.bait, 0)))
    line.until_dropped()


@givers(why="found only rejects")
def rejects_all_that_it_offers(enemy: Enemy) -> None:
    """Has all, unchokes us, and rejects whatever we ask for, at once."""
    line = enemy.greet(FAST)
    line.send(message(BITFIELD, bitfield_of((enemy.bait,), enemy.content.piece_count)))
    line.say(UNCHOKE)
    _reject_all(line)


def _reject_all(line: Line) -> None:
    for kind, body in line.messages():
        if kind == REQUEST:
            line.say(REJECT, body)


@givers(why="found only rejects")
def allows_a_piece_and_rejects_it(enemy: Enemy) -> None:
    """Allows us to ask for a piece while it chokes us, and rejects the requests."""
    line = enemy.greet(FAST)
    line.send(message(BITFIELD, bitfield_of((enemy.bait,), enemy.content.piece_count)))
    line.say(ALLOWED_FAST, numbers(enemy.bait))
    _reject_all(line)


@givers()
def claims_all_and_gives_none(enemy: Enemy) -> None:
    """Says that it has every piece, and lets us wait for all that we ask for."""
    line = enemy.greet(FAST)
    line.say(HAVE_ALL)
    line.say(UNCHOKE)
    line.hear(REQUEST)


@givers(why="sent bad data for piece")
def comes_back_after_a_ban(enemy: Enemy) -> None:
    """Sends wrong bytes, is banned, and comes again with the same peer id."""
    line = enemy.offer()
    for _ in range(4):
        piece, offset, _ = _asked(line.hear(REQUEST)[1])
        line.send(block_message(piece, offset, _wrong(enemy.bait_block(offset))))
    line.until_dropped()
    again = enemy.dial(peer_id=line.peer_id)
    with suppress(GoneError):
        again.shake_hands()
    again.until_dropped()
