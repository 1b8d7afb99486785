"""One question to a UDP tracker, from the first packet to its answer, without I/O (BEP 15).

First a connection id is asked for, unless one at hand is still good; then the question
itself. What is not answered is sent again after 15 s, then 30 s, then 60 s, ...; the
caller owns the clock and the socket::

    while exchange.reply is None:
        send(exchange.next_packet(now), exchange.address)
        wait, at most exchange.patience_seconds, for a datagram that
        exchange.receive(datagram, now) calls progress; else exchange.lose_patience()
"""

from __future__ import annotations

import random

from msgspec import Struct

from actortorrent.errors import TrackerRefusalError
from actortorrent.wire import tracker_udp
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import Ask, Reply

FIRST_PATIENCE_SECONDS = 15.0
MAX_DOUBLINGS = 8
CONNECTION_LIFE_SECONDS = 60.0


class UdpConnection(Struct, frozen=True):
    """Hold a connection id that a tracker at `address` takes until `expires_at` (monotonic)."""

    connection_id: int
    address: Address
    expires_at: float


class UdpExchange:
    """Know what to send next and whereto, and recognise what comes back.

    While nothing at all has come from an address, each repetition goes to the next one:
    a tracker whose IPv6 is dead may still answer over IPv4.

    Args:
        ask: the question.
        url_data: path and query of the tracker's URL (BEP 41).
        addresses: the tracker's, at least one; or those of `connection` alone.
        rng: dice for the transaction ids.
        connection: a connection id of this tracker from before, if there is one.
        first_patience_seconds: before the first packet is sent again.
    """

    def __init__(
        self,
        ask: Ask,
        url_data: str,
        addresses: tuple[Address, ...],
        rng: random.Random,
        *,
        connection: UdpConnection | None = None,
        first_patience_seconds: float = FIRST_PATIENCE_SECONDS,
    ) -> None:
        self.reply: Reply | None = None
        self.connection = connection
        self._ask = ask
        self._url_data = url_data
        self._addresses = list(addresses)
        self._rng = rng
        self._first_patience_seconds = first_patience_seconds
        self._is_connecting = connection is None
        self._is_connection_old = connection is not None
        self._doublings = 0
        self._transaction_id = rng.getrandbits(32)

    @property
    def address(self) -> Address:
        """Return where the next packet goes."""
        return self._addresses[0]

    @property
    def patience_seconds(self) -> float:
        """Return how long to wait for an answer to the packet just sent."""
        return float(self._first_patience_seconds * 2**self._doublings)

    def next_packet(self, now: float) -> bytes:
        """Return the packet to send: for the first time, or once more."""
        connection = self.connection
        if connection is not None and now >= connection.expires_at:
            connection = self.connection = None
            self._begin_step(is_connecting=True)
        if connection is None or self._is_connecting:
            return tracker_udp.build_connect(self._transaction_id)
        return tracker_udp.build_ask(
            connection.connection_id, self._transaction_id, self._ask, self._url_data
        )

    def lose_patience(self) -> None:
        """Note that nothing came: the next wait is twice as long, perhaps at another address."""
        self._doublings = min(self._doublings + 1, MAX_DOUBLINGS)
        if self._is_connecting:
            self._addresses.append(self._addresses.pop(0))

    def abandon_address(self) -> bool:
        """Try this address no more, and say whether there is another."""
        if len(self._addresses) == 1:
            return False
        self._addresses.pop(0)
        self.connection = None
        self._begin_step(is_connecting=True)
        return True

    def receive(self, packet: bytes, now: float) -> bool:
        """Take a datagram, and say whether it brought us on.

        If it did and there is no `reply` yet, the next packet is to be sent at once.

        Raises:
            TrackerError: if the tracker refused, or answered nonsense.
        """
        if self._is_connecting:
            return self._receive_connection(packet, now)
        try:
            self.reply = tracker_udp.read_reply(
                packet, self._transaction_id, self._ask, is_ipv6=self.address.is_ipv6
            )
        except TrackerRefusalError:
            if not self._is_connection_old:
                raise
            self._begin_step(is_connecting=True)  # it may have forgotten the id: ask afresh, once
            return True
        return self.reply is not None

    def _receive_connection(self, packet: bytes, now: float) -> bool:
        answer = tracker_udp.read_connect_reply(packet, self._transaction_id)
        if answer is None:
            return False
        expires_at = now + CONNECTION_LIFE_SECONDS
        self.connection = UdpConnection(answer.connection_id, self.address, expires_at)
        self._begin_step(is_connecting=False)
        return True

    def _begin_step(self, *, is_connecting: bool) -> None:
        self._is_connecting = is_connecting
        self._is_connection_old = False
        self._doublings = 0
        self._transaction_id = self._rng.getrandbits(32)
