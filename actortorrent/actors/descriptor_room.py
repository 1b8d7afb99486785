"""How many descriptors the process may have, and how they are shared out.

The system limits them, often to 1,024, sometimes to 256 or fewer. Whoever dials us must not
take the last of them: the disk needs some, too.
"""

from __future__ import annotations

try:
    import resource
except ImportError:  # Windows, whose limits are far away
    HAS_LIMITS = False
else:
    HAS_LIMITS = True

OURS = 32  # for listening, the DHT, trackers, a few files, and what Python has open
A_CONNECTION = 7  # a socket, two to wait on, a file; and another that has said nothing so far
FILES_SHARE = 4  # a fourth of all may be content that the storage keeps open


def most_connections(wanted: int) -> int:
    """Return how many of the connections wanted there is room for; one at least."""
    limit = _limit()
    return wanted if limit is None else max(1, min(wanted, (limit - OURS) // A_CONNECTION))


def most_files(wanted: int) -> int:
    """Return how many files may stay open, of so many wanted; one at least."""
    limit = _limit()
    return wanted if limit is None else max(1, min(wanted, limit // FILES_SHARE))


def _limit() -> int | None:
    if not HAS_LIMITS:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if limit == resource.RLIM_INFINITY else limit
