"""Values into what a trace says of them: short, harmless, and made of JSON's own types.

Bytes appear as lengths, paths as names, long rows as their beginning and a count; a
value of ours that knows how to read as English does so, under the key `$`, beside its
fields. No `repr` is ever taken of anything, and nothing here raises: a trace must not
harm what it watches.

Other layers add kinds of their own: ``@describe.register``.
"""

from __future__ import annotations

import base64
import math
import re
from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from enum import Enum, IntEnum, StrEnum
from functools import lru_cache, singledispatch
from itertools import islice
from pathlib import PurePath
from typing import Any, TypeAlias, cast

from actortorrent.tracing.shapes import field_names, has_fields
from actortorrent.wire.addresses import Address

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_TEXT = 200  # characters
MAX_CLEANED_TEXT = 8192  # characters of a text with paths; what is cut off here is never shown
MAX_ITEMS = 64  # more than the peers of a session, whose figures a decision lists
MAX_NUMBERS = 256  # piece indexes are looked for by filters, so more of them are kept
MAX_DEPTH = 6
MAX_INT = 2**63  # a larger number is a set of bits
ONLY_INTS = {int}
TEXT_KEY = "$"  # what a value reads as, beside its fields

# Folders of a path that begins at a root or at home. Their names may hold anything but a
# blank before the next slash; rather than leave a folder in, some words of a text may go.
_NAME = r"(?:[^/\\\s]|[ ](?![/\\ ]))+"
_FOLDERS = re.compile(rf"(?<![\w:/.~])(?:/|~/|[A-Za-z]:[\\/])(?:{_NAME}[\\/])+")
_URL = re.compile(r"\b([a-z][a-z0-9+.-]*://)(?:[^/\s@]*@)?([^/\s?#]*)([^\s?#]*)([?#]\S*)?")
_SECRET = re.compile(r"[^/]{16,}")  # so long a part of a tracker's path is somebody's key


class Payload(bytes):
    """Bytes that are wanted in full (level "payload"); written in base64."""


def summarise(value: Any, depth: int = 0) -> Json:
    """Return what a trace says of a value."""
    kind = type(value)
    if kind is str:  # first what comes most, as this is the writer's main work
        return shorten(value)
    if value is None or kind is bool or (kind is int and -MAX_INT < value < MAX_INT):
        as_it_is: Json = value
        return as_it_is
    if depth > MAX_DEPTH:
        return "…"
    try:
        return describe(value, depth)
    except Exception:  # noqa: BLE001 - a value that cannot be described is no reason to fail
        return f"<{type(value).__name__}>"


def shorten(text: str) -> str:
    """Return text without folders of this machine or keys to trackers, and not too long."""
    if "/" in text or "\\" in text:  # before the end is cut, as a name may stand there
        text = _FOLDERS.sub("", _URL.sub(_without_keys, text[:MAX_CLEANED_TEXT]))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def _without_keys(url: re.Match[str]) -> str:
    scheme, host, path, rest = url.groups(default="")
    return scheme + host + _SECRET.sub("…", path) + (f"{rest[0]}…" if rest else "")


@singledispatch
def describe(value: Any, depth: int) -> Json:
    """Return what a trace says of one kind of value; may raise."""
    if has_fields(value):
        return _fields(value, depth)
    return f"<{type(value).__name__}>"


@describe.register
def _(value: int, depth: int) -> Json:  # noqa: ARG001 - so do all below
    if abs(value) < MAX_INT:
        return int(value)
    return f"<{value.bit_count()} bits set>"


@describe.register
def _(value: float, depth: int) -> Json:  # noqa: ARG001
    return round(value, 6) if math.isfinite(value) else str(value)


@describe.register
def _(value: str, depth: int) -> Json:  # noqa: ARG001
    return shorten(value)


@describe.register(bytes)
@describe.register(bytearray)
def _(value: bytes | bytearray, depth: int) -> Json:  # noqa: ARG001
    return f"<{len(value)} bytes>"


@describe.register
def _(value: memoryview, depth: int) -> Json:  # noqa: ARG001
    return f"<{value.nbytes} bytes>"


@describe.register
def _(value: Payload, depth: int) -> Json:  # noqa: ARG001
    return base64.b64encode(value).decode("ascii")


@describe.register(tuple)
@describe.register(list)
@describe.register(deque)
def _(value: tuple[Any, ...], depth: int) -> Json:
    if hasattr(type(value), "_fields"):
        return _fields(value, depth)
    return _items(value, len(value), depth)


@describe.register(set)
@describe.register(frozenset)
def _(value: set[Any], depth: int) -> Json:
    is_sortable = all(isinstance(item, int) for item in value)
    return _items(sorted(value) if is_sortable else value, len(value), depth)


@describe.register
def _(value: Mapping, depth: int) -> Json:  # type: ignore[type-arg]  # singledispatch wants it bare
    described = {
        shorten(str(key)): summarise(item, depth + 1)
        for key, item in islice(value.items(), MAX_ITEMS)
    }
    if len(value) > MAX_ITEMS:
        described["…"] = f"{len(value) - MAX_ITEMS} more"
    return described


@describe.register(IntEnum)
@describe.register(StrEnum)
@describe.register(Enum)
def _(value: Enum, depth: int) -> Json:  # noqa: ARG001
    return value.name.lower()


@describe.register
def _(value: PurePath, depth: int) -> Json:  # noqa: ARG001
    return shorten(value.name)


@describe.register
def _(value: Address, depth: int) -> Json:  # noqa: ARG001
    return shorten(str(value))


@describe.register
def _(value: OSError, depth: int) -> Json:  # noqa: ARG001
    reason = value.strerror or shorten(str(value))
    return f"{type(value).__name__}: {reason}"  # its text would name the file in full


@describe.register
def _(value: BaseException, depth: int) -> Json:  # noqa: ARG001
    return f"{type(value).__name__}: {shorten(str(value))}"


@describe.register
def _(value: type, depth: int) -> Json:  # noqa: ARG001
    return value.__name__


def _fields(value: Any, depth: int) -> Json:
    kind = cast("Hashable", type(value))
    names, reads_as_english = _shape(kind)
    described: dict[str, Json] = {
        TEXT_KEY: shorten(str(value)) if reads_as_english else type(value).__name__
    }
    for name in names:
        item = getattr(value, name)
        is_plain = type(item) is int and -MAX_INT < item < MAX_INT  # most are: saves a call
        described[name] = item if is_plain else summarise(item, depth + 1)
    return described


@lru_cache(maxsize=1024)
def _shape(kind: Any) -> tuple[tuple[str, ...], bool]:
    """Return the fields of a dataclass or named tuple, and whether it reads as English."""
    return field_names(kind), any("__str__" in vars(base) for base in kind.__mro__[:-1])


def _items(values: Iterable[Any], count: int, depth: int) -> Json:
    first = list(islice(values, MAX_NUMBERS))
    if set(map(type, first)) != ONLY_INTS:
        first = first[:MAX_ITEMS]
    described = [summarise(value, depth + 1) for value in first]
    if count > len(first):
        described.append(f"… {count - len(first)} more")
    return described
