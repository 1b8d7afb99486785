"""The resume record: what was on the disk when a session last looked, as bytes.

Our own format, of no BEP: a bencoded dictionary that holds another, as a string, and
the SHA-1 of that string, so that a record torn by a power cut is never believed.
"""

from __future__ import annotations

import hashlib
import struct

from msgspec import Struct

from actortorrent.errors import BencodeError, StorageError
from actortorrent.wire.bencoding import Bencoded, Encodable, Limits, decode, encode
from actortorrent.wire.fields import Fields

FORMAT_VERSION = 1
MAX_RECORD_BYTES = 32 * 1024 * 1024  # 200,000 files and 2 million pieces need a fifth
MAX_PARTIAL_PIECES = 100_000
MAX_MASK_BYTES = 512  # blocks of the largest piece, 64 MiB, as bits
MAX_COUNT = 1 << 32
LIMITS = Limits(size=MAX_RECORD_BYTES, depth=4, tokens=2 * MAX_PARTIAL_PIECES + 100)


class ResumeRecord(Struct, frozen=True):
    """Say what of a torrent was verified, and how its files looked then.

    Attributes:
        verified: bit i is piece i.
        sizes: of each file and, last, of the parts file, in bytes; -1 where missing.
        times_ns: when each was last changed, as the file system says; 0 where missing.
        partial: (piece index, mask of its stored blocks) of unfinished pieces.
        boot_id: names the run of the system that wrote it; empty where it has no name.
        is_synced: all data was safe from a power cut.
        is_final: nothing was written to the files after it.
        saved_ns: when it was made, in nanoseconds since 1970.
    """

    info_hash: bytes
    piece_count: int
    verified: int
    sizes: tuple[int, ...]
    times_ns: tuple[int, ...]
    partial: tuple[tuple[int, int], ...] = ()
    boot_id: str = ""
    is_synced: bool = False
    is_final: bool = False
    saved_ns: int = 0


def encode_record(record: ResumeRecord) -> bytes:
    """Return a record as it stands in its file."""
    inner: dict[str, Encodable] = {
        "version": FORMAT_VERSION,
        "info hash": record.info_hash,
        "pieces": record.piece_count,
        "verified": _mask_bytes(record.verified, record.piece_count),
        "sizes": _pack(record.sizes),
        "times": _pack(record.times_ns),
        "partial": [
            [index, mask.to_bytes(-(-mask.bit_length() // 8), "little")]
            for index, mask in record.partial[:MAX_PARTIAL_PIECES]
        ],
        "boot": record.boot_id,
        "synced": int(record.is_synced),
        "final": int(record.is_final),
        "saved": record.saved_ns,
    }
    body = encode(inner)
    return encode({"record": body, "sha1": _sha1(body)})


def decode_record(raw: bytes) -> ResumeRecord:
    """Read a record out of what stands in its file.

    Raises:
        StorageError: if it is not whole, or not one of ours.
    """
    try:
        outer = Fields(decode(raw, limits=LIMITS), "the resume record", StorageError)
        body = outer.need_bytes(b"record")
        if _sha1(body) != outer.need_bytes(b"sha1"):
            raise StorageError("the resume record is not whole: its SHA-1 does not match")
        return _read(Fields(decode(body, limits=LIMITS), "the resume record", StorageError))
    except BencodeError as error:
        raise StorageError(f"the resume record is not whole: {error}") from error


def _read(fields: Fields) -> ResumeRecord:
    fields.need_int(b"version", FORMAT_VERSION, FORMAT_VERSION)
    piece_count = fields.need_int(b"pieces", 0, MAX_COUNT)
    verified = fields.need_bytes(b"verified")
    sizes, times_ns = _unpack(fields, b"sizes"), _unpack(fields, b"times")
    if len(verified) != (piece_count + 7) // 8 or len(sizes) != len(times_ns):
        raise StorageError("the resume record contradicts itself")
    return ResumeRecord(
        info_hash=fields.need_bytes(b"info hash"),
        piece_count=piece_count,
        verified=int.from_bytes(verified, "little") & ((1 << piece_count) - 1),
        sizes=sizes,
        times_ns=times_ns,
        partial=tuple(_read_partial(each, piece_count) for each in fields.need_list(b"partial")),
        boot_id=fields.find_text(b"boot"),
        is_synced=fields.find_int(b"synced") == 1,
        is_final=fields.find_int(b"final") == 1,
        saved_ns=fields.need_int(b"saved", 0, 1 << 63),
    )


def _read_partial(pair: Bencoded, piece_count: int) -> tuple[int, int]:
    match pair:
        case [int(index), bytes(mask)] if 0 <= index < piece_count and len(mask) <= MAX_MASK_BYTES:
            return index, int.from_bytes(mask, "little")
        case _:
            raise StorageError("the resume record names an impossible piece")


def _mask_bytes(mask: int, count: int) -> bytes:
    return mask.to_bytes((count + 7) // 8, "little")


def _pack(numbers: tuple[int, ...]) -> bytes:
    return struct.pack(f"<{len(numbers)}q", *numbers)


def _unpack(fields: Fields, key: bytes) -> tuple[int, ...]:
    raw = fields.need_bytes(key)
    if len(raw) % 8:
        fields.refuse(key, "64-bit numbers", f"{len(raw)} bytes")
    return struct.unpack(f"<{len(raw) // 8}q", raw)


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
