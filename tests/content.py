"""Make seeded pseudo-random content and a torrent of it, independently of our own `create`."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import bencodepy

Sizes = int | Mapping[str, int]
SLAB_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Content:
    """Hold where content lies, where its torrent lies, and what is in it.

    `folder` holds the content: it is what a client that seeds is given. `files` are
    relative to it, in the torrent's order.
    """

    folder: Path
    torrent: Path
    name: str
    files: tuple[tuple[Path, int], ...]
    piece_length: int
    info_hash: bytes

    @property
    def total_length(self) -> int:
        """Return the bytes of all files."""
        return sum(length for _, length in self.files)

    @property
    def piece_count(self) -> int:
        """Return how many pieces the torrent has."""
        return -(-self.total_length // self.piece_length)

    def pieces_in(self, folder: Path) -> set[int]:
        """Return the indexes of the pieces that are whole and right in `folder`."""
        info = bencodepy.decode(self.torrent.read_bytes())[b"info"]
        hashes = info[b"pieces"]
        pieces = _pieces(folder, self.files, self.piece_length)
        return {
            index
            for index, piece in enumerate(pieces)
            if hashlib.sha1(piece).digest() == hashes[index * 20 : index * 20 + 20]
        }

    def length_of(self, piece_indexes: Iterable[int]) -> int:
        """Return the bytes of some pieces; the last piece may be shorter than the others."""
        ends = ((index + 1) * self.piece_length for index in piece_indexes)
        return sum(self.piece_length - max(0, end - self.total_length) for end in ends)

    def naming(self, *trackers: str) -> Content:
        """Return the same content with a torrent that names these trackers, each a tier."""
        info = bencodepy.decode(self.torrent.read_bytes())[b"info"]
        torrent = self.torrent.with_name(f"{self.name}-tracked.torrent")
        torrent.write_bytes(bencodepy.encode(_metainfo(info, trackers)))
        return replace(self, torrent=torrent)

    def made_private(self) -> Content:
        """Return the same content with a private torrent (BEP 27), which has another info-hash."""
        metainfo = bencodepy.decode(self.torrent.read_bytes())
        metainfo[b"info"][b"private"] = 1
        torrent = self.torrent.with_name(f"{self.name}-private.torrent")
        torrent.write_bytes(bencodepy.encode(metainfo))
        info_hash = hashlib.sha1(bencodepy.encode(metainfo[b"info"])).digest()
        return replace(self, torrent=torrent, info_hash=info_hash)

    def assert_same_in(self, folder: Path, *, but: Collection[str] = ()) -> None:
        """Fail unless `folder` holds the very same bytes, `but` for files of these names."""
        for path, length in self.files:
            if path.name in but:
                continue
            there = folder / path
            assert there.exists(), f"{path} is not there"
            assert there.stat().st_size == length, f"{path} has {there.stat().st_size} bytes"
            assert _digest(there) == _digest(self.folder / path), f"{path} differs"


def make_content(
    folder: Path,
    sizes: Sizes,
    *,
    name: str = "content",
    piece_length: int = 64 * 1024,
    seed: int = 0,
    trackers: tuple[str, ...] = (),
) -> Content:
    """Write files of pseudo-random bytes into `folder`, and `folder`/`name`.torrent beside them.

    An int makes a single-file torrent called `name`; a mapping of relative path to bytes
    makes a multi-file torrent in a folder called `name`. Each of `trackers` is a tier.
    """
    folder.mkdir(parents=True, exist_ok=True)
    is_single_file = isinstance(sizes, int)
    by_path = (
        {name: sizes} if isinstance(sizes, int) else {f"{name}/{k}": v for k, v in sizes.items()}
    )
    rng = random.Random(seed)
    for path, length in by_path.items():
        _write_random(folder / path, length, rng)
    files = tuple((Path(path), length) for path, length in by_path.items())
    info = _info(folder, files, name, piece_length, is_single_file=is_single_file)
    torrent = folder / f"{name}.torrent"
    torrent.write_bytes(bencodepy.encode(_metainfo(info, trackers)))
    info_hash = hashlib.sha1(bencodepy.encode(info)).digest()
    return Content(folder, torrent, name, files, piece_length, info_hash)


def _write_random(path: Path, length: int, rng: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for start in range(0, length, SLAB_BYTES):
            file.write(rng.randbytes(min(SLAB_BYTES, length - start)))


def _info(
    folder: Path,
    files: tuple[tuple[Path, int], ...],
    name: str,
    piece_length: int,
    *,
    is_single_file: bool,
) -> dict[str, object]:
    hashes = b"".join(
        hashlib.sha1(piece).digest() for piece in _pieces(folder, files, piece_length)
    )
    info: dict[str, object] = {"name": name, "piece length": piece_length, "pieces": hashes}
    if is_single_file:
        info["length"] = files[0][1]
    else:
        info["files"] = [{"length": n, "path": list(path.parts[1:])} for path, n in files]
    return info


def _metainfo(info: dict[str, object], trackers: tuple[str, ...]) -> dict[str, object]:
    if not trackers:
        return {"info": info}
    return {"info": info, "announce": trackers[0], "announce-list": [[t] for t in trackers]}


def _pieces(
    folder: Path, files: tuple[tuple[Path, int], ...], piece_length: int
) -> Iterator[bytes]:
    """Yield the pieces; what a file lacks, or a whole file that is missing, reads as zeros."""
    waiting = bytearray()
    for path, length in files:
        place = folder / path
        with place.open("rb") if place.exists() else io.BytesIO() as file:
            for start in range(0, length, SLAB_BYTES):
                wanted = min(SLAB_BYTES, length - start)
                waiting += file.read(wanted).ljust(wanted, b"\0")
                while len(waiting) >= piece_length:
                    yield bytes(waiting[:piece_length])
                    del waiting[:piece_length]
    if waiting:
        yield bytes(waiting)


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha1").digest()
