"""What a .torrent file says: BEP 3, with BEP 5 (nodes), 12 (tiers), 19 (web seeds), 27, 47.

The info-hash is taken over the bytes of `info` as they stand in the file, never over
what we would make of them: any other torrent is another torrent. Everything that the
transfer rests upon is checked here, once; what is only nice to know (comment, date)
is taken as absent where it makes no sense.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from actortorrent.errors import InvalidTorrentError, MetainfoError
from actortorrent.wire.addresses import MAX_PORT, Address
from actortorrent.wire.bencoding import Bencoded, Limits, decode_document
from actortorrent.wire.fields import Fields
from actortorrent.wire.torrent_files import FileEntry, read_file_list, read_single_file
from actortorrent.wire.torrent_text import clean_url, declared_encoding, decode_text

__all__ = ["FileEntry", "Metainfo"]

HASH_BYTES = 20  # of a SHA-1
MAX_PIECES = 1_600_000
MAX_PIECE_BYTES = 64 * 1024 * 1024
MAX_TRACKERS = 500
MAX_WEB_SEEDS = 500
MAX_DHT_NODES = 50
MAX_HOST_BYTES = 255
MAX_TIMESTAMP = 253_402_300_799  # the last second of the year 9999
# Room for the hashes of so many pieces, or for 140,000 files; a hostile torrent then costs 150 MiB.
METAINFO_LIMITS = Limits(size=32 * 1024 * 1024, depth=100, tokens=1_000_000)


@dataclass(frozen=True, slots=True)
class Metainfo:
    """Hold what a torrent says, checked.

    Attributes:
        info_hash: 20 bytes, the torrent's identity.
        name: of the file or of the folder; not yet safe as a path, nor for a terminal.
        piece_length: bytes in each piece but the last.
        piece_hashes: the SHA-1 of every piece, 20 bytes each, in one string.
        files: in the torrent's order, padding included.
        is_single_file: whether the torrent is one file and no folder.
        tracker_tiers: URLs to ask, the first tier first (BEP 12).
        is_private: whether peers may come from its trackers alone (BEP 27).
        web_seeds: URLs that serve the content (BEP 19).
        dht_nodes: nodes by which to join the DHT (BEP 5).
        comment: free text, perhaps empty; so is created_by.
        creation_date: seconds since 1970, or None.
        raw_info: the bytes that info_hash is taken over.
    """

    info_hash: bytes
    name: str
    piece_length: int
    piece_hashes: bytes = field(repr=False)
    files: tuple[FileEntry, ...] = field(repr=False)
    is_single_file: bool
    tracker_tiers: tuple[tuple[str, ...], ...]
    is_private: bool
    web_seeds: tuple[str, ...]
    dht_nodes: tuple[Address, ...]
    comment: str
    created_by: str
    creation_date: int | None
    raw_info: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.name!r}: {len(self.files)} files, {self.piece_count} pieces"

    @property
    def total_length(self) -> int:
        """Return the bytes of all files, padding included."""
        return self.files[-1].offset + self.files[-1].length

    @property
    def piece_count(self) -> int:
        """Return how many pieces there are."""
        return len(self.piece_hashes) // HASH_BYTES

    @property
    def magnet_link(self) -> str:
        """Return the link that names this torrent, with its name, trackers and web seeds."""
        from actortorrent.wire.magnet import Magnet  # noqa: PLC0415 - few ask for it

        return Magnet(
            info_hash=self.info_hash,
            name=self.name,
            trackers=tuple(url for tier in self.tracker_tiers for url in tier),
            web_seeds=self.web_seeds,
        ).link

    @property
    def info_hash_hex(self) -> str:
        """Return the info-hash as 40 hexadecimal digits."""
        return self.info_hash.hex()

    def piece_hash(self, piece_index: int) -> bytes:
        """Return the SHA-1 that a piece must have, 20 bytes."""
        start = piece_index * HASH_BYTES
        return self.piece_hashes[start : start + HASH_BYTES]

    @classmethod
    def from_bytes(cls, raw: bytes) -> Metainfo:
        """Read what a .torrent file holds.

        Raises:
            InvalidTorrentError: if it is not a torrent that we can use, and why not.
        """
        document = decode_document(raw, limits=METAINFO_LIMITS, unique_key=b"info")
        torrent = Fields(document.value, "the torrent", MetainfoError)
        torrent.need_dict(b"info")
        start, end = document.spans[b"info"]
        return _read_torrent(torrent, raw[start:end])

    @classmethod
    def from_file(cls, path: str | Path) -> Metainfo:
        """Read a .torrent file.

        Raises:
            InvalidTorrentError: if it cannot be read, or is not a torrent that we can use.
        """
        try:
            with Path(path).open("rb") as file:
                raw = file.read(METAINFO_LIMITS.size + 1)
        except OSError as error:
            raise InvalidTorrentError(f"cannot read {path}: {error.strerror or error}") from error
        try:
            return cls.from_bytes(raw)
        except InvalidTorrentError as error:
            message = f"{path} is not a torrent we can use: {error}"
            raise InvalidTorrentError(message, hint=error.hint) from error


def _read_torrent(torrent: Fields, raw_info: bytes) -> Metainfo:
    info = Fields(torrent.need_dict(b"info"), "info", MetainfoError)
    encoding = declared_encoding(torrent)
    _refuse_version_2_only(info)
    name = decode_text(info.find_bytes(b"name.utf-8") or info.need_bytes(b"name"), encoding)
    is_single_file = b"files" not in info
    files = read_single_file(info, name) if is_single_file else read_file_list(info, encoding)
    piece_length = info.need_int(b"piece length", 1, MAX_PIECE_BYTES)
    return Metainfo(
        info_hash=hashlib.sha1(raw_info, usedforsecurity=False).digest(),
        name=name,
        piece_length=piece_length,
        piece_hashes=_read_piece_hashes(info, files, piece_length),
        files=files,
        is_single_file=is_single_file,
        tracker_tiers=_read_tracker_tiers(torrent),
        is_private=info.find_int(b"private") == 1,
        web_seeds=_read_web_seeds(torrent),
        dht_nodes=_read_dht_nodes(torrent),
        comment=_read_comment(torrent, b"comment", encoding),
        created_by=_read_comment(torrent, b"created by", encoding),
        creation_date=_read_date(torrent),
        raw_info=raw_info,
    )


def _refuse_version_2_only(info: Fields) -> None:
    version = info.find_int(b"meta version") or 1
    if version > 1 and b"pieces" not in info:
        raise MetainfoError(
            f"expected a torrent of version 1 or a hybrid, found one of version {version} only"
            " (BEP 52), which is not supported",
            hint="look for a hybrid or version 1 torrent of the same content",
        )


def _read_piece_hashes(info: Fields, files: tuple[FileEntry, ...], piece_length: int) -> bytes:
    total_length = files[-1].offset + files[-1].length
    piece_count = -(-total_length // piece_length)
    hashes = info.need_bytes(b"pieces")
    if max(piece_count, len(hashes) // HASH_BYTES) > MAX_PIECES:
        found = max(piece_count, len(hashes) // HASH_BYTES)
        info.refuse(b"pieces", f"at most {MAX_PIECES} hashes (MAX_PIECES)", str(found))
    if len(hashes) != piece_count * HASH_BYTES:
        expected = f"{HASH_BYTES} bytes for each of {piece_count} pieces"
        info.refuse(b"pieces", expected, f"{len(hashes)} bytes")
    return hashes


def _read_tracker_tiers(torrent: Fields) -> tuple[tuple[str, ...], ...]:
    known: set[str] = set()
    listed = (_new_urls(tier, known, MAX_TRACKERS) for tier in torrent.find_list(b"announce-list"))
    tiers = tuple(tier for tier in listed if tier)
    if tiers:
        return tiers
    announce = clean_url(torrent.find_bytes(b"announce") or b"")
    return ((announce,),) if announce else ()


def _read_web_seeds(torrent: Fields) -> tuple[str, ...]:
    return _new_urls(torrent.values.get(b"url-list", []), set(), MAX_WEB_SEEDS)


def _read_dht_nodes(torrent: Fields) -> tuple[Address, ...]:
    """Return the nodes by which to join the DHT, as far as they can be some (BEP 5)."""
    return tuple(islice(_each_node(torrent.find_list(b"nodes")), MAX_DHT_NODES))


def _each_node(values: list[Bencoded]) -> Iterator[Address]:
    for value in values:
        match value:
            case [bytes(host), int(port)] if 0 < port <= MAX_PORT and _can_be_host(host):
                yield Address(host.decode("ascii"), port)


def _can_be_host(host: bytes) -> bool:
    is_short = 0 < len(host) <= MAX_HOST_BYTES
    return is_short and host.isascii() and host.decode("ascii").isprintable()


def _new_urls(value: Bencoded, known: set[str], maximum: int) -> tuple[str, ...]:
    """Return the URLs of a list, or of one string, that are not `known` yet; they become so."""
    return tuple(_each_new_url(value if isinstance(value, list) else [value], known, maximum))


def _each_new_url(values: list[Bencoded], known: set[str], maximum: int) -> Iterator[str]:
    for url in map(clean_url, values):
        if url and url not in known and len(known) < maximum:
            known.add(url)
            yield url


def _read_comment(torrent: Fields, key: bytes, encoding: str) -> str:
    raw = torrent.find_bytes(key + b".utf-8") or torrent.find_bytes(key) or b""
    return decode_text(raw, encoding)


def _read_date(torrent: Fields) -> int | None:
    date = torrent.find_int(b"creation date")
    return date if date is not None and 0 <= date <= MAX_TIMESTAMP else None
