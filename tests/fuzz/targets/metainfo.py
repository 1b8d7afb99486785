"""Torrents: what is taken has sense, can be written and linked, and stays in its folder."""

from __future__ import annotations

import hashlib

from actortorrent.errors import BencodeError, InvalidTorrentError
from actortorrent.rules.geometry import Geometry
from actortorrent.rules.safe_paths import MAX_PATH_BYTES, safe_paths
from actortorrent.wire.bencoding import Bencoded, decode, encode
from actortorrent.wire.magnet import MAX_NAME_CHARACTERS, parse_magnet
from actortorrent.wire.metainfo import MAX_DHT_NODES, MAX_TRACKERS, MAX_WEB_SEEDS, Metainfo
from actortorrent.wire.metainfo_writing import build_metainfo, document_of
from tests.fuzz.refusing import check_refusal

MOST_HASHES = 1000


def seeds() -> list[bytes]:
    trackers = [["http://t.example/announce", "udp://u.example:80"], ["https://v.example/a?b=c"]]
    files = [(("a", "b.txt"), 20), ((".pad", "12"), 12), (("..", "con"), 5)]
    many = build_metainfo(
        name="folder", piece_length=16, piece_hashes=b"h" * 60, files=files, is_single_file=False,
        tracker_tiers=trackers, web_seeds=["http://w.example/"], is_private=True, comment="c",
        created_by="me", creation_date=1,
    )  # fmt: skip
    single = build_metainfo(
        name="one", piece_length=16384, piece_hashes=b"h" * 20, files=[((), 5)], is_single_file=True
    )
    odd = {
        "files": [
            {"path": ["x"], "length": 3, "attr": "x"},
            {"path": ["p"], "length": 13, "attr": "p"},
            {"attr": "l", "path": ["to"], "symlink path": ["x"]},
            {"path.utf-8": ["\u00e4"], "path": [b"\xe4"], "length": 0},
        ],
        "name": b"\xc3\xbc\x93\xfa",
        "name.utf-8": "\u00fc",
        "meta version": 2,
        "piece length": 8,
        "pieces": b"h" * 40,
    }
    about = {
        "encoding": "shift-jis",
        "nodes": [["n.example", 6881], ["::1", 1]],
        "url-list": "x://",
    }
    return [many, single, encode({**about, "info": odd})]


def check(data: bytes) -> None:
    _check(data)
    _check(_with_enough_hashes(data))


def _with_enough_hashes(data: bytes) -> bytes:
    """Return a torrent with as many hashes as its files need: chance never meets the number."""
    try:
        torrent = decode(data)
    except BencodeError:
        return data
    match torrent:
        case {b"info": {b"piece length": int(size), b"length": int(length)} as info}:
            lengths: list[Bencoded] = [length]
        case {b"info": {b"piece length": int(size), b"files": list(files)} as info}:
            lengths = [one.get(b"length") for one in files if isinstance(one, dict)]
        case _:
            return data
    total = sum(one for one in lengths if isinstance(one, int))
    if size > 0 and 0 <= total < MOST_HASHES * size:
        info[b"pieces"] = b"h" * 20 * -(-total // size)
    return encode(torrent)


def _check(data: bytes) -> None:
    try:
        torrent = Metainfo.from_bytes(data)
    except InvalidTorrentError as error:
        check_refusal(error)
        return
    _check_sense(torrent)
    _check_paths(torrent)
    _check_link(torrent)
    again = Metainfo.from_bytes(document_of(torrent))
    assert again.raw_info == torrent.raw_info
    assert again.info_hash == torrent.info_hash
    assert again.tracker_tiers == torrent.tracker_tiers
    assert again.web_seeds == torrent.web_seeds


def _check_sense(torrent: Metainfo) -> None:
    assert torrent.info_hash == hashlib.sha1(torrent.raw_info).digest()
    assert len(torrent.piece_hashes) == 20 * torrent.piece_count
    if torrent.total_length:
        geometry = Geometry(torrent.total_length, torrent.piece_length)
        assert geometry.piece_count == torrent.piece_count
    offset = 0
    for entry in torrent.files:
        assert entry.offset == offset
        assert entry.length >= 0
        offset += entry.length
    assert offset == torrent.total_length
    assert sum(map(len, torrent.tracker_tiers)) <= MAX_TRACKERS
    assert len(torrent.web_seeds) <= MAX_WEB_SEEDS
    assert len(torrent.dht_nodes) <= MAX_DHT_NODES


def _check_paths(torrent: Metainfo) -> None:
    for is_windows in (False, True):
        paths = safe_paths(
            torrent.name, torrent.files, torrent.is_single_file, for_windows=is_windows
        )
        assert len(paths) == len(torrent.files)
        given = [path for path in paths if path is not None]
        assert len({str(path).casefold() for path in given}) == len(given)
        for path in given:
            assert not path.is_absolute()
            assert not {"", ".", ".."} & set(path.parts)
            assert len(bytes(path)) <= MAX_PATH_BYTES


def _check_link(torrent: Metainfo) -> None:
    magnet = parse_magnet(torrent.magnet_link)
    assert magnet.info_hash == torrent.info_hash
    assert magnet.name == torrent.name[:MAX_NAME_CHARACTERS]
