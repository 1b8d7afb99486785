"""One name out of a torrent -> one name that any file system takes for just a name.

No name that comes out of here is empty, or `.` or `..` (or a shape of them that Windows
takes for one), holds a separator, a control character or a mark that turns the
direction of writing, begins with a drive letter, is reserved on Windows, or is longer
than `MAX_NAME_BYTES`. A name that is none of that is left as it is, so that content
made by others is found under its own names.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_BYTES = 255  # of UTF-8: what ext4, APFS and NTFS take
MAX_EXTENSION_BYTES = 16  # kept when a name is cut; a longer one is no extension

_SEPARATORS = {ord("/"), ord("\\")}
_DIRECTION_MARKS = {0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
_CONTROLS = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029}
_SURROGATES = {*range(0xD800, 0xE000)}  # no UTF-8 has them
_FORBIDDEN = dict.fromkeys(_SEPARATORS | _DIRECTION_MARKS | _CONTROLS | _SURROGATES, "_")
_FORBIDDEN_ON_WINDOWS = _FORBIDDEN | dict.fromkeys(map(ord, '<>:"|?*'), "_")
_DRIVE = re.compile(r"^([A-Za-z]):")
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])", re.IGNORECASE)


def safe_name(name: str, *, for_windows: bool = False) -> str:
    """Return a name's safe form; safe names come back as they are.

    `for_windows` replaces also what only Windows forbids: `<>:"|?*`, and dots and
    spaces at the end.
    """
    safe = name.translate(_FORBIDDEN_ON_WINDOWS if for_windows else _FORBIDDEN)
    safe = shorten(_DRIVE.sub(r"\1_", safe), MAX_NAME_BYTES)
    if for_windows:
        safe = safe.rstrip(" .")
    if not safe.strip(" ."):
        safe = "_" * max(1, len(safe))  # it was dots and spaces alone
    if _RESERVED.fullmatch(safe.partition(".")[0].rstrip(" ")):
        safe = shorten("_" + safe, MAX_NAME_BYTES)
    return safe


def shorten(name: str, maximum_bytes: int) -> str:
    """Cut a name to as many bytes of UTF-8, keeping its extension."""
    if len(name.encode()) <= maximum_bytes:
        return name
    stem, extension = split_extension(name)
    room = maximum_bytes - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + extension


def split_extension(name: str) -> tuple[str, str]:
    """Return a name's stem and extension, `.` included; the extension may be empty."""
    stem, dot, extension = name.rpartition(".")
    is_extension = stem and len(extension.encode()) < MAX_EXTENSION_BYTES
    return (stem, dot + extension) if is_extension else (name, "")


def comparable(path: str) -> str:
    """Return what two paths share if some file system takes them for the same."""
    if path.isascii():
        return path.lower()
    folded = unicodedata.normalize("NFD", path).casefold()
    return unicodedata.normalize("NFC", folded)
