"""One session that serves, in which one handler of one actor fails while somebody fetches."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from typing import ClassVar

from actortorrent.actors.content_location import locate_content
from actortorrent.rules.progress import Progress
from actortorrent.session import Session
from actortorrent.wire.addresses import Address
from tests.crash.claims import wrong_bytes
from tests.crash.failing_case import BY_LINK, SOON_GONE, Case
from tests.sessions.running import Running

NOT_THERE = BY_LINK | {"WebSeed", "WebSeeds", "RangeCallActor"}  # actors, while one serves


class ServingCase(Case):
    """A session that serves, and the handler that fails in it."""

    soon_gone: ClassVar[Mapping[str, str]] = {**SOON_GONE, "PeerActor": "welcome"}
    _has_all = False  # who fetches

    def _new_session(self) -> Session:
        content = self._around.content
        shutil.copytree(content.folder / content.name, self._output / content.name)
        return Session(
            self._around.torrent,
            self._options(peers=()),
            on_progress=self._heard,
            on_notice=self._noticed,
            location=locate_content(self._around.torrent, self._output),
        )

    def _let_it_work(self) -> None:
        self._wait(lambda: self._progress.phase == "seeding", "it to serve")
        if self._has_ended:
            return
        with self._leech():
            self._wait(lambda: self._has_all, "its peer to be complete")

    def _leech(self) -> Running:
        return Running(
            self._around.content,
            self._output.with_name("leech"),
            peers=[Address("127.0.0.1", self._session.port)],
            on_progress=self._leech_heard,
            seed=2,  # the session itself has 1
            use_dht=False,
            use_local_discovery=False,
        )

    def _leech_heard(self, progress: Progress) -> None:
        with self._changed:
            self._has_all = progress.is_complete
            self._changed.notify_all()

    def judge(self) -> list[str]:
        """Return what ought to be otherwise."""
        return [*super().judge(), *self._judge_leech()]

    def _judge_leech(self) -> Iterator[str]:
        wrong = wrong_bytes(self._around.content, self._output.with_name("leech"))
        if not self._is_missed and wrong:
            yield f"its peer lacks {wrong} bytes"
