"""Resume records, and what else we keep in files: whole and ours, or refused."""

from __future__ import annotations

import hashlib

from actortorrent.errors import StorageError
from actortorrent.wire.addresses import Address
from actortorrent.wire.bencoding import encode
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.dht_state import (
    MAX_SAVED_NODES,
    DhtState,
    SavedNode,
    decode_state,
    encode_state,
)
from actortorrent.wire.resume_record import (
    MAX_MASK_BYTES,
    ResumeRecord,
    decode_record,
    encode_record,
)
from tests.fuzz.refusing import check_refusal

RECORD, SEALED, DHT = range(3)  # how the bytes are meant: by the first of them


def seeds() -> list[bytes]:
    record = ResumeRecord(
        b"h" * 20, 12, 0b1010, (5, -1, 0), (9, 0, 1), ((2, 0b11), (11, 0)), "boot", True, True, 7
    )
    node = NodeInfo(NodeId.from_bytes(b"n" * 20), Address("10.0.0.1", 6881))
    state = DhtState(SavedNode(node.node_id, (node, node)), SavedNode())
    raw = encode_record(record)
    begin, end = raw.index(b":") + 1, raw.rindex(b"4:sha1")
    inner = raw[raw.index(b":", begin) + 1 : end]
    return [bytes((RECORD,)) + raw, bytes((SEALED,)) + inner, bytes((DHT,)) + encode_state(state)]


def check(data: bytes) -> None:
    kind, raw = (data or b"\0")[0] % 3, data[1:]
    try:
        if kind == DHT:
            _check_state(decode_state(raw))
        else:
            _check_record(decode_record(_sealed(raw) if kind == SEALED else raw))
    except StorageError as error:
        check_refusal(error)


def _sealed(body: bytes) -> bytes:
    """Write a record with the sum that belongs to it: chance does not find it."""
    return encode({"record": body, "sha1": hashlib.sha1(body).digest()})


def _check_record(record: ResumeRecord) -> None:
    assert record.verified >> record.piece_count == 0
    assert len(record.sizes) == len(record.times_ns)
    for index, mask in record.partial:
        assert 0 <= index < record.piece_count
        assert mask.bit_length() <= 8 * MAX_MASK_BYTES
    if "\ufffd" not in record.boot_id:
        assert decode_record(encode_record(record)) == record


def _check_state(state: DhtState) -> None:
    assert max(len(state.ipv4.nodes), len(state.ipv6.nodes)) <= MAX_SAVED_NODES
    assert decode_state(encode_state(state)) == state
