"""Web servers' answers: a body is taken only where it is what was asked for."""

from __future__ import annotations

from actortorrent.rules.web_seed_answers import Body, Refusal, judge_answer
from actortorrent.rules.web_seed_ranges import Part
from tests.fuzz.dealing import Dealer, as_letters

PART = Part(2, 100, 50, 1000, "http://w.example/file")
WHOLE = Part(0, 0, 1000, 1000, "http://w.example/file")
STATUSES = (200, 206, 416, 404, 503, 429, 302, 0)
HEADERS = ("content-range", "content-length", "content-encoding", "retry-after")
NOW = 1_700_000_000.0


def seeds() -> list[bytes]:
    answers: list[tuple[int, list[bytes]]] = [
        (1, [b"bytes 100-149/1000", b"50"]),
        (1, [b"bytes 100-149/*", b"", b"identity"]),
        (8, [b"", b"1000", b"gzip"]),
        (0, [b"", b"1000"]),
        (4, [b"", b"", b"", b"120"]),
        (5, [b"", b"", b"", b"Fri, 31 Dec 1999 23:59:59 GMT"]),
    ]
    return [bytes((choice,)) + as_letters(*values) for choice, values in answers]


def check(data: bytes) -> None:
    dealer = Dealer(data)
    choice = dealer.byte()
    values = [letter.decode("latin-1") for letter in dealer.letters()]
    headers = {name: value for name, value in zip(HEADERS, values, strict=False) if value}
    part = WHOLE if choice & 8 else PART
    judged = judge_answer(STATUSES[choice & 7], headers, part, NOW)
    if isinstance(judged, Body):
        assert choice & 7 < 2
        assert judged.take_bytes == part.length
        assert judged.skip_bytes in (0, part.first_byte)
    else:
        _check_refusal(judged)


def _check_refusal(refusal: Refusal) -> None:
    assert refusal.why
    assert refusal.why.isprintable()
    if refusal.retry_seconds is not None:
        assert 0 <= refusal.retry_seconds < float("inf")
