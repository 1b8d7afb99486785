"""A torrent of 100 GiB of which half is there: from the start of the process to its first request.

Its files are sparse, and its resume record says which pieces were verified, so that none
needs to be read. The peer that is asked is played here.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import bencodepy

from actortorrent.actors import resume
from actortorrent.lab.processes import ACTORTORRENT, PATIENCE_SECONDS, Running
from actortorrent.rules.bitfield import all_pieces, to_wire
from actortorrent.wire.handshake import HANDSHAKE_BYTES, Handshake
from actortorrent.wire.messages import Bitfield, Kind, Unchoke
from actortorrent.wire.resume_record import ResumeRecord, encode_record
from tests.benchmarks.clients import Words
from tests.benchmarks.measuring import Cost, usage_of
from tests.benchmarks.stage import FILES_A_FOLDER, MIB, Stage
from tests.benchmarks.workloads.workload import OURS, Party, Ready

PEER_ID = b"-BE0000-benchmarking"
OUR_FOLDER = ".actortorrent"
LENGTH_BYTES = 4


@dataclass(frozen=True, slots=True)
class Resuming:
    """Go on with a torrent of so many pieces of 2 MiB, in so many files."""

    pieces: int
    files: int
    piece_bytes: int = 2 * MIB

    @contextmanager
    def __call__(self, stage: Stage) -> Iterator[Ready]:
        """Make the torrent and its files; the record is made anew for each run."""
        pieces = max(2, round(self.pieces * stage.scale))
        files = max(2, round(self.files * stage.scale))
        print(f"making a torrent of {pieces} pieces, {files} sparse files", flush=True)
        huge = _make(stage.folder / "huge", pieces, files, self.piece_bytes)
        yield Ready({OURS: Party(partial(_run, huge))})


@dataclass(frozen=True, slots=True)
class _Huge:
    folder: Path
    torrent: Path
    info_hash: bytes
    piece_count: int
    record: bytes


def _make(folder: Path, pieces: int, files: int, piece_bytes: int) -> _Huge:
    total = pieces * piece_bytes
    names = [(str(index // FILES_A_FOLDER), f"{index}.bin") for index in range(files)]
    borders = [total * index // files for index in range(files + 1)]
    sizes = [end - begin for begin, end in pairwise(borders)]
    listed = [{"length": size, "path": list(name)} for name, size in zip(names, sizes, strict=True)]
    info = {
        "name": "huge",
        "piece length": piece_bytes,
        "pieces": random.Random(pieces).randbytes(20 * pieces),
        "files": listed,
    }
    folder.mkdir()
    torrent = folder / "huge.torrent"
    torrent.write_bytes(bencodepy.encode({"info": info}))
    paths = [folder / "huge" / Path(*name) for name in names]
    for path, size in zip(paths, sizes, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.truncate(path, size)
    info_hash = hashlib.sha1(bencodepy.encode(info)).digest()
    return _Huge(folder, torrent, info_hash, pieces, _record(info_hash, pieces, paths))


def _record(info_hash: bytes, pieces: int, paths: list[Path]) -> bytes:
    """Return a record by which every other piece was verified, as of files that lie so."""
    looks = [path.stat() for path in paths]
    record = ResumeRecord(
        info_hash,
        pieces,
        verified=all_pieces(pieces) // 3,  # bits 0, 2, 4, ... of an even number of pieces
        sizes=(*(look.st_size for look in looks), resume.MISSING),
        times_ns=(*(look.st_mtime_ns for look in looks), 0),
        boot_id=resume.boot_id(),
        is_synced=True,
        is_final=True,
        saved_ns=resume.now_ns(),
    )
    return encode_record(record)


def _run(huge: _Huge, _: Path) -> Cost:
    ours = huge.folder / OUR_FOLDER
    ours.mkdir(exist_ok=True)
    (ours / f"{huge.info_hash.hex()}.resume").write_bytes(huge.record)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_SECONDS)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        options = ["--peer", address, "--no-trackers", "--port", "0", "--progress", "none"]
        options += ["--encryption", "off", "--no-portmap", "--no-dht", "--no-lsd"]
        command: Words = [*ACTORTORRENT, "fetch", huge.torrent, "--output", huge.folder]
        command += options
        began = time.monotonic()
        with Running(command) as client, listener.accept()[0] as peer:
            peer.settimeout(PATIENCE_SECONDS)
            _wait_for_request(peer, huge)
            wall_seconds = time.monotonic() - began
            usage = usage_of(client.pid)
    return Cost(wall_seconds, usage.cpu_seconds, usage.peak_bytes)


def _wait_for_request(peer: socket.socket, huge: _Huge) -> None:
    """Have everything, let the other side have it, and listen until it asks for some of it."""
    peer.recv(HANDSHAKE_BYTES, socket.MSG_WAITALL)
    peer.sendall(Handshake(huge.info_hash, PEER_ID).encode())
    has = Bitfield(to_wire(all_pieces(huge.piece_count), huge.piece_count))
    peer.sendall(has.encode() + Unchoke().encode())
    kind = None
    while kind != Kind.REQUEST:
        (length,) = struct.unpack(">I", peer.recv(LENGTH_BYTES, socket.MSG_WAITALL))
        message = peer.recv(length, socket.MSG_WAITALL)
        kind = message[0] if message else None
