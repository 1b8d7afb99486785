"""SHA-1 of files on all cores at once, by the MiB: what checking content cannot be faster than.

python hash_all.py FILE...
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading

PIECE_BYTES = 1024 * 1024


def main(paths: list[str]) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        size = os.fstat(descriptor).st_size
        offsets = itertools.count(0, PIECE_BYTES)  # next() of it is one step of the interpreter
        threads = [
            threading.Thread(target=_hash, args=(descriptor, size, offsets))
            for _ in range(os.cpu_count() or 1)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        os.close(descriptor)


def _hash(descriptor: int, size: int, offsets: itertools.count[int]) -> None:
    buffer = bytearray(PIECE_BYTES)
    view = memoryview(buffer)
    while (offset := next(offsets)) < size:
        length = os.preadv(descriptor, [view[: size - offset]], offset)
        hashlib.sha1(view[:length]).digest()


if __name__ == "__main__":
    main(sys.argv[1:])
