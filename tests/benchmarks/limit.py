"""How fast the machine could be: the same bytes and SHA-1, with no protocol at all.

    python limit.py serve FILE                 prints its port; sends FILE to all who connect
    python limit.py fetch PORT BYTES FILE      receives it, hashes it by the MiB, writes it

`sendfile` on one side; `recv_into` on the other, with SHA-1 and `pwrite` in a second
thread. The server ends when its standard input does.
"""

from __future__ import annotations

import hashlib
import os
import queue
import socket
import sys
import threading

PIECE_BYTES = 1024 * 1024
BUFFERS = 16


def serve(path: str) -> None:
    threading.Thread(target=_end_with_input, daemon=True).start()
    with socket.create_server(("127.0.0.1", 0)) as listener, open(path, "rb") as file:  # noqa: PTH123 - pathlib takes time to import
        size = os.fstat(file.fileno()).st_size
        print(f"listening on {listener.getsockname()[1]}", flush=True)
        while True:
            peer = listener.accept()[0]
            with peer:
                offset = 0
                while offset < size:
                    offset += os.sendfile(peer.fileno(), file.fileno(), offset, size - offset)


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def fetch(port: int, size: int, path: str) -> None:
    free: queue.SimpleQueue[bytearray] = queue.SimpleQueue()
    full: queue.SimpleQueue[tuple[int, memoryview] | None] = queue.SimpleQueue()
    for _ in range(BUFFERS):
        free.put(bytearray(PIECE_BYTES))
    writer = threading.Thread(target=_store, args=(path, full, free))
    writer.start()
    with socket.create_connection(("127.0.0.1", port)) as peer:
        for offset in range(0, size, PIECE_BYTES):
            piece = memoryview(free.get())[: size - offset]
            _fill(peer, piece)
            full.put((offset, piece))
    full.put(None)
    writer.join()


def _fill(peer: socket.socket, piece: memoryview) -> None:
    have = 0
    while have < len(piece):
        received = peer.recv_into(piece[have:])
        if not received:
            raise SystemExit("the server has gone")
        have += received


def _store(
    path: str,
    full: queue.SimpleQueue[tuple[int, memoryview] | None],
    free: queue.SimpleQueue[bytearray],
) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    while (item := full.get()) is not None:
        offset, piece = item
        hashlib.sha1(piece).digest()
        written = 0
        while written < len(piece):
            written += os.pwrite(descriptor, piece[written:], offset + written)
        buffer = piece.obj
        assert isinstance(buffer, bytearray)
        free.put(buffer)
    os.close(descriptor)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", path]:
            serve(path)
        case ["fetch", port, size, path]:
            fetch(int(port), int(size), path)
        case _:
            raise SystemExit(__doc__)
