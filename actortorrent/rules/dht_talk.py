"""One node's talk: what it asks and whom it answers, in messages and without a socket.

No answer amplifies. To an address that has not shown that it hears us, we send no more
bytes than came from it; so a long answer to a stranger waits until the stranger has
answered a ping of ours; then we also know it as a node. Only who names its client is taken
for one that answers pings: the others, and read-only nodes (BEP 43), get at once what fits.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from msgspec import Struct

from actortorrent.rules.dht_answers import Answers, fitted
from actortorrent.rules.dht_limits import AddressCredits
from actortorrent.rules.dht_queries import OpenQuery, Patience, Purpose, QueryBook
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc import (
    MAX_SENT_BYTES,
    VERSION,
    FindNode,
    GetPeers,
    Message,
    Ping,
    Query,
    Refusal,
    RefusalCode,
    UnknownQuery,
)

MAX_HELD = 64  # strangers whose answers wait
MAX_HELD_OF_ONE = 4
PING_BYTES = 67  # that a ping of ours takes


class Outgoing(Struct, frozen=True):
    """Say what is to be sent where.

    Attributes:
        packet: the datagram.
        decision: why a node was asked, for traces; None of an answer.
    """

    address: Address
    message: Message
    packet: bytes
    decision: Mapping[str, object] | None = None


class Talk:
    """Keep the conversation of one node with all others.

    Args:
        is_read_only: whether we answer nothing, and say so (BEP 43).
    """

    def __init__(
        self, answers: Answers, rng: random.Random, patience: Patience, *, is_read_only: bool
    ) -> None:
        self.book = QueryBook(rng, patience)
        self.credits = AddressCredits()
        self._answers = answers
        self._is_read_only = is_read_only
        self._held: dict[Address, list[Message]] = {}  # queries
        self._outgoing: list[Outgoing] = []

    def take_outgoing(self) -> list[Outgoing]:
        """Return what is to be sent, and forget it."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    # --- asking ---------------------------------------------------------------------------------

    def ask(
        self,
        address: Address,
        query: Query,
        purpose: Purpose,
        now: float,
        *,
        node_id: NodeId | None = None,
        number: int = 0,
        decision: Mapping[str, object] | None = None,
    ) -> OpenQuery | None:
        """Send a query; None if too many wait for an answer already."""
        if self.book.is_full:
            return None
        made = self.book.add(address, query, purpose, now, node_id=node_id, number=number)
        message = Message(made.transaction, query, version=VERSION, is_read_only=self._is_read_only)
        figures = {"query": query.name, "purpose": purpose.value, **(decision or {})}
        self._outgoing.append(Outgoing(address, message, message.encode(), figures))
        return made

    def may_ping(self, address: Address, now: float) -> bool:
        """Say whether a ping that nobody of ours wanted may go to an address."""
        left = self.credits.left(address, now)
        return (left is None or left >= PING_BYTES) and not self.book.is_waiting_for(address)

    def ping_stranger(self, address: Address, own_id: NodeId, purpose: Purpose, now: float) -> None:
        """Ping who asked us something; that takes of its credit."""
        if self.ask(address, Ping(own_id), purpose, now) is not None:
            self.credits.spent(address, len(self._outgoing[-1].packet))

    # --- answering ------------------------------------------------------------------------------

    def serve(
        self,
        message: Message,
        asker: Address,
        own_id: NodeId,
        now: float,
        *,
        is_wanted: bool = False,
    ) -> None:
        """Answer a query, at once or when its sender has shown that it hears us.

        `is_wanted`: we would like to know the sender as a node that answers.
        """
        query = message.body
        if self._is_read_only or self._hold_too(message, asker):
            return
        assert isinstance(query, Query | UnknownQuery)
        if self._answers.is_proof(query, asker):
            self.credits.verified(asker, now)
        body = self._answers.answer(query, asker, now)
        answer = Message(message.transaction, body, version=VERSION, seen_as=asker)
        left = self.credits.left(asker, now)
        short = fitted(answer, MAX_SENT_BYTES if left is None else min(left, MAX_SENT_BYTES))
        is_cut = short is None or short[0].body != body
        is_worth_it = isinstance(query, FindNode | GetPeers) and (is_cut or is_wanted)
        if left is not None and is_worth_it and self._can_probe(message, asker, now):
            self._held[asker] = [message]
            self.ping_stranger(asker, own_id, Purpose.PROBE, now)
        elif short is not None:
            self._send_answer(asker, *short)

    def _hold_too(self, message: Message, asker: Address) -> bool:
        """Keep another query of a stranger that we have just pinged; say whether it is one."""
        held = self._held.get(asker)
        if held is not None and len(held) < MAX_HELD_OF_ONE:
            held.append(message)
        return held is not None

    def _can_probe(self, message: Message, asker: Address, now: float) -> bool:
        return (
            bool(message.version)
            and not message.is_read_only
            and len(self._held) < MAX_HELD
            and not self.book.is_full
            and self.may_ping(asker, now)
        )

    def refuse(self, transaction: bytes, asker: Address, now: float) -> None:
        """Refuse a query that is none, in so few bytes as came at most."""
        if not self._is_read_only:
            body = Refusal(RefusalCode.PROTOCOL, "malformed query")
            left = self.credits.left(asker, now)
            short = fitted(Message(transaction, body), MAX_SENT_BYTES if left is None else left)
            if short is not None:
                self._send_answer(asker, *short)

    def hears_us(self, address: Address, own_id: NodeId, now: float) -> None:
        """Note that an address answered a query of ours; give it the answers that waited."""
        self.credits.verified(address, now)
        for held in self._held.pop(address, ()):
            self.serve(held, address, own_id, now)

    def gives_up_probe(self, address: Address, now: float) -> None:
        """Answer a stranger that does not answer us, as far as its own bytes go."""
        for held in self._held.pop(address, ()):
            assert isinstance(held.body, Query | UnknownQuery)
            body = self._answers.answer(held.body, address, now)
            short = fitted(Message(held.transaction, body), self.credits.left(address, now) or 0)
            if short is not None:
                self._send_answer(address, *short)

    def _send_answer(self, asker: Address, answer: Message, packet: bytes) -> None:
        self._outgoing.append(Outgoing(asker, answer, packet))
        self.credits.spent(asker, len(packet))
