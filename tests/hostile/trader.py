"""A client that trades: a part of its content is there, and the rest comes piece by piece.

One process meets all hostile peers one after another. Each has a *bait*: a piece that the
client lacks and nobody else has had so far. After the attack an honest peer comes, fetches a
block and brings that very piece: so it is seen each time that the client still serves and
still fetches. Another honest peer, the witness, is there all the time and hears of every piece.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType

from actortorrent.lab.processes import Running
from tests.content import Content, make_content
from tests.hostile.behaviours import Behaviour
from tests.hostile.line import (
    BITFIELD,
    BLOCK_BYTES,
    HAVE,
    INTERESTED,
    PATIENCE_SECONDS,
    PIECE,
    REQUEST,
    UNCHOKE,
    GoneError,
    Line,
    bitfield_of,
    block_message,
    numbers,
)
from tests.hostile.log import Log
from tests.hostile.nodes import Prober
from tests.hostile.outcomes import Outcome
from tests.hostile.vitals import Watched

PIECES_THERE = 32
PIECES_TO_COME = 160
BLOCKS_A_PIECE = 4
PIECE_BYTES = BLOCKS_A_PIECE * BLOCK_BYTES
DEADLINE_SECONDS = 0.4  # of a handshake, in haste
HASTE = {
    "actors.peer_opening.HANDSHAKE_SECONDS": DEADLINE_SECONDS,
    "actors.trace_writer.WRITE_SECONDS": 0.04,
    "actors.peer_connection.FIRST_BEAT_SECONDS": 0.1,
    "actors.peer_connection.BUSY_BEAT_SECONDS": 0.2,
    "actors.piece_lending.STUCK_SECONDS": 0.2,
}


class Enemy:
    """What a behaviour of a peer is given: a client to attack, and a piece as a bait."""

    def __init__(self, trader: Trader, bait: int) -> None:
        self.trader = trader
        self.content = trader.content
        self.bait = bait
        self.lines: list[Line] = []
        self._stack = ExitStack()

    def dial(self, *, peer_id: bytes = b"", host: str = "127.0.0.1") -> Line:
        """Connect to the client."""
        line = self.trader.dial(peer_id=peer_id, host=host)
        self.lines.append(self._stack.enter_context(line))
        return line

    def greet(self, reserved: bytes = bytes(8)) -> Line:
        """Connect and shake hands."""
        line = self.dial()
        line.shake_hands(reserved)
        return line

    def offer(self, *, unchokes: bool = True, reserved: bytes = bytes(8)) -> Line:
        """Connect, shake hands, have the bait, and let it be fetched."""
        line = self.greet(reserved)
        line.say(BITFIELD, bitfield_of((self.bait,), self.content.piece_count))
        if unchokes:
            line.say(UNCHOKE)
        return line

    def bait_block(self, offset: int) -> bytes:
        """Return the right bytes of a block of the bait."""
        return self.trader.block(self.bait, offset)

    def at_work(self, work: Callable[[], object]) -> None:
        """Go on with something in another thread until the client, or the end, stops it."""
        thread = threading.Thread(target=_until_gone, args=(work,), name="hostile peer")
        thread.start()
        self._stack.callback(thread.join)

    def hang_up(self) -> None:
        """Hang up all."""
        for line in self.lines:
            with suppress(OSError):
                line.sock.shutdown(socket.SHUT_RDWR)

    def leave(self) -> None:
        """Hang up, and wait for what is at work."""
        self.hang_up()
        self._stack.close()


def _until_gone(work: Callable[[], object]) -> None:
    with suppress(GoneError, OSError):
        work()


class Trader:
    """The process under attack, and the honest peers."""

    def __init__(
        self, content: Content, process: Running, log: Log, listener: socket.socket
    ) -> None:
        self.content = content
        self.process = process
        self.log = log
        self.watched = Watched(process.pid)
        self.port = int(process.wait_for_line(r'"listening", "port": (\d+)')[1])
        self._bytes = b"".join((content.folder / path).read_bytes() for path, _ in content.files)
        self._had: set[tuple[str, int]] = set()
        self._baits = iter(range(PIECES_THERE, content.piece_count))
        # Smaller than any id of ours: then who pretends to be it cannot take its place.
        self.witness = Line(listener.accept()[0], content.info_hash, b"-AA0000-a-friend-old")
        self.witness.shake_hands()
        self.witness.hear(BITFIELD)  # what the client has from now on, it is told piece by piece
        self.trade(next(self._baits))  # what is made at the first use is made now
        self.calm = self.watched.rest()
        self.log.read_on()  # its file is open from now on

    def dial(self, *, peer_id: bytes = b"", host: str = "127.0.0.1") -> Line:
        """Connect to the client, at an address of which nothing is known: it may refuse at once."""
        sock = self._bound_anew(host)
        sock.settimeout(10)
        self.log.forget("{}:{}".format(*sock.getsockname()))
        sock.connect(("127.0.0.1", self.port))
        return Line(sock, self.content.info_hash, peer_id)

    def _bound_anew(self, host: str) -> socket.socket:
        """Return a socket at an address that nobody had before: who had it may be banned."""
        while True:
            sock = socket.socket()
            sock.bind((host, 0))
            if sock.getsockname() not in self._had:
                self._had.add(sock.getsockname())
                return sock
            sock.close()

    def block(self, piece: int, offset: int) -> bytes:
        """Return the right bytes of a block."""
        start = piece * PIECE_BYTES + offset
        return self._bytes[start : start + BLOCK_BYTES]

    # --- an attack ----------------------------------------------------------------------------

    def meet(self, behaviour: Behaviour) -> Outcome:
        """Let one hostile peer come, an honest one trade, and see what that took."""
        before = self.watched.look()
        self.watched.forget_peak()
        bait = next(self._baits)
        enemy = Enemy(self, bait)
        try:
            with suppress(GoneError):
                behaviour.play(enemy)
            served, fetched = self.trade(bait)
        finally:
            enemy.leave()
        whys = [why for line in enemy.lines for why in self.log.wait_for_whys(line.name)]
        peak = self.watched.look().peak
        after = self.watched.settle(self.calm.threads, self.calm.descriptors)
        return Outcome(
            whys=whys,
            unexplained=sum(not self.log.whys[line.name] for line in enemy.lines),
            served_seconds=served,
            fetched_seconds=fetched,
            growth_bytes=peak - before.resident,
            peak_bytes=peak,
            threads=after.threads - self.calm.threads,
            descriptors=after.descriptors - self.calm.descriptors,
        )

    def meet_node(self, behaviour: Behaviour) -> Outcome:
        """Let a hostile node of the DHT come, an honest one ask, and an honest peer trade."""
        before = self.watched.look()
        self.watched.forget_peak()
        told = self.log.facts["dht:message_received"]
        told.clear()
        with closing(Prober(self.port)) as prober:
            behaviour.play(prober)
        began = time.monotonic()
        with closing(Prober(self.port)) as honest:
            assert honest.ask("ping").get(b"id"), "it answers no ping"
            name = honest.name
        served = time.monotonic() - began
        assert prober.heard_bytes <= max(prober.allowed_bytes, prober.sent_bytes), "it amplifies"
        _, fetched = self.trade(next(self._baits))
        self.log.wait_until(lambda: any(fact["node"] == name for fact in told))
        peak = self.watched.look().peak
        after = self.watched.settle(self.calm.threads, self.calm.descriptors)
        return Outcome(
            whys=[str(fact) for fact in told],
            served_seconds=served,
            fetched_seconds=fetched,
            growth_bytes=peak - before.resident,
            peak_bytes=peak,
            threads=after.threads - self.calm.threads,
            descriptors=after.descriptors - self.calm.descriptors,
        )

    def trade(self, bait: int) -> tuple[float, float]:
        """Serve and fetch as an honest peer; return the seconds until either was done."""
        began = time.monotonic()
        served = fetched = 0.0
        with self.dial() as line:
            line.shake_hands()
            has = bitfield_of((bait,), self.content.piece_count)
            line.say(BITFIELD, has)
            line.say(UNCHOKE)
            line.say(INTERESTED)
            self.witness.send(bytes(4))  # a keep-alive
            while not (served and fetched):
                for end, kind, body in _hear_any(self.witness, line):
                    if end is line and self._answer(line, kind, body):
                        served = time.monotonic() - began
                    if end is self.witness and kind == HAVE and body == numbers(bait):
                        fetched = time.monotonic() - began
        return served, fetched

    def _answer(self, line: Line, kind: int, body: bytes) -> bool:
        """Do what an honest peer does about a message; say whether it is the block asked for."""
        if kind == UNCHOKE:
            line.say(REQUEST, numbers(0, 0, BLOCK_BYTES))
        elif kind == REQUEST:
            piece, offset = (int.from_bytes(body[at : at + 4]) for at in (0, 4))
            line.send(block_message(piece, offset, self.block(piece, offset)))
        elif kind == PIECE:
            assert body == numbers(0, 0) + self.block(0, 0), "it serves wrong bytes"
            return True
        return False

    # --- the end ------------------------------------------------------------------------------

    def finish(self) -> None:
        """Bring all that is lacking, and see that the whole is right and nothing was said of bugs."""
        with self.dial() as line:
            line.shake_hands()
            line.say(
                BITFIELD, bitfield_of(range(self.content.piece_count), self.content.piece_count)
            )
            line.say(UNCHOKE)
            with suppress(GoneError):
                for kind, body in line.messages():
                    self._answer(line, kind, body)
        self.process.wait_for_success(PATIENCE_SECONDS)


def _hear_any(*lines: Line) -> Iterator[tuple[Line, int, bytes]]:
    """Yield what comes next on any of these lines."""
    ready, _, _ = select.select([line.sock for line in lines], [], [], PATIENCE_SECONDS)
    assert ready, f"nothing was said for {PATIENCE_SECONDS:g} s"
    for line in lines:
        if line.sock in ready:
            yield from ((line, *message) for message in line.ready_messages())


@contextmanager
def trading(
    folder: Path, *more: str, haste: Mapping[str, float] = MappingProxyType(HASTE)
) -> Iterator[Trader]:
    """Run a client that has a part of some content, while the block runs.

    Args:
        more: options of its command line.
        haste: what is to go faster than usual.
    """
    folder.mkdir(exist_ok=True)
    size = (PIECES_THERE + PIECES_TO_COME) * PIECE_BYTES - 1000
    content = make_content(folder / "content", size, piece_length=PIECE_BYTES)
    output = folder / "output"
    output.mkdir()
    with (content.folder / content.name).open("rb") as file:
        (output / content.name).write_bytes(file.read(PIECES_THERE * PIECE_BYTES))
    trace = folder / "client.trace"
    options = ["--bind", "127.0.0.1", "--port", "0", "--progress", "json", "--trace", str(trace)]
    options += ["--pace", "20"]  # slots are reviewed twice a second; the rules are the same
    command = [sys.executable, "-m", "tests.hostile.client", json.dumps(dict(haste))]
    command += ["fetch", str(content.torrent), "--output", str(output), *options, *more]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        command += ["--peer", "{}:{}".format(*listener.getsockname())]
        with Running(command) as process, closing(Log(trace)) as log:
            trader = Trader(content, process, log, listener)
            with trader.witness:
                yield trader
