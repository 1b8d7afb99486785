"""What a trace says of the DHT's messages: names, ids and counts, never content."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actortorrent.tracing.wording import value_text
from actortorrent.wire.addresses import Address
from actortorrent.wire.krpc import (
    AnnouncePeer,
    Answer,
    FindNode,
    GetPeers,
    Message,
    Refusal,
    UnknownQuery,
)

DATAGRAM = "dht:message_"  # sent or received
# What a message is about, by its type; one that lacks a field of it is told without.
_SENTENCES: Mapping[str, str] = {
    "find_node": "find_node {target}",
    "get_peers": "get_peers {info_hash}",
    "announce_peer": "announce_peer {info_hash}, port {port}",
    "answer": "answer: {nodes}, {peers}",
    "refusal": "refusal {code}: {text}",
}
_BESIDES: Mapping[str, str] = {
    "token_bytes": "a token",  # who knows it may announce: it is not told itself
    "is_read_only": "of one who answers nobody",
}


def datagram_text(data: Mapping[str, Any], direction: str) -> str:
    """Return a message of the DHT as words; `direction` is `sent` or `received`."""
    kind = value_text(data.get("type"))
    try:
        said = _SENTENCES[kind].format_map({name: _worded(one, name) for name, one in data.items()})
    except KeyError:
        said = kind
    besides = (words for name, words in _BESIDES.items() if data.get(name))
    said = ", ".join([said, *besides])
    preposition = "to" if direction == "sent" else "from"
    node, txn = value_text(data.get("node")), value_text(data.get("txn"))
    return f"{said}, {preposition} node {node} (txn {txn})"


def _worded(value: Any, name: str) -> str:
    """Return a value as words; `nodes` and `peers` are counts."""
    text = value_text(value, name)
    if name not in ("nodes", "peers"):
        return text
    return f"{text} {name.removesuffix('s') if value == 1 else name}"


def message_data(address: Address, message: Message, byte_count: int) -> dict[str, object]:
    """Return the data of `dht:message_sent` and `dht:message_received`."""
    body = message.body
    data: dict[str, object] = {
        "node": str(address),
        "type": body.name,
        "txn": message.transaction.hex(),
        "bytes": byte_count,
    }
    if not isinstance(body, Refusal):
        data["node_id"] = str(body.sender)
    if message.is_read_only:
        data["is_read_only"] = True
    return data | _details(message)


def malformed_data(address: Address, transaction: bytes, byte_count: int) -> dict[str, object]:
    """Return the data of `dht:message_received` for a query that is none, and is refused."""
    return {
        "node": str(address),
        "type": "malformed",
        "txn": transaction.hex(),
        "bytes": byte_count,
    }


def _details(message: Message) -> dict[str, object]:
    match message.body:
        case FindNode(target=target):
            details: dict[str, object] = {"target": str(target)}
        case GetPeers(info_hash=info_hash):
            details = {"info_hash": str(info_hash)}
        case AnnouncePeer(info_hash=info_hash, port=port, token=token):
            details = {"info_hash": str(info_hash), "port": port, "token_bytes": len(token)}
        case Answer(nodes=nodes, nodes6=nodes6, values=values, token=token):
            details = {"nodes": len(nodes or ()) + len(nodes6 or ()), "peers": len(values)}
            if token:
                details["token_bytes"] = len(token)
        case Refusal(code=code, text=text):
            details = {"code": code, "text": text}
        case UnknownQuery(method=method):
            details = {"method": method}
        case _:
            details = {}
    return details
