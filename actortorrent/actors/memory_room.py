"""How much memory the process may have where the system limits it, and what threads take of it.

Such a limit (`ulimit -v`) counts addresses, and threads take many that they never use: 8 MiB of
stack each, and 64 MiB for what the C library keeps apart for it. So where there is a limit, both
are kept small, and no thread begins that would leave next to nothing: Python itself may stumble
for want of a few bytes, and then neither ends nor goes on.
"""

from __future__ import annotations

import contextlib
import threading

try:
    import resource
except ImportError:  # Windows, which has no such limit
    HAS_LIMITS = False
else:
    HAS_LIMITS = True

MIB = 1024 * 1024
STACK_BYTES = 1 * MIB
KEPT_BYTES = 4 * MIB  # for the small things of those threads that are there
_ARENA_MAX = -8  # glibc's name for the number of heaps that it keeps apart (mallopt)


def address_limit() -> int | None:
    """Return how many bytes of addresses the process may have, None for as many as it likes."""
    if not HAS_LIMITS:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def is_room_for(byte_count: int) -> bool:
    """Say whether so much can be had, by taking it for a moment, untouched."""
    try:
        import mmap  # noqa: PLC0415 - without a limit nobody needs it

        mmap.mmap(-1, byte_count).close()
    except (OSError, MemoryError, ImportError):
        return False
    return True


def ensure_room_for_a_thread() -> None:
    """See that a thread leaves something to those that are there.

    Raises:
        MemoryError: it would not.
    """
    if address_limit() is not None and not is_room_for(STACK_BYTES + KEPT_BYTES):
        raise MemoryError


def keep_threads_small() -> None:
    """Have all threads to come take few addresses: stacks of 1 MiB, and one heap for all."""
    threading.stack_size(STACK_BYTES)
    with contextlib.suppress(OSError, ImportError, AttributeError):  # other C libraries than GNU's
        import ctypes  # noqa: PLC0415 - without a limit nobody needs it

        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
