"""A node of the DHT that is sent anything, from anywhere, in any order: it stays small and alive."""

from __future__ import annotations

import random
from collections import Counter

from actortorrent.errors import KrpcError
from actortorrent.rules.dht_node import DhtNode, NodeOptions
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId
from actortorrent.wire.krpc import MAX_SENT_BYTES, Answer, Refusal
from actortorrent.wire.krpc_reading import read_message
from tests.fuzz.dealing import Dealer, as_letters
from tests.fuzz.targets.krpc import TORRENT, messages

SENDERS = [Address(f"10.{number}.0.1", 6881) for number in range(16)]
HEARING = SENDERS[:8]  # the others' addresses are forged, or so it looks
OURS = NodeId.from_bytes(b"o" * 20)
MOST_ROUNDS = 64
STEPS_SECONDS = (0.0, 0.01, 1.0, 60.0)


def seeds() -> list[bytes]:
    letters = [message.encode() for message in messages()]
    answers = [letter.replace(b"1:t2:aa", b"1:t2:##") for letter in letters[4:]]
    return [
        b"".join(b"\x01" + as_letters(letter) for letter in one)
        for one in (letters, answers, answers[1:] + letters[:3])
    ] + [b"".join(b"\x0c" + as_letters(letter) for letter in letters)]


def check(data: bytes) -> None:
    stage = _Stage(random.Random(data))  # or the fuzzer would learn our numbers by heart
    dealer = Dealer(data)
    for _ in range(MOST_ROUNDS):
        choice = dealer.byte()
        stage.wait(STEPS_SECONDS[choice >> 4 & 3])
        stage.say(SENDERS[choice & 15], dealer.take(dealer.byte()))
    stage.check_amplification()
    assert len(stage.node.table) <= len(SENDERS)


class _Stage:
    """A node, and what strangers said to it and heard."""

    def __init__(self, rng: random.Random) -> None:
        self.now = 1000.0
        self.node = DhtNode(OURS, NodeOptions(), {}, rng, self.now)
        self.node.enter(HEARING[:2], (), self.now)
        self.node.find_peers(TORRENT, 6881, self.now)
        self._asked: dict[Address, bytes] = {}
        self._tokens: dict[Address, bytes] = {}
        self._named: set[Address] = set()  # by somebody as a node
        self._balance: Counter[Address] = Counter()  # bytes we sent it, less those that came
        self._note_outgoing()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        if self.node.next_at <= self.now:
            self.node.tick(self.now)
            assert self.node.next_at > self.now  # or its actor would never rest
            self._note_outgoing()

    def say(self, sender: Address, letter: bytes) -> None:
        packet = self._addressed(letter, sender) if sender in HEARING else letter
        if self.node.takes_on(sender, self.now):
            self._balance[sender] -= len(packet)
            self._hand_over(packet, sender)
            self._note_outgoing()

    def _addressed(self, letter: bytes, sender: Address) -> bytes:
        """Put in the number of what we asked, and the token that we gave: chance finds neither."""
        for mark, told in ((b"2:##", self._asked), (b"5:token", self._tokens)):
            if sender in told:
                letter = letter.replace(mark, b"%d:%s" % (len(told[sender]), told[sender]))
        return letter

    def _hand_over(self, packet: bytes, sender: Address) -> None:
        try:
            message = read_message(packet)
        except KrpcError as error:
            if error.transaction:
                self.node.refuse(error.transaction, len(packet), sender, self.now)
            return
        if isinstance(message.body, Answer):
            nodes = (*(message.body.nodes or ()), *(message.body.nodes6 or ()))
            self._named.update(node.address for node in nodes)
        self.node.receive(message, len(packet), sender, self.now)

    def _note_outgoing(self) -> None:
        self.node.take_facts()
        for outgoing in self.node.take_outgoing():
            assert len(outgoing.packet) <= MAX_SENT_BYTES
            self._balance[outgoing.address] += len(outgoing.packet)
            said = read_message(outgoing.packet)  # what we say ourselves is always well-formed
            if not isinstance(said.body, Answer | Refusal):
                self._asked[outgoing.address] = said.transaction
            elif isinstance(said.body, Answer) and said.body.token:
                self._tokens[outgoing.address] = said.body.token

    def check_amplification(self) -> None:
        """Assert that who has not shown that it hears us was sent no more than came from it."""
        for mute in set(SENDERS) - set(HEARING) - self._named:
            assert self._balance[mute] <= 0
