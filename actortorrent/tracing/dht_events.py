"""What a trace says of the DHT's messages: names, ids and counts, never content."""

from __future__ import annotations

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
    return data | _details(message)


def _details(message: Message) -> dict[str, object]:
    match message.body:
        case FindNode(target=target):
            details: dict[str, object] = {"target": str(target)}
        case GetPeers(info_hash=info_hash):
            details = {"info_hash": str(info_hash)}
        case AnnouncePeer(info_hash=info_hash, port=port):
            details = {"info_hash": str(info_hash), "port": port}
        case Answer(nodes=nodes, nodes6=nodes6, values=values):
            details = {"nodes": len(nodes or ()) + len(nodes6 or ()), "peers": len(values)}
        case Refusal(code=code, text=text):
            details = {"code": code, "text": text}
        case UnknownQuery(method=method):
            details = {"method": method}
        case _:
            details = {}
    return details
