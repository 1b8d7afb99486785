"""Peers that come and go: each stays for a moment, in which it serves, fetches, or is of no use."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Self

from tests.content import Content
from tests.sessions.scripted_peer import Play, ScriptedPeer, Talk, leech, never_speak, never_unchoke

MOST_STAY_SECONDS = 3.0  # so that of those that come every second about two are there at a time
BLOCKS_A_VISIT = 20


class Crowd:
    """Visit ports of this machine every so often, while the `with` block runs.

    Attributes:
        visits: how many peers came.
        fetched: what is being fetched now, and on which port; None: nothing.
    """

    def __init__(self, seeded: tuple[Content, int], period_seconds: float) -> None:
        self.visits = 0
        self.fetched: tuple[Content, int] | None = None
        self._seeded = seeded
        self._period_seconds = period_seconds
        self._dice = random.Random(6)
        self._is_over = threading.Event()
        self._visitors: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        self._thread = threading.Thread(target=self._come_and_go, name="crowd")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for visitor in self._visitors:
            visitor.join()
        if self._errors:
            raise self._errors[0]

    def _come_and_go(self) -> None:
        while not self._is_over.wait(self._period_seconds):
            self._visitors = [one for one in self._visitors if one.is_alive()]
            self._send(self._seeded, (leech, never_unchoke, never_speak))
            if self.fetched is not None:
                self._send(self.fetched, (serve_some, serve_some, never_unchoke, never_speak))

    def _send(self, where: tuple[Content, int], plays: tuple[Play, ...]) -> None:
        stay_seconds = self._dice.uniform(0, MOST_STAY_SECONDS * self._period_seconds)
        about = (*where, self._dice.choice(plays), stay_seconds)
        visitor = threading.Thread(target=self._visit, args=about, name="visitor")
        self._visitors.append(visitor)
        visitor.start()
        self.visits += 1

    def _visit(self, content: Content, port: int, play: Play, stay_seconds: float) -> None:
        try:
            visit(content, port, play, lambda: self._is_over.wait(stay_seconds))
        except OSError:
            pass  # nobody listens any more, or what was to be served is gone
        except BaseException as error:  # noqa: BLE001 - raised again by who leaves the block
            self._errors.append(error)


def visit(content: Content, port: int, play: Play, stay: Callable[[], object]) -> None:
    """Dial a port, and go when `stay` returns, whatever is being said."""
    with ScriptedPeer(content, play) as peer:
        peer.dial(port)
        stay()


def serve_some(talk: Talk) -> None:
    """Have everything, serve a little of it, and go."""
    talk.greet()
    talk.serve(BLOCKS_A_VISIT)
