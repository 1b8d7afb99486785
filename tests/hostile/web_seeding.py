"""Hostile web servers that a torrent names as web seeds (BEP 19)."""

from __future__ import annotations

import gzip

from tests.hostile.behaviours import Family
from tests.sessions.web_server import Asked

web_seeds = Family("web seed")

MIB = 1024 * 1024
GONE = "^bt:web_seed_(failed|left)|given up"


def _head(asked: Asked, body_length: int | None, more: str = "") -> bytes:
    told = f"Content-Range: bytes {asked.first}-{asked.last}/{len(asked.data)}\r\n"
    length = "" if body_length is None else f"Content-Length: {body_length}\r\n"
    return f"HTTP/1.1 206 Partial Content\r\n{told}{length}{more}\r\n".encode()


@web_seeds(why=f"banned for bad data|^bt:piece_failed|{GONE}")
def sends_wrong_bytes(asked: Asked) -> None:
    """Answers each question with wrong bytes."""
    asked.lie()


@web_seeds(why=GONE)
def hangs(asked: Asked) -> None:
    """Takes the question, and never answers."""
    asked.talk.hang()


@web_seeds(why=GONE)
def dribbles(asked: Asked) -> None:
    """Answers a byte now and then."""
    asked.talk.send(_head(asked, len(asked.wanted)))
    asked.talk.drip(asked.wanted, 0.02)


@web_seeds(why=GONE)
def sends_without_end(asked: Asked) -> None:
    """Answers, and goes on behind the last byte that was asked for, for ever."""
    asked.talk.send(_head(asked, None))
    while True:
        asked.talk.send(asked.data)


@web_seeds(why=GONE)
def cuts_it_short(asked: Asked) -> None:
    """Says how long its answer is, sends half of it, and hangs up."""
    asked.talk.send(_head(asked, len(asked.wanted)) + asked.wanted[: len(asked.wanted) // 2])


@web_seeds(why=GONE)
def answers_for_another_range(asked: Asked) -> None:
    """Answers with a part of the file that was not asked for."""
    told = f"Content-Range: bytes 0-9/{len(asked.data)}\r\n"
    asked.answer(asked.data[:10], "206 Partial Content", told)


@web_seeds(why=GONE)
def says_a_range_beyond_all(asked: Asked) -> None:
    """Answers with a range of numbers that no file has."""
    told = f"Content-Range: bytes {2**63}-{2**64}/{2**65}\r\n"
    asked.answer(asked.wanted, "206 Partial Content", told)


@web_seeds(why=GONE)
def sends_a_gzip_bomb(asked: Asked) -> None:
    """Answers with an encoding nobody asked for, that unpacks to 20 MiB."""
    packed = gzip.compress(bytes(20 * MIB), 6)
    asked.talk.send(_head(asked, len(packed), "Content-Encoding: gzip\r\n") + packed)


@web_seeds(why=GONE)
def sends_headers_without_end(asked: Asked) -> None:
    """Answers with header after header."""
    asked.talk.send(b"HTTP/1.1 206 Partial Content\r\n")
    while True:
        asked.talk.send(b"X-More: " + b"x" * 1000 + b"\r\n")


@web_seeds(why=GONE)
def redirects_to_itself(asked: Asked) -> None:
    """Sends us to itself, again and again."""
    asked.talk.redirect(asked.talk.path)


@web_seeds(why=GONE)
def redirects_to_a_file(asked: Asked) -> None:
    """Sends us to a file of our own."""
    asked.talk.redirect("file:///etc/passwd")


@web_seeds(why=GONE)
def is_always_busy(asked: Asked) -> None:
    """Is busy, and wants to be asked again in a billion years."""
    asked.answer(b"later", "503 Service Unavailable", f"Retry-After: {2**62}\r\n")


@web_seeds(why=GONE)
def lacks_the_file(asked: Asked) -> None:
    """Does not have what the torrent says it has."""
    asked.answer(b"", "404 Not Found")


@web_seeds(why=GONE)
def speaks_no_http(asked: Asked) -> None:
    """Answers with noise."""
    asked.talk.send(b"\xff" * 10_000)
