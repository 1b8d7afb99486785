"""A node of the DHT that is sent anything, from anywhere, in any order: it stays small and alive."""

from __future__ import annotations

import random

from actortorrent.errors import KrpcError
from actortorrent.rules.dht_node import DhtNode, NodeOptions
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc import MAX_SENT_BYTES, Answer, Refusal
from actortorrent.wire.krpc_reading import read_message
from tests.fuzz.dealing import Dealer, as_letters
from tests.fuzz.targets.krpc import TORRENT, messages

SENDERS = [Address(f"10.{number}.0.1", 6881) for number in range(16)]
OURS = NodeId.from_bytes(b"o" * 20)
MOST_ROUNDS = 64
STEPS_SECONDS = (0.0, 0.01, 1.0, 60.0)


def seeds() -> list[bytes]:
    letters = [message.encode() for message in messages()]
    answers = [letter.replace(b"1:t2:aa", b"1:t2:##") for letter in letters[4:]]
    return [
        b"".join(b"\x01" + as_letters(letter) for letter in one)
        for one in (letters, answers, answers[1:] + letters[:3])
    ]


def check(data: bytes) -> None:
    now = 1000.0
    node = DhtNode(OURS, NodeOptions(), {}, random.Random(1), now)
    node.enter(SENDERS[:2], (), now)
    node.find_peers(TORRENT, 6881, now)
    asked: dict[Address, bytes] = {}
    dealer = Dealer(data)
    for _ in range(MOST_ROUNDS):
        choice, letter = dealer.byte(), dealer.take(dealer.byte())
        sender = SENDERS[choice & 15]
        now += STEPS_SECONDS[choice >> 4 & 3]
        if node.takes_on(sender, now):
            _hand_over(node, _addressed(letter, asked.get(sender)), sender, now)
        if node.next_at <= now:
            node.tick(now)
            assert node.next_at > now  # or its actor would never rest
        _note_outgoing(node, asked)
    assert len(node.table) <= len(SENDERS)


def _addressed(letter: bytes, transaction: bytes | None) -> bytes:
    """Put the number of what we asked for `##`: chance does not find it."""
    if transaction is None:
        return letter
    return letter.replace(b"2:##", b"%d:%s" % (len(transaction), transaction))


def _hand_over(node: DhtNode, packet: bytes, sender: Address, now: float) -> None:
    try:
        message = read_message(packet)
    except KrpcError as error:
        if error.transaction:
            node.refuse(error.transaction, len(packet), sender, now)
    else:
        node.receive(message, len(packet), sender, now)


def _note_outgoing(node: DhtNode, asked: dict[Address, bytes]) -> None:
    node.take_facts()
    for outgoing in node.take_outgoing():
        assert len(outgoing.packet) <= MAX_SENT_BYTES
        said = read_message(outgoing.packet)  # what we say ourselves is always well-formed
        if not isinstance(said.body, Answer | Refusal):
            asked[outgoing.address] = said.transaction
