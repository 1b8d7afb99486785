"""Which calls of the local network are taken: BEP 14.

Anybody in the network can call anything. So of all calls only so many in a minute are taken,
of one host fewer still; our own are known by their cookie.
"""

from __future__ import annotations

from collections import deque

from actortorrent.wire.addresses import Address
from actortorrent.wire.local_discovery import LocalAnnounce

ANNOUNCE_SECONDS = 5 * 60.0
WINDOW_SECONDS = 60.0
MOST_TAKEN = 60  # calls of a window
MOST_OF_ONE_HOST = 6  # of these: several clients may run there


class LocalHearing:
    """Judge what is heard, for one torrent.

    Args:
        cookie: ours.
    """

    def __init__(self, info_hash: bytes, cookie: str) -> None:
        self._info_hash = info_hash
        self._cookie = cookie
        self._taken: deque[tuple[float, str]] = deque()  # when, and of which host

    def heard(self, announce: LocalAnnounce, host: str, now: float) -> Address | None:
        """Return the peer that an announce of `host` brings, if it is to be taken."""
        is_ours = announce.cookie == self._cookie
        if is_ours or self._info_hash not in announce.info_hashes or not self._has_room(host, now):
            return None
        self._taken.append((now, host))
        return Address(host, announce.port)

    def _has_room(self, host: str, now: float) -> bool:
        while self._taken and self._taken[0][0] <= now - WINDOW_SECONDS:
            self._taken.popleft()
        of_host = sum(taken == host for _, taken in self._taken)
        return len(self._taken) < MOST_TAKEN and of_host < MOST_OF_ONE_HOST
