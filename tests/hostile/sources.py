"""How each family of foes of a fetch is met: who stands where, and what is asked of the client."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from actortorrent.wire.metainfo import Metainfo
from tests.actors.playing_trackers import PlayedHttpTracker, played_udp_tracker
from tests.content import Content, make_content
from tests.hostile.batch import Batch
from tests.hostile.behaviours import Behaviour
from tests.hostile.honest import HonestPeer
from tests.hostile.line import EXTENSIONS, GoneError, Line
from tests.hostile.nodes import honest_node, hostile_node
from tests.hostile.outcomes import Outcome
from tests.hostile.trackers import honest_reply
from tests.sessions.web_server import Asked, WebServer, with_web_seeds

PIECE_BYTES = 32 * 1024
AHEAD_SECONDS = 0.15  # of a web server, whose answer may never end, before a peer serves, too


def small_content(folder: Path) -> Content:
    """Return some content of a few pieces."""
    folder.mkdir(exist_ok=True)
    return make_content(folder / "content", 5 * PIECE_BYTES + 99, piece_length=PIECE_BYTES)


def meet_tracker(batch: Batch, behaviour: Behaviour) -> Outcome:
    """Let the client ask a hostile tracker first, and then an honest one."""
    content = small_content(batch.folder)
    with (
        HonestPeer(content) as peer,
        PlayedHttpTracker(honest_reply(peer.address)) as honest,
        PlayedHttpTracker(behaviour.play) as foe,
    ):
        peer.may_serve.set()
        named = content.naming(foe.url, honest.url)
        return batch.meet(named, str(named.torrent))


def meet_udp_tracker(batch: Batch, behaviour: Behaviour) -> Outcome:
    """Do the same with one that speaks UDP."""
    content = small_content(batch.folder)
    with (
        HonestPeer(content) as peer,
        PlayedHttpTracker(honest_reply(peer.address)) as honest,
        played_udp_tracker(behaviour.play) as foe,
    ):
        peer.may_serve.set()
        named = content.naming(foe.url, honest.url)
        return batch.meet(named, str(named.torrent))


def meet_web_seed(batch: Batch, behaviour: Behaviour) -> Outcome:
    """Let the client ask a hostile web server; a peer comes once that has been asked."""
    content = small_content(batch.folder)
    with HonestPeer(content) as peer, ExitStack() as stack:

        def play(asked: Asked) -> None:
            timer = threading.Timer(AHEAD_SECONDS, peer.may_serve.set)
            timer.start()
            stack.callback(timer.join)
            behaviour.play(asked)

        with WebServer(content, play) as foe:
            named = with_web_seeds(content, foe.url)
            return batch.meet(named, str(named.torrent), peers=[peer.address])


def meet_metadata_peer(batch: Batch, behaviour: Behaviour) -> Outcome:
    """Give the client a link, a hostile peer, and an honest one that comes when that has acted."""
    content = many_names(batch.folder)
    raw_info = Metainfo.from_file(content.torrent).raw_info
    with HonestPeer(content, raw_info) as peer, Foe(content, peer, behaviour, raw_info) as foe:
        link = f"magnet:?xt=urn:btih:{content.info_hash.hex()}"
        return batch.meet(content, link, peers=[foe.address, peer.address])


def meet_node(batch: Batch, behaviour: Behaviour) -> Outcome:
    """Let the client join the DHT by a hostile node and an honest one."""
    content = small_content(batch.folder)
    with (
        HonestPeer(content) as peer,
        played_udp_tracker(hostile_node(behaviour.play)) as foe,
        played_udp_tracker(honest_node(peer.address)) as honest,
    ):
        peer.may_serve.set()
        doors = [one.url.removeprefix("udp://").partition("/")[0] for one in (foe, honest)]
        return batch.meet(content, str(content.torrent), dht_nodes=doors)


def many_names(folder: Path) -> Content:
    """Return content whose metadata has two parts."""
    folder.mkdir(exist_ok=True)
    sizes = {f"{number:03}-{'x' * 80}": 300 for number in range(200)}
    return make_content(folder / "names", sizes, piece_length=PIECE_BYTES)


class Foe:
    """A hostile peer that is dialled: it plays its part once, and lets the honest one serve."""

    def __init__(
        self, content: Content, honest: HonestPeer, behaviour: Behaviour, raw_info: bytes
    ) -> None:
        self._content = content
        self._honest = honest
        self._behaviour = behaviour
        self._raw_info = raw_info
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "{}:{}".format(*self._listener.getsockname())
        self._thread = threading.Thread(target=self._play, name="hostile peer")
        self._line: Line | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        if self._line is not None:
            with suppress(OSError):
                self._line.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        if self._line is not None:
            self._line.sock.close()
        self._listener.close()

    def _play(self) -> None:
        try:
            self._line = line = Line(self._listener.accept()[0], self._content.info_hash)
            line.shake_hands(EXTENSIONS)
            self._behaviour.play(line, self._raw_info)
        except (GoneError, OSError):
            pass
        finally:
            self._honest.may_serve.set()
        self._listener.close()  # it does not come again, to trade


def warm_up(batch: Batch) -> None:
    """Let it make what is made at the first use, and import what only some fetches need."""
    content = small_content(batch.folder)
    with (
        HonestPeer(content) as peer,
        PlayedHttpTracker(honest_reply(peer.address)) as tracker,
        WebServer(content, Asked.serve) as server,
    ):
        peer.may_serve.set()
        named = with_web_seeds(content.naming(tracker.url), server.url)
        batch.meet(named, str(named.torrent))
