"""Trackers as tests need them: each connection or datagram is answered by a function.

They listen on real sockets, are closed when their `with` block ends, and leave nothing.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from actortorrent.wire.bencoding import Encodable, encode

Talk = Callable[["HttpTalk"], None]
Answer = Callable[[bytes], bytes | None]


@dataclass(slots=True)
class HttpTalk:
    """One connection, after the head of its request has been read."""

    sock: socket.socket
    path: str
    head: str
    is_over: threading.Event

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def send_response(self, body: bytes, *, status: str = "200 OK", headers: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        self.send(head.encode() + body)

    def send_reply(self, reply: Encodable) -> None:
        self.send_response(encode(reply))

    def redirect(self, target: str, status: str = "302 Found") -> None:
        self.send_response(b"", status=status, headers=f"Location: {target}\r\n")

    def drip(self, data: bytes, pause_seconds: float = 0.05) -> None:
        """Send a byte at a time, for ever, until the other end goes."""
        while not self.is_over.wait(pause_seconds):
            self.send(data[:1])
            data = data[1:] + data[:1]

    def hang(self) -> None:
        """Say nothing until the other end goes."""
        with suppress(OSError):
            self.sock.recv(1)


class PlayedHttpTracker:
    """Listen, and give each connection to `talk` in a thread of its own."""

    def __init__(
        self, talk: Talk, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http{'s' if tls else ''}://{shown}:{self.port}/announce"
        self.paths: list[str] = []
        self.senders: list[str] = []
        self.arrived = threading.Semaphore(0)
        self._talk = talk
        self._tls = tls
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(60)

    def _accept(self) -> None:
        while True:
            try:
                sock, sender = self._listener.accept()
            except OSError:
                return
            self.senders.append(sender[0])
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, suppress(OSError), self._secured(plain) as sock:
            sock.settimeout(60)
            head = b""
            while b"\r\n\r\n" not in head:
                data = sock.recv(4096)
                if not data:
                    return
                head += data
            text = head.decode("latin-1")
            self.paths.append(text.split(" ")[1])
            self.arrived.release()
            self._talk(HttpTalk(sock, self.paths[-1], text, self._is_over))

    def _secured(self, sock: socket.socket) -> socket.socket:
        return sock if self._tls is None else self._tls.wrap_socket(sock, server_side=True)


@dataclass(slots=True)
class PlayedUdpTracker:
    """Hold what a played UDP tracker has heard."""

    url: str
    packets: list[bytes] = field(default_factory=list)
    heard: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@contextmanager
def played_udp_tracker(answer: Answer, host: str = "127.0.0.1") -> Iterator[PlayedUdpTracker]:
    """Answer each datagram by what `answer` returns, or not at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        shown = f"[{host}]" if ":" in host else host
        tracker = PlayedUdpTracker(f"udp://{shown}:{sock.getsockname()[1]}/announce")
        thread = threading.Thread(target=_answer_datagrams, args=(sock, answer, tracker))
        thread.start()
        try:
            yield tracker
        finally:
            with socket.socket(family, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", sock.getsockname())
            thread.join(60)


def _answer_datagrams(sock: socket.socket, answer: Answer, tracker: PlayedUdpTracker) -> None:
    while True:
        packet, sender = sock.recvfrom(4096)
        if not packet:
            return
        tracker.packets.append(packet)
        tracker.heard.release()
        reply = answer(packet)
        if reply is not None:
            sock.sendto(reply, sender)


def answer_properly(packet: bytes) -> bytes:
    """Answer as BEP 15 says: a connection id of 77, two peers, a scrape of 3, 9 and 4."""
    _, action, transaction_id = struct.unpack_from("!QII", packet)
    head = struct.pack("!II", action, transaction_id)
    if action == 0:
        return head + struct.pack("!Q", 77)
    if action == 2:
        return head + struct.pack("!III", 3, 9, 4)
    peers = bytes([192, 0, 2, 1, 0x1A, 0xE1, 192, 0, 2, 2, 0x1A, 0xE1])
    return head + struct.pack("!III", 900, 4, 3) + peers
