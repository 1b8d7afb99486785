"""What the process does at its start where the system limits its memory: makes do, or says so.

For a process that is all ours; programs that use the package settle this for themselves.
"""

from __future__ import annotations

from actortorrent.actors.memory_room import address_limit, is_room_for, keep_threads_small
from actortorrent.errors import NO_MEMORY, ShortageError

MIB = 1024 * 1024
NEEDED_BYTES = 48 * MIB  # to load all of a session, and for a fetch with some peers


def settle_within_limits() -> None:
    """Make do with few addresses, where they are limited.

    Raises:
        ShortageError: there are not enough to begin with.
    """
    limit = address_limit()
    if limit is None:
        return
    if not is_room_for(NEEDED_BYTES):
        words, hint = NO_MEMORY
        raise ShortageError(f"{words} within the limit of {limit // MIB} MiB", hint=hint)
    keep_threads_small()
