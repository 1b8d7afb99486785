"""What to make of a web server's answer to a question for a range (BEP 19, RFC 9110).

The answer is judged by its head, before a byte of its body is read, and no more is read of that
than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from enum import Enum

from msgspec import Struct

from actortorrent.rules.web_seed_ranges import Part

WHOLE_FILE_BYTES = 1024 * 1024  # so much is read of a file whose server takes no ranges
MOST_DIGITS = 18
MOST_DATE_CHARACTERS = 64

OK = 200
PARTIAL = 206
RANGE_NOT_SATISFIABLE = 416
TRY_AGAIN = frozenset([408, 425, 429])
CLIENT_ERRORS = range(400, 500)
SERVER_ERRORS = range(500, 600)

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")


class Fault(Enum):
    """Say what a failure means for the web seed."""

    BUSY = "busy"  # asked again later
    LACKS_FILE = "lacks the file"  # asked for other files
    USELESS = "useless"  # given up


class Refusal(Struct, frozen=True):
    """Say why an answer is of no use.

    Attributes:
        retry_seconds: when to ask again, if the server says so.
        file_index: of the file that was asked for, -1 if that does not matter.
    """

    fault: Fault
    why: str
    retry_seconds: float | None = None
    file_index: int = -1


class Body(Struct, frozen=True):
    """Say how much of a body to pass over, and how much of the rest to take."""

    skip_bytes: int
    take_bytes: int


def judge_answer(status: int, headers: Mapping[str, str], part: Part, now: float) -> Body | Refusal:
    """Say what to read of the answer to the question for a part of a file.

    Args:
        headers: by their names in lower case.
        now: seconds since 1970, which the server's dates are compared with.
    """
    if status in TRY_AGAIN or status in SERVER_ERRORS:
        wanted = retry_seconds(headers.get("retry-after", ""), now)
        return Refusal(Fault.BUSY, f"it answers {status}", wanted)
    if status == RANGE_NOT_SATISFIABLE:
        return _lacking(part, "its file is shorter than the torrent's")
    if status in CLIENT_ERRORS:
        return _lacking(part, f"it answers {status}")
    if status not in (OK, PARTIAL):
        return Refusal(Fault.USELESS, f"expected a part of a file, found the answer {status}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        return Refusal(Fault.USELESS, "expected a file as it is, found it packed")
    return _whole(headers, part) if status == OK else _partial(headers, part)


def _partial(headers: Mapping[str, str], part: Part) -> Body | Refusal:
    found = _CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
    if found is None:
        return Refusal(Fault.USELESS, "expected one range of bytes, found none")
    first, last, total = found.groups()
    if total != "*" and int(total) != part.file_length:
        return _lacking(part, _other_length(int(total), part))
    if (int(first), int(last)) != (part.first_byte, part.last_byte):
        return Refusal(Fault.USELESS, "expected the range asked for, found another")
    if _length(headers) not in (None, part.length):
        return Refusal(Fault.USELESS, "expected a body as long as its range, found another length")
    return Body(0, part.length)


def _whole(headers: Mapping[str, str], part: Part) -> Body | Refusal:
    """Judge an answer that is all of the file: servers may ignore the range (RFC 9110, 14.2)."""
    length = _length(headers)
    if length not in (None, part.file_length):
        return _lacking(part, _other_length(length or 0, part))
    if part.length != part.file_length and part.file_length > WHOLE_FILE_BYTES:
        return Refusal(Fault.USELESS, "expected a part of a file, found that it sends only all")
    return Body(part.first_byte, part.length)


def _lacking(part: Part, why: str) -> Refusal:
    return Refusal(Fault.LACKS_FILE, why, file_index=part.file_index)


def _other_length(found: int, part: Part) -> str:
    return f"expected a file of {part.file_length} bytes, found {found}"


def _length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length", "").strip()
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if is_number else None


def retry_seconds(text: str, now: float) -> float | None:
    """Return what Retry-After asks for (RFC 9110, 10.2.3): seconds, or a date; None if nothing."""
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS:
        return float(text)
    parsed = parsedate_tz(text[:MOST_DATE_CHARACTERS])
    try:
        return None if parsed is None else max(0.0, mktime_tz(parsed) - now)
    except (ValueError, OverflowError):
        return None
