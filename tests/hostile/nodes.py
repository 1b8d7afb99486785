"""Hostile nodes of the DHT (BEP 5): what they send to ours, and how they answer it."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import bencodepy

from tests.hostile.behaviours import Family
from tests.hostile.line import PATIENCE_SECONDS

datagrams = Family("dht datagram")
nodes = Family("dht node")

MANY = 3_000
AGAIN_WITHIN_SECONDS = 2.0  # what is lost in a flood is sent once more, as any datagram is
AGAIN_SECONDS = 0.2  # without an answer, before a query is sent once more
JUNK_HOST = socket.inet_aton("127.0.0.3")  # where nobody listens


class Prober:
    """Send datagrams to a node, and hear what it answers."""

    def __init__(self, port: int) -> None:
        self.node_id = os.urandom(20)
        self.target = ("127.0.0.1", port)
        self.sent_bytes = self.heard_bytes = 0
        self.allowed_bytes = 0  # that may be heard though less was sent
        self._sockets = [self._open()]

    def _open(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(AGAIN_SECONDS)
        return sock

    def close(self) -> None:
        """Hear what has come, and let go of the sockets."""
        for sock in self._sockets:
            sock.settimeout(0)
            with suppress(OSError):
                while True:
                    self.heard_bytes += len(sock.recv(65536))
            sock.close()

    def send(self, data: bytes) -> None:
        """Send a datagram."""
        with suppress(OSError):  # it is full, or too long
            self._sockets[-1].sendto(data, self.target)
            self.sent_bytes += len(data)

    @property
    def name(self) -> str:
        """Return where it sends from."""
        return "{}:{}".format(*self._sockets[-1].getsockname())

    def move(self) -> None:
        """Send from another port from now on."""
        self._sockets.append(self._open())

    def query(self, method: str, **arguments: object) -> bytes:
        """Return a query."""
        body = {"id": self.node_id, **arguments}
        return bencodepy.encode({"t": os.urandom(2), "y": "q", "q": method, "a": body})

    def ask(self, method: str, **arguments: object) -> Mapping[bytes, Any]:
        """Ask, answer the pings that come meanwhile, and return what is answered."""
        self.allowed_bytes = 100_000  # who has shown that it is there gets whole answers
        packet = self.query(method, **arguments)
        transaction = bencodepy.decode(packet)[b"t"]
        deadline = time.monotonic() + PATIENCE_SECONDS
        self.send(packet)
        while time.monotonic() < deadline:
            came = self._hear()
            if not came:
                self.send(packet)  # it was lost
            elif came.get(b"y") == b"q":
                self.send(reply_to(came, self.node_id))
            elif came.get(b"t") == transaction:
                return came.get(b"r", {})
        raise AssertionError(f"no answer to {method} in {PATIENCE_SECONDS:g} s")

    def _hear(self) -> Mapping[bytes, Any]:
        """Return what comes next; nothing if nothing comes for a while."""
        try:
            data = self._sockets[-1].recv(65536)
        except TimeoutError:
            return {}
        self.heard_bytes += len(data)
        came: Mapping[bytes, Any] = bencodepy.decode(data)
        return came


def reply_to(query: Mapping[bytes, Any], node_id: bytes, **values: object) -> bytes:
    """Return an answer to a query."""
    return bencodepy.encode({"t": query[b"t"], "y": "r", "r": {"id": node_id, **values}})


# --- what is sent to a node --------------------------------------------------------------------------


@datagrams(why="", within_seconds=AGAIN_WITHIN_SECONDS)
def sends_noise(prober: Prober) -> None:
    """Sends datagrams of noise, and empty ones."""
    for size in range(0, 1400, 7):
        prober.send(os.urandom(size))


@datagrams(why="", within_seconds=AGAIN_WITHIN_SECONDS)
def sends_64_kib(prober: Prober) -> None:
    """Sends datagrams as long as there can be."""
    for _ in range(50):
        prober.send(b"d1:v65000:" + bytes(65_000))


@datagrams(why="", within_seconds=AGAIN_WITHIN_SECONDS)
def nests_20_000_lists(prober: Prober) -> None:
    """Sends lists in lists, 20,000 deep."""
    for _ in range(20):
        prober.send(b"l" * 20_000 + b"e" * 20_000)


@datagrams(why="malformed", within_seconds=AGAIN_WITHIN_SECONDS)
def asks_with_an_id_too_short(prober: Prober) -> None:
    """Asks with an id of 19 bytes, and with none."""
    prober.send(bencodepy.encode({"t": "aa", "y": "q", "q": "ping", "a": {"id": bytes(19)}}))
    prober.send(bencodepy.encode({"t": "ab", "y": "q", "q": "ping"}))


@datagrams(why="find_node|malformed|unknown|shrug", within_seconds=AGAIN_WITHIN_SECONDS)
def asks_what_nobody_knows(prober: Prober) -> None:
    """Asks by methods that nobody has named."""
    for number in range(40):
        prober.send(prober.query(f"shrug_{number}", x="y" * number))


@datagrams(why="ping", within_seconds=AGAIN_WITHIN_SECONDS)
def floods_with_pings(prober: Prober) -> None:
    """Sends 3,000 pings, as fast as it can."""
    for _ in range(MANY):
        prober.send(prober.query("ping"))


@datagrams(why="ping", within_seconds=AGAIN_WITHIN_SECONDS)
def floods_from_100_ports(prober: Prober) -> None:
    """Sends pings from 100 ports, 30 from each."""
    for _ in range(100):
        prober.move()
        for _ in range(30):
            prober.send(prober.query("ping"))


@datagrams(why="get_peers", within_seconds=AGAIN_WITHIN_SECONDS)
def would_have_others_flooded(prober: Prober) -> None:
    """Asks for peers, in the name of one that does not answer: what comes back is counted."""
    for _ in range(200):
        prober.send(prober.query("get_peers", info_hash=bytes(20)))


@datagrams(why="answer", within_seconds=AGAIN_WITHIN_SECONDS)
def answers_what_nobody_asked(prober: Prober) -> None:
    """Answers queries that were never made, with 100 nodes each."""
    compact = b"".join(os.urandom(20) + JUNK_HOST + struct.pack(">H", 1 + n) for n in range(40))
    for number in range(200):
        values = {"id": prober.node_id, "nodes": compact}
        prober.send(bencodepy.encode({"t": struct.pack(">H", number), "y": "r", "r": values}))


@datagrams(why="announce_peer|malformed", within_seconds=AGAIN_WITHIN_SECONDS)
def announces_with_a_forged_token(prober: Prober) -> None:
    """Announces peers with tokens that it was never given."""
    for port in range(40):
        asked = prober.query(
            "announce_peer", info_hash=os.urandom(20), port=port, token=os.urandom(8)
        )
        prober.send(asked)


@datagrams(why="announce_peer", within_seconds=AGAIN_WITHIN_SECONDS)
def announces_1000_torrents(prober: Prober) -> None:
    """Gets a token, and announces itself for 1,000 torrents."""
    token = prober.ask("get_peers", info_hash=bytes(20)).get(b"token", b"")
    for _ in range(1_000):
        prober.send(prober.query("announce_peer", info_hash=os.urandom(20), port=6881, token=token))


@datagrams(why="malformed|announce_peer", within_seconds=AGAIN_WITHIN_SECONDS)
def announces_impossible_ports(prober: Prober) -> None:
    """Announces itself at ports that there are not."""
    for port in (0, -1, 65_536, 2**63):
        prober.send(prober.query("announce_peer", info_hash=bytes(20), port=port, token=bytes(8)))


@datagrams(why="", within_seconds=AGAIN_WITHIN_SECONDS)
def sends_errors(prober: Prober) -> None:
    """Sends errors that nobody asked for, with words that would steer a terminal."""
    for number in range(200):
        said = {"t": struct.pack(">H", number), "y": "e", "e": [201, "\x1b[2J" * 100]}
        prober.send(bencodepy.encode(said))


# --- how a node answers ------------------------------------------------------------------------------

Answer = Callable[[Mapping[bytes, Any]], "bytes | None"]
LIAR = bytes(range(20))


def _compact(hosts: range, port: int = 9) -> bytes:
    ids = (os.urandom(20) for _ in hosts)
    return b"".join(
        node_id + bytes((127, 0, host // 250, host % 250 + 2)) + struct.pack(">H", port)
        for node_id, host in zip(ids, hosts, strict=True)
    )


@nodes(why="^ask_node")
def never_answers(_query: Mapping[bytes, Any]) -> None:
    """Takes every query, and answers none."""


@nodes(why="^ask_node")
def answers_with_noise(_query: Mapping[bytes, Any]) -> bytes:
    """Answers with noise."""
    return os.urandom(500)


@nodes(why="^ask_node")
def answers_by_another_name(query: Mapping[bytes, Any]) -> bytes:
    """Answers under another transaction than that of the query."""
    return reply_to({**query, b"t": b"zz"}, LIAR)


@nodes(why="^ask_node")
def names_1000_nodes(query: Mapping[bytes, Any]) -> bytes:
    """Answers with 1,000 nodes, none of which is there."""
    return reply_to(query, LIAR, nodes=_compact(range(1000)), token=b"t")


@nodes(why="^ask_node")
def names_itself_and_us(query: Mapping[bytes, Any]) -> bytes:
    """Answers with a node of the very id that asked, and of its own."""
    host = socket.inet_aton("127.0.0.1") + struct.pack(">H", 9)
    ours = query.get(b"a", {}).get(b"id", bytes(20))
    return reply_to(query, LIAR, nodes=ours + host + LIAR + host, token=b"t")


@nodes(why="^ask_node")
def names_half_a_node(query: Mapping[bytes, Any]) -> bytes:
    """Answers with nodes of 25 bytes, where they have 26."""
    return reply_to(query, LIAR, nodes=bytes(25), token=b"t")


@nodes(why="^ask_node")
def names_5000_peers(query: Mapping[bytes, Any]) -> bytes:
    """Answers with 5,000 peers, none of which is there."""
    peers = [JUNK_HOST + struct.pack(">H", port) for port in range(1, 5001)]
    return reply_to(query, LIAR, values=peers, token=b"t")


@nodes(why="^ask_node")
def gives_a_token_of_50_kib(query: Mapping[bytes, Any]) -> bytes:
    """Answers with a token as long as a datagram, to be sent back with the announce."""
    return reply_to(query, LIAR, token=bytes(50_000), nodes=b"")


@nodes(why="^ask_node")
def refuses_all(query: Mapping[bytes, Any]) -> bytes:
    """Answers every query with an error."""
    return bencodepy.encode({"t": query[b"t"], "y": "e", "e": [202, "\x1b[2Jno"]})


def honest_node(peer: str) -> Callable[[bytes], bytes | None]:
    """Return how a node answers datagrams that knows one peer of every torrent."""
    host, port = peer.split(":")
    value = socket.inet_aton(host) + struct.pack(">H", int(port))
    own_id = os.urandom(20)

    def answer(packet: bytes) -> bytes | None:
        query = bencodepy.decode(packet)
        if query.get(b"y") != b"q":
            return None
        if query[b"q"] == b"get_peers":
            return reply_to(query, own_id, values=[value], token=b"token", nodes=b"")
        return reply_to(query, own_id, nodes=b"")

    return answer


def hostile_node(play: Callable[..., bytes | None]) -> Callable[[bytes], bytes | None]:
    """Return how a hostile node answers datagrams."""

    def answer(packet: bytes) -> bytes | None:
        query = bencodepy.decode(packet)
        return play(query) if query.get(b"y") == b"q" else None

    return answer
