"""Magnet links: a torrent named by its info-hash, and what helps to find it.

BEP 9, with `so` of BEP 53 (which files) and `ws` (web seeds, by custom)::

    magnet:?xt=urn:btih:<40 hex or 32 base32>&dn=<name>&tr=<URL>&x.pe=<host:port>&so=0,2-4

A link comes from anywhere. What it must say is judged strictly: the info-hash, and which
files are wanted. What only helps, a tracker or a peer, is left out where it makes no sense.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

from actortorrent.errors import MagnetError, UsageError
from actortorrent.wire.addresses import Address, parse_address
from actortorrent.wire.torrent_text import clean_url

MAX_LINK_CHARACTERS = 128 * 1024
MAX_PARAMETERS = 1_000
MAX_TRACKERS = 200
MAX_WEB_SEEDS = 200
MAX_PEERS = 200
MAX_NAME_CHARACTERS = 1_024
MAX_HOST_CHARACTERS = 255
MAX_FILE_RANGES = 5_000
MAX_FILE_INDEX = 9_999_999
SHOWN_CHARACTERS = 40  # of what was found, in an error

FileRange = tuple[int, int]  # the first and the last file, counted from 0

_SCHEME = "magnet:?"
_VERSION_1, _VERSION_2 = "urn:btih:", "urn:btmh:"
_HEX = re.compile(r"[0-9a-fA-F]{40}")
_BASE32 = re.compile(r"[a-zA-Z2-7]{32}")  # IGNORECASE would take the Kelvin sign for a K
_NUMBERED = re.compile(r"(dn|so|tr|ws|xt)\.[0-9]+")  # as `tr.1`, where there are several
_FILES = re.compile(r"([0-9]{1,7})(?:-([0-9]{1,7}))?")


@dataclass(frozen=True, slots=True)
class Magnet:
    """Hold what a magnet link says.

    Attributes:
        info_hash: 20 bytes.
        name: what to call it until the torrent is known, perhaps empty; safe neither as a
            path nor for a terminal.
        trackers, web_seeds: URLs, which may be secret.
        peers: where to ask at once; hosts may be names.
        file_ranges: which files are wanted, as first and last, from 0, in order, apart from
            each other, counting the padding too; none means all.
    """

    info_hash: bytes
    name: str = ""
    trackers: tuple[str, ...] = field(default=(), repr=False)
    web_seeds: tuple[str, ...] = field(default=(), repr=False)
    peers: tuple[Address, ...] = ()
    file_ranges: tuple[FileRange, ...] = ()

    def __str__(self) -> str:
        return f"magnet link of {self.info_hash.hex()}"

    @property
    def tracker_tiers(self) -> tuple[tuple[str, ...], ...]:
        """Return the trackers as a torrent would have them: one after the other (BEP 12)."""
        return tuple((url,) for url in self.trackers)

    @property
    def link(self) -> str:
        """Write the link, with all that it says."""
        said = [
            *(("tr", quote(url, safe="")) for url in self.trackers),
            *(("x.pe", quote(str(peer), safe=":[]")) for peer in self.peers),
            *(("ws", quote(url, safe="")) for url in self.web_seeds),
        ]
        if self.name:
            said.insert(0, ("dn", quote(self.name, safe="")))
        if self.file_ranges:
            said.append(("so", ",".join(map(_range_text, self.file_ranges))))
        return f"{_SCHEME}xt={_VERSION_1}{self.info_hash.hex()}" + "".join(
            f"&{key}={value}" for key, value in said
        )

    def selected_files(self, file_count: int) -> frozenset[int] | None:
        """Return the indexes of the wanted files of so many that there are; None for all."""
        if not self.file_ranges:
            return None
        return frozenset(
            index
            for first, last in self.file_ranges
            for index in range(first, min(last + 1, file_count))
        )


def is_magnet(text: str) -> bool:
    """Say whether a text is meant as a magnet link."""
    return text.lstrip()[:7].lower() == "magnet:"


def parse_magnet(text: str) -> Magnet:
    """Read a magnet link.

    Raises:
        MagnetError: if it names no torrent of version 1, or several, or files that cannot be.
    """
    text = text.strip()
    if len(text) > MAX_LINK_CHARACTERS:
        raise MagnetError(
            f"expected a magnet link of at most {MAX_LINK_CHARACTERS} characters, found {len(text)}"
        )
    if text[: len(_SCHEME)].lower() != _SCHEME:
        raise MagnetError(f"expected a link that begins with {_SCHEME!r}, found {_shown(text)}")
    whole = text[len(_SCHEME) :].encode("utf-8", "replace")  # a shell passes on any bytes
    said = _parameters(whole.decode())
    return Magnet(
        info_hash=_read_info_hash(_all(said, "xt")),
        name=next(iter(_all(said, "dn")), "")[:MAX_NAME_CHARACTERS],
        trackers=_read_urls(_all(said, "tr"), MAX_TRACKERS),
        web_seeds=_read_urls(_all(said, "ws"), MAX_WEB_SEEDS),
        peers=tuple(dict.fromkeys(_read_peers(_all(said, "x.pe"))))[:MAX_PEERS],
        file_ranges=merged_ranges(_read_ranges(_all(said, "so"))),
    )


def parse_info_hash(text: str) -> bytes | None:
    """Return the 20 bytes that 40 hexadecimal digits or 32 of base32 stand for, else None."""
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    return base64.b32decode(text.upper()) if _BASE32.fullmatch(text) else None


def merged_ranges(ranges: Iterable[FileRange]) -> tuple[FileRange, ...]:
    """Return the same files as ranges in order that neither overlap nor touch."""
    merged: list[FileRange] = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _parameters(query: str) -> list[tuple[str, str]]:
    """Return the names and values of a link, also of one that was copied out of HTML."""
    try:
        pairs = parse_qsl(
            query.replace("&amp;", "&"), errors="replace", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise MagnetError(f"expected a magnet link of at most {MAX_PARAMETERS} parts") from None
    return [(_plain_key(key), value) for key, value in pairs]


def _plain_key(key: str) -> str:
    numbered = _NUMBERED.fullmatch(key.lower())
    return numbered[1] if numbered else key.lower()


def _all(said: Sequence[tuple[str, str]], key: str) -> list[str]:
    return [value for name, value in said if name == key]


def _read_info_hash(topics: list[str]) -> bytes:
    named = [one for one in topics if one.lower().startswith(_VERSION_1)]
    if not named and any(one.lower().startswith(_VERSION_2) for one in topics):
        raise MagnetError(
            "expected a magnet link of a version 1 torrent (xt=urn:btih:), found one of version 2"
            " only (BEP 52), which is not supported"
        )
    if not named:
        found = _shown(topics[0]) if topics else "none"
        raise MagnetError(f"expected a magnet link with xt={_VERSION_1}..., found {found}")
    hashes = {_need_info_hash(one[len(_VERSION_1) :]) for one in named}
    if len(hashes) > 1:
        raise MagnetError(f"expected one info-hash in the magnet link, found {len(hashes)}")
    return hashes.pop()


def _need_info_hash(text: str) -> bytes:
    info_hash = parse_info_hash(text)
    if info_hash is None:
        raise MagnetError(
            "expected an info-hash of 40 hexadecimal or 32 base32 characters in the magnet link,"
            f" found {_shown(text)}"
        )
    return info_hash


def _read_urls(values: list[str], maximum: int) -> tuple[str, ...]:
    urls = (clean_url(value.encode()) for value in values)
    return tuple(dict.fromkeys(url for url in urls if url))[:maximum]


def _read_peers(values: list[str]) -> Iterator[Address]:
    for value in values:
        try:
            address = parse_address(value.strip())
        except UsageError:
            continue
        if len(address.host) <= MAX_HOST_CHARACTERS and address.host.isprintable():
            yield address


def _read_ranges(values: list[str]) -> list[FileRange]:
    parts = ",".join(values).split(",", MAX_FILE_RANGES) if values else []
    if len(parts) > MAX_FILE_RANGES:
        raise MagnetError(f"expected at most {MAX_FILE_RANGES} ranges of files in the magnet link")
    return [_read_range(part.strip()) for part in parts]


def _read_range(part: str) -> FileRange:
    found = _FILES.fullmatch(part)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not first <= last <= MAX_FILE_INDEX:
        raise MagnetError(
            "expected file numbers such as so=0,2-4 in the magnet link, found " + _shown(part)
        )
    return first, last


def _range_text(files: FileRange) -> str:
    first, last = files
    return f"{first}-{last}" if last > first else str(first)


def _shown(text: str) -> str:
    """Return a text as quoted ASCII, cut short: safe for any terminal, and in one line."""
    return ascii(text[:SHOWN_CHARACTERS])
