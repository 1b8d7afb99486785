"""`WebSeeds`: which of the web servers that a torrent names are asked, and which are spares.

A few are asked at a time (`WebSeed`); when one is given up, the next takes its place. It is
told here what is asked anew before it is told what is gone: so that nobody thinks for a
moment that there is no web seed left.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from actortorrent.actors.base import Actor, Proxy, Runtime, message, proxy_of
from actortorrent.rules.web_seeds import (
    MOST_ASKED,
    WebSeedStatus,
    conn_of_web_seed,
    source_name,
)

if TYPE_CHECKING:
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.web_seed import WebSeedProxy


class WebSeeds(Actor):
    """Keep so many web seeds asked as may be, as long as something is lacking.

    Args:
        shown_urls: of all web seeds, without secrets; the first has the number 1.
        start_seed: starts the actor of the web seed of a number.
        reporter: is told which are asked.
    """

    def __init__(
        self,
        runtime: Runtime,
        shown_urls: Sequence[str],
        start_seed: Callable[[int, WebSeedsProxy], WebSeedProxy],
        reporter: ReporterProxy,
    ) -> None:
        super().__init__(runtime, "WebSeeds")
        self._shown_urls = dict(enumerate(shown_urls, start=1))
        self._start_seed = start_seed
        self._reporter = reporter
        self._spares = deque(self._shown_urls)
        self._asked_count = 0

    # --- messages ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask from now on: what is on disk is known."""
        while self._spares and self._asked_count < MOST_ASKED:
            self._start_next()

    def begin_no_more(self) -> None:
        """Let no spare take the place of another from now on: the session ends."""
        self._spares.clear()

    def web_seed_left(self, number: int, is_more_wanted: bool) -> None:
        """Let a spare take the place of one that has gone, if anything is lacking still."""
        self._asked_count -= 1
        if not is_more_wanted:
            self._spares.clear()
        elif self._spares:
            chosen, left = (source_name(conn_of_web_seed(one)) for one in (self._spares[0], number))
            self._decide("replace_web_seed", chosen, left=left, spares=len(self._spares) - 1)
            self._start_next()
        self._report(number, is_gone=True)

    # --- what follows ------------------------------------------------------------------------

    def _start_next(self) -> None:
        number = self._spares.popleft()
        seed = self._start_seed(number, proxy_of(self.actor_ref, WebSeedsProxy))
        self._asked_count += 1
        self._report(number)
        seed.begin.defer()

    def _report(self, number: int, *, is_gone: bool = False) -> None:
        status = WebSeedStatus(number=number, url=self._shown_urls[number], is_gone=is_gone)
        self._reporter.web_seed_changed.defer(status)


class WebSeedsProxy(Proxy):
    """The messages that it takes."""

    begin = message(WebSeeds.begin)
    begin_no_more = message(WebSeeds.begin_no_more)
    web_seed_left = message(WebSeeds.web_seed_left)
