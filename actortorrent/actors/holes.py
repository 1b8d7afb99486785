"""Holes: stretches of a file that were never written and take no room on the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

BLOCK_BYTES_ON_DISK = 512  # the unit of st_blocks, whatever the file system's own
HAS_SEEK_DATA = hasattr(os, "SEEK_DATA")


def may_have_holes(found: os.stat_result) -> bool:
    """Say whether a file takes less room on the disk than it has bytes."""
    if not HAS_SEEK_DATA:
        return False
    return found.st_blocks * BLOCK_BYTES_ON_DISK < found.st_size


def data_extents(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each stretch of a file that may hold other bytes than zeros.

    Where the system does not know, that is all of the file.
    """
    end = 0
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
            end = os.lseek(descriptor, start, os.SEEK_HOLE)
        except OSError as error:
            if error.errno != errno.ENXIO:  # that is: a hole to the end
                yield end, size
            return
        yield start, end
