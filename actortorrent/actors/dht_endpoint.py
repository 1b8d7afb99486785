"""The DHT's end of the wire: datagrams in and out, the one timer, and what a trace sees.

It moves messages between the sockets and the nodes of `rules/dht_node.py`, one for each
kind of IP, and does nothing of its own accord.
"""

from __future__ import annotations

import random
import socket
import time
from abc import abstractmethod

from actortorrent.actors.base import Runtime, SocketActor
from actortorrent.actors.dht_options import DhtOptions
from actortorrent.actors.dht_sockets import open_udp_sockets, receive_some, send
from actortorrent.actors.inbox import Timer
from actortorrent.errors import KrpcError
from actortorrent.rules.dht_facts import DhtStatus, Fact
from actortorrent.rules.dht_ids import make_node_id
from actortorrent.rules.dht_limits import Allowance
from actortorrent.rules.dht_node import DhtNode, NodeOptions
from actortorrent.rules.dht_table import RoutingTable
from actortorrent.tracing.dht_events import malformed_data, message_data
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_state import DhtState
from actortorrent.wire.krpc_reading import read_message

MAX_DATAGRAMS_A_TURN = 32
READ_RATE, READ_BURST = 2_000.0, 4_000.0  # datagrams a second; what is more, the system drops
REST_SECONDS = 0.1  # from reading, when they are more


class DhtEndpoint(SocketActor):
    """Own the sockets, and let the nodes talk through them.

    Args:
        rng: dice that nobody can guess; tests bring their own.
    """

    def __init__(
        self, runtime: Runtime, options: DhtOptions, rng: random.Random | None = None
    ) -> None:
        super().__init__(runtime, "Dht")
        self._options = options
        self._rng = rng or random.SystemRandom()
        self._nodes: dict[socket.socket, DhtNode] = {}
        self._wake_timer: Timer | None = None
        self._reading = Allowance(READ_RATE, READ_BURST, time.monotonic())

    def status(self) -> tuple[DhtStatus, ...]:
        """Answer how we stand, in each of the two DHTs that we are in."""
        now = time.monotonic()
        return tuple(node.status(sock.getsockname()[1], now) for sock, node in self._nodes.items())

    # --- for the subclass -------------------------------------------------------------------------

    @abstractmethod
    def _take_fact(self, node: DhtNode, fact: Fact) -> None:
        """Take what a node found out."""

    # --- sockets ----------------------------------------------------------------------------------

    def _open(self, known: DhtState) -> None:
        """Open a socket of each kind of IP, and make a node for it."""
        sockets = open_udp_sockets(self._options.port, self._options.bind)
        tables: dict[str, RoutingTable] = {}
        for sock in sockets:
            self._watch(sock, "_socket_ready")
            self._nodes[sock] = self._make_node(sock, tables, known)
        nodes = list(self._nodes.values())
        for node, other in zip(nodes, reversed(nodes), strict=True):
            node.sibling = other if other is not node else None

    def _make_node(
        self, sock: socket.socket, tables: dict[str, RoutingTable], known: DhtState
    ) -> DhtNode:
        options, is_ipv6 = self._options, sock.family == socket.AF_INET6
        node_options = NodeOptions(
            is_ipv6=is_ipv6,
            is_read_only=options.is_read_only,
            patience=options.patience,
            rates=options.rates,
        )
        saved = known.ipv6 if is_ipv6 else known.ipv4
        node_id = saved.node_id or make_node_id(None, self._rng)
        return DhtNode(node_id, node_options, tables, self._rng, time.monotonic())

    def _close(self) -> None:
        for sock in self._nodes:
            self._unwatch(sock)
            sock.close()

    def _node_for(self, address: Address) -> DhtNode | None:
        """Return the node that can reach an address."""
        nodes = self._nodes.values()
        return next((one for one in nodes if one.options.is_ipv6 == address.is_ipv6), None)

    # --- datagrams --------------------------------------------------------------------------------

    def _socket_ready(self, sock: socket.socket, _readable: bool, _writable: bool) -> None:
        node, now = self._nodes[sock], time.monotonic()
        for packet, sender in receive_some(sock, MAX_DATAGRAMS_A_TURN):
            if node.takes_on(sender, now):
                self._receive(node, packet, sender, now)
                self._tell(sock, node)
            if not self._reading.take(now):
                self._unwatch(sock)
                self._after(REST_SECONDS, "_read_again", sock)
                break
        self._wake_later()

    def _read_again(self, sock: socket.socket) -> None:
        self._watch(sock, "_socket_ready")

    def _receive(self, node: DhtNode, packet: bytes, sender: Address, now: float) -> None:
        try:
            came = read_message(packet)
        except KrpcError as error:
            if error.transaction:
                if self._is_recorded:
                    self._record_arrival(malformed_data(sender, error.transaction, len(packet)))
                node.refuse(error.transaction, len(packet), sender, now)
            return
        if self._is_recorded:
            self._record_arrival(message_data(sender, came, len(packet)))
        node.receive(came, len(packet), sender, now)

    @property
    def _is_recorded(self) -> bool:
        """Say whether messages are recorded: a flight recorder would be full of them."""
        recorder = self._inbox.recorder
        return recorder is not None and not getattr(recorder, "is_frugal", False)

    def _record_arrival(self, data: dict[str, object]) -> None:
        self._inbox.clock.cause = ""  # only its sender knows what brought it about
        self._record("dht:message_received", data)

    def _wake(self) -> None:
        self._wake_timer = None
        now = time.monotonic()
        for node in self._nodes.values():
            node.tick(now)
        self._go_on()

    def _go_on(self) -> None:
        """Send what is to be sent, tell what was found, and wake when more is due."""
        for sock, node in self._nodes.items():
            self._tell(sock, node)
        self._wake_later()

    def _tell(self, sock: socket.socket, node: DhtNode) -> None:
        is_recorded = self._is_recorded
        for outgoing in node.take_outgoing():
            send(sock, outgoing.packet, outgoing.address)
            if is_recorded:
                if outgoing.decision is not None:
                    self._decide("ask_node", str(outgoing.address), **outgoing.decision)
                data = message_data(outgoing.address, outgoing.message, len(outgoing.packet))
                self._record("dht:message_sent", data)
        for fact in node.take_facts():
            self._take_fact(node, fact)

    def _wake_later(self) -> None:
        at = min((node.next_at for node in self._nodes.values()), default=None)
        timer = self._wake_timer
        if at is None or (timer is not None and timer.deadline <= at):
            return
        if timer is not None:
            timer.cancel()
        self._wake_timer = self._after(max(0.0, at - time.monotonic()), "_wake")
