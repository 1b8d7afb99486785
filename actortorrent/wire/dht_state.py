"""What the DHT keeps between runs, as bytes: our ids and the nodes we knew.

Our own format, of no BEP: a bencoded dictionary. Nothing of it is believed but as a list
of addresses to ask first.
"""

from __future__ import annotations

from msgspec import Struct

from actortorrent.errors import BencodeError, StorageError
from actortorrent.wire.bencoding import Encodable, Limits, decode, encode
from actortorrent.wire.dht_nodes import ID_BYTES, NodeId, NodeInfo, pack_nodes, unpack_nodes
from actortorrent.wire.fields import Fields

FORMAT_VERSION = 1
MAX_SAVED_NODES = 200  # of each kind
MAX_STATE_BYTES = 32 * 1024  # twice what these take
LIMITS = Limits(size=MAX_STATE_BYTES, depth=2, tokens=32)


class SavedNode(Struct, frozen=True):
    """Hold one node of ours: its id, and whom it knew."""

    node_id: NodeId | None = None
    nodes: tuple[NodeInfo, ...] = ()


class DhtState(Struct, frozen=True):
    """Hold our nodes in both DHTs."""

    ipv4: SavedNode = SavedNode()
    ipv6: SavedNode = SavedNode()


def encode_state(state: DhtState) -> bytes:
    """Return a state as it stands in its file."""
    said: dict[str, Encodable] = {"version": FORMAT_VERSION}
    for suffix, saved in (("", state.ipv4), ("6", state.ipv6)):
        if saved.node_id is not None:
            said[f"id{suffix}"] = saved.node_id.packed
        said[f"nodes{suffix}"] = pack_nodes(saved.nodes[:MAX_SAVED_NODES])
    return encode(said)


def decode_state(raw: bytes) -> DhtState:
    """Read a state out of what stands in its file.

    Raises:
        StorageError: if it is not one of ours.
    """
    try:
        fields = Fields(decode(raw, limits=LIMITS), "the DHT's file", StorageError)
    except BencodeError as error:
        raise StorageError(f"the DHT's file is not whole: {error}") from error
    fields.need_int(b"version", FORMAT_VERSION, FORMAT_VERSION)
    return DhtState(_read_node(fields, b"", is_ipv6=False), _read_node(fields, b"6", is_ipv6=True))


def _read_node(fields: Fields, suffix: bytes, *, is_ipv6: bool) -> SavedNode:
    packed_id = fields.find_bytes(b"id" + suffix) or b""
    packed = fields.find_bytes(b"nodes" + suffix) or b""
    return SavedNode(
        NodeId.from_bytes(packed_id) if len(packed_id) == ID_BYTES else None,
        unpack_nodes(packed, is_ipv6=is_ipv6, most=MAX_SAVED_NODES),
    )
