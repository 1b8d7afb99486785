"""Hostile peers that are asked for a torrent's metadata, of which only the link is known (BEP 9)."""

from __future__ import annotations

import bencodepy

from tests.hostile.behaviours import Family
from tests.hostile.honest import (
    PART_BYTES,
    THEIR_METADATA_ID,
    offer_metadata,
    part_asked_for,
    send_part,
)
from tests.hostile.line import EXTENDED, HAVE, PIECE, Line, message, numbers

metadata = Family("metadata")

WENT = "closed by the peer|Connection reset|Broken pipe|the torrent is known|closed|stopped"


def _hear_ask(line: Line) -> int:
    """Return the part that is asked for next."""
    while True:
        part = part_asked_for(*line.hear(EXTENDED))
        if part is not None:
            return part


def _say(line: Line, values: dict[str, int], data: bytes = b"") -> None:
    said = bytes((THEIR_METADATA_ID,)) + bencodepy.encode(values) + data
    line.send(message(EXTENDED, said))


@metadata(why="does not match the info-hash|banned")
def sends_other_metadata(line: Line, raw_info: bytes) -> None:
    """Answers with bytes that are not those of the torrent."""
    offer_metadata(line, len(raw_info))
    for _ in range(-(-len(raw_info) // PART_BYTES)):
        part = _hear_ask(line)
        data = raw_info[part * PART_BYTES :][:PART_BYTES]
        send_part(line, part, len(raw_info), data[::-1])
    line.until_dropped()


@metadata(why=WENT)
def offers_2_to_the_40_bytes(line: Line, _raw_info: bytes) -> None:
    """Offers metadata of a tebibyte."""
    offer_metadata(line, 2**40)


@metadata(why=WENT)
def offers_less_than_nothing(line: Line, _raw_info: bytes) -> None:
    """Offers metadata of -1 bytes."""
    offer_metadata(line, -1)


@metadata(why=WENT)
def offers_16_mib_and_sends_none(line: Line, _raw_info: bytes) -> None:
    """Offers as much metadata as there may be, and lets us wait for all of it."""
    offer_metadata(line, 16 * 1024 * 1024)
    _hear_ask(line)


@metadata(why=WENT)
def never_answers(line: Line, raw_info: bytes) -> None:
    """Offers the metadata, and answers nothing."""
    offer_metadata(line, len(raw_info))
    _hear_ask(line)


@metadata(why=WENT)
def rejects_every_part(line: Line, raw_info: bytes) -> None:
    """Offers the metadata, and rejects whatever is asked for."""
    offer_metadata(line, len(raw_info))
    for _ in range(2):
        _say(line, {"msg_type": 2, "piece": _hear_ask(line)})


@metadata(why="expected")
def sends_a_part_of_the_wrong_length(line: Line, raw_info: bytes) -> None:
    """Answers with a part that is a byte too short."""
    offer_metadata(line, len(raw_info))
    part = _hear_ask(line)
    data = raw_info[part * PART_BYTES :][:PART_BYTES]
    send_part(line, part, len(raw_info), data[:-1])
    line.until_dropped()


@metadata(why="expected")
def sends_a_part_of_another_whole(line: Line, raw_info: bytes) -> None:
    """Says with the part that the whole is of another size than it had said."""
    offer_metadata(line, len(raw_info))
    part = _hear_ask(line)
    send_part(line, part, 77, raw_info[part * PART_BYTES :][:PART_BYTES])
    line.until_dropped()


@metadata(why="expected")
def sends_parts_that_nobody_asked(line: Line, raw_info: bytes) -> None:
    """Sends a part that was not asked for."""
    offer_metadata(line, len(raw_info))
    _hear_ask(line)
    send_part(line, 900, len(raw_info), bytes(PART_BYTES))
    line.until_dropped()


@metadata(why="expected no block yet")
def sends_blocks(line: Line, _raw_info: bytes) -> None:
    """Sends blocks of a torrent of which not even the size is known."""
    line.send(message(HAVE, numbers(0)) + message(PIECE, numbers(0, 0) + bytes(16384)))
    line.until_dropped()


@metadata(why="expected at most")
def sends_a_bitfield_of_2_mib(line: Line, _raw_info: bytes) -> None:
    """Has more pieces than any torrent."""
    line.send(message(5, b"\xff" * (2 * 1024 * 1024)))
    line.until_dropped()


@metadata(why="found a flood of others")
def has_pieces_without_end(line: Line, _raw_info: bytes) -> None:
    """Says of one piece after another that it has it, 20,000 times."""
    line.send(b"".join(message(HAVE, numbers(piece)) for piece in range(20_000)))
    line.until_dropped()


@metadata(why="expected a handshake of the extensions")
def nests_its_offer(line: Line, _raw_info: bytes) -> None:
    """Sends lists in lists, 10,000 deep, where its offer should be."""
    line.send(message(EXTENDED, b"\0" + b"l" * 10_000))
    line.until_dropped()


@metadata(why=WENT)
def changes_its_offer_again_and_again(line: Line, _raw_info: bytes) -> None:
    """Offers metadata of 500 sizes, one after the other."""
    for size in range(1, 501):
        offer_metadata(line, size * 1000)
