"""What stands in a trace's `data`, as words: short, with sizes and rates as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actortorrent.tracing.summaries import TEXT_KEY

MAX_ITEMS = 8
MAX_TEXT = 160  # characters of one value
MAX_WORDED_INT = 2**63
KIBI = 1024
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

# Words in a name that say that its number counts bytes, or is a name itself.
_SIZE_WORDS = frozenset(["byte", "bytes", "length", "left"])
_NAME_WORDS = frozenset(["port", "conn", "piece", "index"])
_MASK_NAMES = frozenset(["verified"])  # whose number is a set of pieces: bit i is piece i


def value_text(value: Any, name: str = "") -> str:
    """Return one value as words; `name` says what a number counts."""
    match value:
        case None:
            text = "none"
        case bool():
            text = "yes" if value else "no"
        case int() | float():
            text = _number_text(value, name)
        case str():
            text = value
        case list():
            text = _row_text(value, name)
        case dict():
            text = _fields_text(value)
        case _:
            text = f"<{type(value).__name__}>"
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def pairs_text(pairs: Mapping[str, Any]) -> str:
    """Return named values as `conn 3, rate 1.5 MiB/s`."""
    shown = [f"{name} {value_text(value, name)}" for name, value in _first(list(pairs.items()))]
    if len(pairs) > MAX_ITEMS:
        shown.append(f"… {len(pairs) - MAX_ITEMS} more")
    return ", ".join(shown)


def chosen_text(decision: Mapping[str, Any]) -> str:
    """Return what a decision chose: a value, or a row of pieces as `64 to 79`."""
    row = decision.get("pieces")
    if isinstance(row, list) and len(row) > 1:
        return f"{value_text(row[0], 'piece')} to {value_text(row[-1], 'piece')}"
    return value_text(decision.get("chosen"))


def size_text(byte_count: float) -> str:
    """Return bytes as `812 bytes`, `16 KiB`, `1.5 MiB`."""
    size, unit = float(byte_count), 0
    while abs(size) >= KIBI and unit + 1 < len(UNITS):
        size /= KIBI
        unit += 1
    rounded = f"{size:.1f}".removesuffix(".0")
    return f"{rounded} {UNITS[unit]}" if unit else f"{byte_count:g} bytes"


def duration_text(nanoseconds: float) -> str:
    """Return a stretch of time as `250 µs`, `3.2 ms`, `1.5 s`."""
    if nanoseconds < 1e6:
        return f"{nanoseconds / 1e3:.0f} µs"
    return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds < 1e9 else f"{nanoseconds / 1e9:.1f} s"


def _number_text(value: float, name: str) -> str:
    if name in _MASK_NAMES and isinstance(value, int):
        count = value.bit_count()
        return f"{count:,} piece{'' if count == 1 else 's'}"
    if abs(value) > MAX_WORDED_INT:
        return "a very large number"
    words = set(name.split("_"))
    if "rate" in words:
        return f"{size_text(round(value))}/s"
    if words & _SIZE_WORDS:
        return size_text(value)
    if words & _NAME_WORDS:
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def _row_text(values: Sequence[Any], name: str) -> str:
    one = "piece" if name in _MASK_NAMES else name  # of several, each is a piece itself
    shown = [value_text(value, one) for value in _first(values)]
    if len(values) > MAX_ITEMS:
        shown.append(f"… {len(values) - MAX_ITEMS} more")
    separator = "; " if any(", " in text for text in shown) else ", "
    return f"[{separator.join(shown)}]"


def _fields_text(value: Mapping[str, Any]) -> str:
    text = value.get(TEXT_KEY)
    fields = {name: item for name, item in value.items() if name != TEXT_KEY}
    if not isinstance(text, str):
        return f"({pairs_text(fields)})"
    # A single word is the name of a class: what it holds is in its fields.
    return f"{text}({pairs_text(fields)})" if text.isidentifier() else text


def _first(values: Sequence[Any]) -> Sequence[Any]:
    return values[:MAX_ITEMS]
