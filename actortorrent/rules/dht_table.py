"""The routing table: the nodes a node knows, the better the closer they are (BEP 5).

Bucket *i* holds nodes whose ids have exactly *i* leading bits in common with ours, the last
bucket those with as many or more; when the last one is full, it is split. In a bucket are at
most eight nodes, each of which has answered us. A contact is in one of these states::

    good          answered within 15 min, or has ever answered and asked us within 15 min
    questionable  neither
    bad           did not answer twice in a row

Whoever answers and finds no room waits in the bucket, and takes the place of one that turns
bad. Bad ones stay while nobody waits: when our own network fails, all seem bad.

Of one host, and in a bucket of one network, there is one node, private networks aside: who
makes up many ids must not get many places.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterator

from msgspec import Struct, field

from actortorrent.rules.networks import is_local, network_of
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import ID_BITS, NodeId, NodeInfo

BUCKET_SIZE = 8  # Kademlia's k
MAX_SPARSE = 20  # distances that are searched for nodes
MAX_BUCKETS = 40  # twice as deep as any network needs: more is somebody's prank
GOOD_SECONDS = 15 * 60.0
REFRESH_SECONDS = 15 * 60.0
MAX_FAILURES = 2


class Contact(Struct):
    """Hold what is known of a node; times in monotonic seconds."""

    info: NodeInfo
    answered_at: float
    heard_at: float
    failures: int = 0

    @property
    def is_bad(self) -> bool:
        """Say whether it failed to answer several times in a row."""
        return self.failures >= MAX_FAILURES

    def is_good(self, now: float) -> bool:
        """Say whether it was heard of late, and failed nothing since."""
        return not self.failures and now - self.heard_at < GOOD_SECONDS


class Bucket(Struct):
    """Hold the contacts of one distance, and those who wait for a place."""

    changed_at: float
    contacts: list[Contact] = field(default_factory=list)
    waiting: list[Contact] = field(default_factory=list)

    @property
    def is_full(self) -> bool:
        """Say whether there is no place."""
        return len(self.contacts) >= BUCKET_SIZE


class RoutingTable:
    """Keep contacts by their distance from our own id."""

    def __init__(self, own_id: NodeId, now: float) -> None:
        self.own_id = own_id
        self._buckets = [Bucket(now)]
        self._by_address: dict[Address, Contact] = {}  # those in buckets, not those waiting

    def __len__(self) -> int:
        return len(self._by_address)

    def __iter__(self) -> Iterator[Contact]:
        return iter(self._by_address.values())

    @property
    def bucket_count(self) -> int:
        """Return how many buckets there are."""
        return len(self._buckets)

    def good_count(self, now: float) -> int:
        """Return how many contacts are good."""
        return sum(contact.is_good(now) for contact in self)

    # --- what is heard ----------------------------------------------------------------------

    def note_answer(self, info: NodeInfo, now: float) -> bool:
        """Note that a node answered a query of ours; say whether it has a place now."""
        known = self._by_address.get(info.address)
        if known is not None and known.info.node_id != info.node_id:
            self._remove(known)  # it has another id now
            known = None
        if known is None:
            return self._insert(Contact(info, now, now), now)
        known.answered_at = known.heard_at = now
        known.failures = 0
        self._bucket_of(info.node_id).changed_at = now
        return True

    def note_query(self, info: NodeInfo, now: float) -> None:
        """Note that a node asked us something: one that has answered before stays good."""
        known = self._by_address.get(info.address)
        if known is not None and known.info == info:
            known.heard_at = now

    def note_failure(self, address: Address) -> None:
        """Note that a node did not answer; one that turns bad gives way to who waits."""
        known = self._by_address.get(address)
        if known is None:
            return
        known.failures += 1
        bucket = self._bucket_of(known.info.node_id)
        if known.is_bad and bucket.waiting:
            self._remove(known)
            self._place(bucket, bucket.waiting.pop())

    def would_take(self, info: NodeInfo) -> bool:
        """Say whether a node that is not known yet could have a place, now or soon."""
        bucket = self._bucket_of(info.node_id)
        is_known = info.address in self._by_address or info.node_id == self.own_id
        if is_known or any(one.info.node_id == info.node_id for one in bucket.contacts):
            return False
        if self._is_crowded(bucket, info):
            return False
        can_split = bucket is self._buckets[-1] and len(self._buckets) < MAX_BUCKETS
        return not bucket.is_full or can_split or any(one.failures for one in bucket.contacts)

    # --- what is asked ------------------------------------------------------------------------

    def closest(
        self, target: NodeId, now: float, count: int = BUCKET_SIZE, *, only_good: bool = False
    ) -> list[NodeInfo]:
        """Return the contacts closest to a target, the closest first, bad ones only at need."""
        fit = [one for one in self if (one.is_good(now) if only_good else not one.is_bad)]
        if not fit and not only_good:
            fit = list(self)
        found = heapq.nsmallest(count, fit, key=lambda one: one.info.node_id.distance_to(target))
        return [contact.info for contact in found]

    def to_check(self, now: float, count: int) -> list[NodeInfo]:
        """Return contacts to ask whether they are still there, the least recently heard first."""
        doubtful = (one for one in self if not one.is_good(now))
        found = heapq.nsmallest(count, doubtful, key=lambda one: one.heard_at)
        return [contact.info for contact in found]

    def to_refresh(self, now: float, rng: random.Random) -> NodeId | None:
        """Return a random id in a bucket that has not changed for long, if there is one.

        From now on that bucket counts as changed.
        """
        for index, bucket in enumerate(self._buckets):
            if now - bucket.changed_at >= REFRESH_SECONDS:
                bucket.changed_at = now
                return self._random_id(index, rng, is_exact=bucket is not self._buckets[-1])
        return None

    def sparse_targets(self, rng: random.Random) -> list[NodeId]:
        """Return a random id at each distance of which few nodes are known, the farthest first.

        It ends where our neighbours are: closer than they there is nobody.
        """
        known = Counter(self.own_id.shared_bits(contact.info.node_id) for contact in self)
        neighbours = min(max(known, default=0), MAX_SPARSE)
        return [
            self._random_id(bits, rng, is_exact=True)
            for bits in range(neighbours)
            if known[bits] < BUCKET_SIZE
        ]

    def change_own_id(self, own_id: NodeId, now: float) -> None:
        """Take another id, and sort all contacts anew."""
        contacts = sorted(self, key=lambda one: one.answered_at)
        self.own_id = own_id
        self._buckets = [Bucket(now)]
        self._by_address = {}
        for contact in contacts:
            self._insert(contact, now)

    # --- within ---------------------------------------------------------------------------------

    def _index_of(self, node_id: NodeId) -> int:
        return min(self.own_id.shared_bits(node_id), len(self._buckets) - 1)

    def _bucket_of(self, node_id: NodeId) -> Bucket:
        return self._buckets[self._index_of(node_id)]

    def _insert(self, contact: Contact, now: float) -> bool:
        info = contact.info
        if info.node_id == self.own_id:
            return False
        bucket = self._bucket_of(info.node_id)
        while bucket.is_full and self._split_last(bucket, now):
            bucket = self._bucket_of(info.node_id)
        double = next((one for one in bucket.contacts if one.info.node_id == info.node_id), None)
        if double is not None and not double.failures:
            return False  # somebody else claims the id of a node that is there
        if double is not None:
            self._remove(double)
        if self._is_crowded(bucket, info):
            return False
        if bucket.is_full:
            self._make_way(bucket, contact)
        if bucket.is_full:
            return False
        self._place(bucket, contact)
        bucket.changed_at = now
        return True

    def _make_way(self, bucket: Bucket, contact: Contact) -> None:
        """Drop a bad contact of a full bucket; where there is none, let the new one wait."""
        bad = next((one for one in bucket.contacts if one.is_bad), None)
        if bad is not None:
            self._remove(bad)
            return
        address = contact.info.address
        bucket.waiting = [one for one in bucket.waiting if one.info.address != address]
        bucket.waiting = [*bucket.waiting[-BUCKET_SIZE + 1 :], contact]

    def _place(self, bucket: Bucket, contact: Contact) -> None:
        bucket.contacts.append(contact)
        self._by_address[contact.info.address] = contact
        bucket.waiting = [one for one in bucket.waiting if one is not contact]

    def _remove(self, contact: Contact) -> None:
        self._bucket_of(contact.info.node_id).contacts.remove(contact)
        del self._by_address[contact.info.address]

    def _split_last(self, bucket: Bucket, now: float) -> bool:
        """Split the last bucket, if it is this one; say whether that was possible."""
        if bucket is not self._buckets[-1] or len(self._buckets) >= MAX_BUCKETS:
            return False
        index = len(self._buckets) - 1
        farther, closer = Bucket(bucket.changed_at), Bucket(now)
        for of_old, name in ((bucket.contacts, "contacts"), (bucket.waiting, "waiting")):
            for one in of_old:
                is_closer = self.own_id.shared_bits(one.info.node_id) > index
                getattr(closer if is_closer else farther, name).append(one)
        self._buckets[-1:] = [farther, closer]
        return True

    def _is_crowded(self, bucket: Bucket, info: NodeInfo) -> bool:
        """Say whether the table has another node of this host, or the bucket of its network."""
        host = info.address.host
        if is_local(host):
            return False
        network = network_of(host)
        others = [one.info.address for one in _all(bucket) if one.info.address != info.address]
        hosts = {address.host for address in self._by_address if address != info.address}
        return host in hosts or any(network_of(other.host) == network for other in others)

    def _random_id(self, bits: int, rng: random.Random, *, is_exact: bool) -> NodeId:
        """Return an id that has so many bits in common with ours, exactly or at least."""
        free_bits = ID_BITS - bits
        number = self.own_id.number >> free_bits << free_bits | rng.getrandbits(free_bits)
        if is_exact:  # the bit behind those in common is the other one
            mask = 1 << (free_bits - 1)
            number = number & ~mask | (~self.own_id.number & mask)
        return NodeId(number)


def _all(bucket: Bucket) -> Iterator[Contact]:
    yield from bucket.contacts
    yield from bucket.waiting
