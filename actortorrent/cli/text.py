"""Text for terminals: names made harmless, and figures as people read and write them.

Names in torrents, trackers' messages and peers' client names are written by strangers.
Everything of theirs passes `safe_text` before it reaches a terminal.
"""

from __future__ import annotations

import re
import unicodedata

KIBI = 1024  # 2M means 2 MiB: K, M, G and T are powers of this
UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
JOINERS = "\u200c\u200d"  # invisible, but words and emoji are made with them
# Controls, formats (text that runs backwards), lone surrogates, line and paragraph separators.
HARMFUL_CATEGORIES = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?(?:/s)?", re.IGNORECASE | re.ASCII)
_MAX_SIZE_TEXT = 32
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def safe_text(text: str) -> str:
    r"""Return text in which nothing can move the cursor, change colours or reverse the line.

    Each such character becomes visible as its escape: `\x1b`, `\u202e`.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    if character in JOINERS or unicodedata.category(character) not in HARMFUL_CATEGORIES:
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def format_size(byte_count: float) -> str:
    """Return bytes as `812 B`, `1.5 KiB`, `700 MiB`."""
    number, unit = _scaled(byte_count)
    return f"{number} {unit}"


def format_part(part: float, whole: float) -> str:
    """Return bytes of a whole, the unit once where it is the same: `1.0 of 2.4 GiB`."""
    number, unit = _scaled(part)
    of = format_size(whole)
    return f"{number} of {of}" if of.endswith(f" {unit}") else f"{number} {unit} of {of}"


def _scaled(byte_count: float) -> tuple[str, str]:
    """Return the digits that are worth reading, and their unit."""
    size = float(byte_count)
    for unit in UNITS:
        # 1023.9 KiB would be printed as 1024 KiB: that is 1.0 MiB.
        if size < KIBI - 0.5 or unit == UNITS[-1]:
            break
        size /= KIBI
    has_fraction = unit != UNITS[0] and size < 99.95
    return f"{size:.1f}" if has_fraction else f"{size:.0f}", unit


def format_rate(bytes_per_second: float) -> str:
    """Return a rate as `812 B/s`, `1.5 MiB/s`."""
    return f"{format_size(bytes_per_second)}/s"


def format_share(part: float, whole: float) -> str:
    """Return a part of a whole as `42.3 %`; 100.0 only when nothing is missing."""
    if part >= whole:
        return "100.0 %"
    return f"{min(99.9, 100 * part / whole):.1f} %"


def format_duration(seconds: float) -> str:
    """Return a stretch of time as `0.4 s`, `42 s`, `3 min 20 s`, `2 h 05 min`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def format_clock(seconds: float) -> str:
    """Return a stretch of time as `0:05`, `12:00`, `1:02:03`."""
    whole = int(seconds)
    minutes, rest = divmod(whole, _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun: `1 peer`, `3 peers`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def parse_size(text: str) -> int:
    """Read bytes, or bytes a second: `2M`, `500K`, `1.5 MiB/s`, `4096`.

    Raises:
        ValueError: if it is no such thing, or less than one byte; the message is for people.
    """
    found = _SIZE.fullmatch(text.strip()) if len(text) <= _MAX_SIZE_TEXT else None
    if found is None:
        raise ValueError(f"expected a size such as 500K or 2M, found {text!r}")
    number, unit = found[1], found[2].upper()
    byte_count = int(float(number) * KIBI ** ("KMGT".index(unit) + 1 if unit else 0))
    if byte_count < 1:
        raise ValueError(f"expected at least one byte, found {text!r}")
    return byte_count
