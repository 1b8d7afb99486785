"""Decoded dictionaries read by key and kind: what torrents, trackers and records share.

Two questions only: `need` refuses what is missing or of another kind, in words the
user can read; `find` takes it as not given, for what we can do without.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import NoReturn

from actortorrent.errors import ActorTorrentError
from actortorrent.wire.bencoding import Bencoded

_NAMES = {int: "an integer", bytes: "a string", list: "a list", dict: "a dictionary"}


class Fields:
    """Read one dictionary.

    Args:
        values: the dictionary, or whatever stands in its place.
        where: what to call it in an error: `info`, `the tracker's reply`.
        error: the class of error to raise.
    """

    __slots__ = ("_error", "_where", "values")

    def __init__(self, values: Bencoded, where: str, error: type[ActorTorrentError]) -> None:
        if not isinstance(values, dict):
            raise error(f"expected {where} to be a dictionary, found {name_kind(values)}")
        self.values: Mapping[bytes, Bencoded] = values
        self._where = where
        self._error = error

    def __contains__(self, key: bytes) -> bool:
        return key in self.values

    def need_int(self, key: bytes, minimum: int, maximum: int) -> int:
        """Return an integer of the range from `minimum` to `maximum`, or raise."""
        value = self.values.get(key)
        if not isinstance(value, int):
            self._refuse_kind(key, int)
        if not minimum <= value <= maximum:
            self.refuse(key, f"from {minimum} to {maximum}", str(value))
        return value

    def need_bytes(self, key: bytes) -> bytes:
        """Return a string, or raise."""
        value = self.values.get(key)
        if not isinstance(value, bytes):
            self._refuse_kind(key, bytes)
        return value

    def need_list(self, key: bytes) -> list[Bencoded]:
        """Return a list, or raise."""
        value = self.values.get(key)
        if not isinstance(value, list):
            self._refuse_kind(key, list)
        return value

    def need_dict(self, key: bytes) -> dict[bytes, Bencoded]:
        """Return a dictionary, or raise."""
        value = self.values.get(key)
        if not isinstance(value, dict):
            self._refuse_kind(key, dict)
        return value

    def find_int(self, key: bytes) -> int | None:
        """Return an integer, or None where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, int) else None

    def find_bytes(self, key: bytes) -> bytes | None:
        """Return a string, or None where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, bytes) else None

    def find_ip(self, key: bytes, sizes: tuple[int, ...] = (4, 16)) -> str | None:
        """Return an IP address that is written in so many bytes, or None where there is none."""
        packed = self.find_bytes(key)
        if packed is None or len(packed) not in sizes:
            return None
        return str(ipaddress.ip_address(packed))

    def find_list(self, key: bytes) -> list[Bencoded]:
        """Return a list, empty where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, list) else []

    def find_text(self, key: bytes) -> str:
        """Return a string as text, empty where there is none."""
        return (self.find_bytes(key) or b"").decode("utf-8", "replace")

    def refuse(self, key: bytes, expected: str, found: str) -> NoReturn:
        """Raise the error that this reader was made for."""
        name = ascii(key.decode("latin-1"))
        raise self._error(f"expected {name} of {self._where} to be {expected}, found {found}")

    def _refuse_kind(self, key: bytes, kind: type) -> NoReturn:
        value = self.values.get(key)
        self.refuse(key, _NAMES[kind], "nothing" if value is None else name_kind(value))


def name_kind(value: Bencoded) -> str:
    """Return what a decoded value is, as a user would say it."""
    return _NAMES[type(value)]
