"""A router that a test plays on the loopback: it speaks PCP, NAT-PMP, or what the test likes."""

from __future__ import annotations

import ipaddress
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
SECONDS = 60.0
OUTSIDE = "192.0.2.7"

Answer = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Asked:
    """What came: how, and for which ports and how long."""

    way: str
    transport: str
    internal_port: int
    external_port: int
    lifetime_seconds: int


class PlayedRouter:
    """Answer requests while its `with` block runs.

    Args:
        ways: what it understands; to PCP, one that does not says so, as RFC 6887 asks for.
        external_port: what it grants, or 0 for what is asked for.
        result: its code, 0 for success.
        is_deaf: it answers nothing.
    """

    def __init__(
        self,
        ways: tuple[str, ...] = ("PCP", "NAT-PMP"),
        *,
        external_port: int = 0,
        lifetime_seconds: int | None = None,
        result: int = 0,
        is_deaf: bool = False,
    ) -> None:
        self._ways = ways
        self._external_port = external_port
        self._lifetime_seconds = lifetime_seconds
        self._result = result
        self._is_deaf = is_deaf
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((HOST, 0))
        self.port: int = self._sock.getsockname()[1]
        self.asked: list[Asked] = []
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="played router")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (HOST, self.port))
        self._thread.join()
        self._sock.close()

    def wait_for(self, count: int) -> list[Asked]:
        """Wait until so many requests came, and return them."""
        with self._news:
            assert self._news.wait_for(lambda: len(self.asked) >= count, SECONDS), self.asked
            return list(self.asked)

    def _run(self) -> None:
        while True:
            data, sender = self._sock.recvfrom(2048)
            if not data:
                return
            answer = self._answer(data)
            if answer and not self._is_deaf:
                self._sock.sendto(answer, sender)

    def _note(self, asked: Asked) -> tuple[int, int]:
        with self._news:
            self.asked.append(asked)
            self._news.notify_all()
        lifetime = asked.lifetime_seconds
        if lifetime and self._lifetime_seconds is not None:
            lifetime = self._lifetime_seconds
        return self._external_port or asked.external_port, lifetime

    def _answer(self, data: bytes) -> bytes:
        if data[0] == 2:
            if "PCP" not in self._ways:
                return struct.pack("!BBHI", 0, 128, 1, 99) if "NAT-PMP" in self._ways else b""
            return self._answer_pcp(data)
        return self._answer_nat_pmp(data) if "NAT-PMP" in self._ways else b""

    def _answer_nat_pmp(self, data: bytes) -> bytes:
        _, code, _, internal, external, lifetime = struct.unpack("!BBHHHI", data)
        transport = {1: "UDP", 2: "TCP"}[code]
        port, seconds = self._note(Asked("NAT-PMP", transport, internal, external, lifetime))
        return struct.pack("!BBHIHHI", 0, 128 + code, self._result, 99, internal, port, seconds)

    def _answer_pcp(self, data: bytes) -> bytes:
        _, code, _, lifetime, _ = struct.unpack("!BBHI16s", data[:24])
        nonce, number, internal, external, _ = struct.unpack("!12sB3xHH16s", data[24:])
        transport = {6: "TCP", 17: "UDP"}[number]
        port, seconds = self._note(Asked("PCP", transport, internal, external, lifetime))
        head = struct.pack("!BBBBII12x", 2, 128 + code, 0, self._result, seconds, 99)
        host = ipaddress.IPv6Address(f"::ffff:{OUTSIDE}").packed
        return head + struct.pack("!12sB3xHH16s", nonce, number, internal, port, host)
