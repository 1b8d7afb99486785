"""Sessions that run in a thread of the test, watched by what they report."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from actortorrent.actors.content_location import locate_content
from actortorrent.errors import ActorTorrentError
from actortorrent.options import SessionOptions
from actortorrent.rules.encryption import Encryption
from actortorrent.rules.progress import Progress
from actortorrent.session import Session, Summary
from actortorrent.wire.addresses import Address
from actortorrent.wire.metainfo import Metainfo
from tests.content import Content
from tests.sessions.scripted_peer import ScriptedPeer

PATIENCE_SECONDS = 60.0

Peers = Iterable["Address | ScriptedPeer | Running"]


class Running:
    """A session while its `with` block runs: by itself, or until the block is left.

    Args:
        content: what it fetches, or serves.
        output: where it fetches it to; None: it serves what is there.
        peers: whom it dials.
        settings: of `SessionOptions`, in place of what suits most tests.
    """

    def __init__(
        self,
        content: Content,
        output: Path | None,
        *,
        peers: Peers = (),
        on_progress: Callable[[Progress], None] | None = None,
        **settings: Any,
    ) -> None:
        metainfo = Metainfo.from_file(content.torrent)
        location = locate_content(metainfo, content.folder) if output is None else None
        # The dice make the peer id too: two sessions that meet need two seeds.
        dice = 2 if output is None else 1
        usual = {"port": 0, "bind": "127.0.0.1", "maps_port": False, "seed": dice}
        usual["encryption"] = Encryption.OFF
        given: dict[str, Any] = usual | settings
        options = SessionOptions(
            output=output or content.folder,
            peers=tuple(peer if isinstance(peer, Address) else peer.address for peer in peers),
            **given,
        )
        self.content = content
        self.output = options.output
        self.session = Session(
            metainfo,
            options,
            on_progress=self._heard,
            on_notice=self._noticed,
            location=location,
        )
        self.progress = Progress()
        self.notices: list[str] = []
        self.error: BaseException | None = None
        self.summary: Summary | None = None
        self._on_progress = on_progress
        self._host = given["bind"] or "127.0.0.1"
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="session of a test")

    def __enter__(self) -> Self:
        self._thread.start()
        self.wait_until(lambda progress: progress.phase in ("fetching", "seeding"), "its start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.session.request_stop()
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "the session did not stop"

    @property
    def address(self) -> Address:
        """Return where it listens."""
        return Address(self._host, self.session.port)

    def _run(self) -> None:
        try:
            self.summary = self.session.run()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's thread
            self.error = error
        with self._changed:
            self._changed.notify_all()

    def _heard(self, progress: Progress) -> None:
        with self._changed:
            self.progress = progress
            self._changed.notify_all()
        if self._on_progress is not None:
            self._on_progress(progress)

    def _noticed(self, text: str) -> None:
        with self._changed:
            self.notices.append(text)
            self._changed.notify_all()

    def wait_until(self, is_so: Callable[[Progress], object], what: str) -> None:
        """Sleep until it reports that something is so, or has ended."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: is_so(self.progress) or self._has_ended, PATIENCE_SECONDS
            )
        assert came, f"waited in vain for {what}: {self.progress}"

    @property
    def _has_ended(self) -> bool:
        return self.error is not None or self.summary is not None

    def wait_for_notice(self, part: str) -> None:
        """Sleep until it says something with these words in it."""
        self.wait_until(lambda _: any(part in one for one in self.notices), repr(part))

    def stop(self) -> Summary:
        """Ask it to stop, and return how it went."""
        self.session.request_stop()
        return self.finish()

    def finish(self, seconds: float = PATIENCE_SECONDS) -> Summary:
        """Wait for its end; return how it went, or raise why it could not be done."""
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"not done in {seconds} s: {self.progress}"
        if self.error is not None:
            raise self.error
        assert self.summary is not None
        return self.summary

    def finish_whole(self, seconds: float = PATIENCE_SECONDS) -> Summary:
        """Wait for its end, and see that all content is there and right."""
        summary = self.finish(seconds)
        assert summary.is_complete
        self.content.assert_same_in(self.output)
        return summary


def fetching(content: Content, output: Path, peers: Peers = (), **settings: Any) -> Running:
    """Return a session that fetches."""
    return Running(content, output, peers=peers, **settings)


def seeding(content: Content, peers: Peers = (), **settings: Any) -> Running:
    """Return a session that serves."""
    return Running(content, None, peers=peers, **settings)


def fetch(content: Content, output: Path, peers: Peers, **settings: Any) -> Summary:
    """Fetch all, and see that it is right."""
    with fetching(content, output, peers, **settings) as session:
        return session.finish_whole()


def error_of(session: Running) -> ActorTorrentError:
    """Run a session to its end, which is an error, and return that."""
    with suppress(ActorTorrentError), session:
        session.finish()
    assert isinstance(session.error, ActorTorrentError), session.error or session.summary
    return session.error
