"""Torrents that no ordinary client would make: padding, holes, odd names."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import bencodepy

from tests.content import Content


def handmade(
    folder: Path,
    files: Sequence[tuple[str, int, str]],
    *,
    piece_length: int = 65_536,
    name: str = "content",
    zeros: frozenset[str] = frozenset(),
    is_written: bool = True,
) -> Content:
    """Make a torrent of (path, bytes, attributes of BEP 47); padding is not written.

    Files named in `zeros` are zeros, the others pseudo-random; where nothing is to be
    written, all are zeros, and only the torrent is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(9)
    stream = bytearray()
    for path, length, attributes in files:
        is_empty = "p" in attributes or path in zeros or not is_written
        data = bytes(length) if is_empty else rng.randbytes(length)
        stream += data
        if is_written and "p" not in attributes:
            (folder / name / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / path).write_bytes(data)
    info = {
        "name": name,
        "piece length": piece_length,
        "pieces": b"".join(
            hashlib.sha1(stream[i : i + piece_length]).digest()
            for i in range(0, len(stream), piece_length)
        ),
        "files": [
            {"length": length, "path": path.split("/")} | ({"attr": attr} if attr else {})
            for path, length, attr in files
        ],
    }
    torrent = folder / f"{name}.torrent"
    torrent.write_bytes(bencodepy.encode({"info": info}))
    kept = tuple((Path(name) / path, length) for path, length, attr in files if "p" not in attr)
    info_hash = hashlib.sha1(bencodepy.encode(info)).digest()
    return Content(folder, torrent, name, kept, piece_length, info_hash)
