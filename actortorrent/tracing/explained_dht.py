"""The DHT explained: what its actor is told, what it decides, and what its messages are."""

from __future__ import annotations

from collections.abc import Mapping

from actortorrent.tracing.explained import Explanation

DHT = "BEP 5"
_ENTERING = "BEP 5, routing table"
_TRACE = "BEP 5, KRPC protocol"

DHT_MESSAGES: Mapping[str, Explanation] = {
    "Dht.find_peers": Explanation(
        "Peers of this torrent are wanted, now and from time to time.",
        "Ask the nodes closest to the info-hash, tell each peer that they name, and announce "
        "our own port to the closest.",
        f"{DHT}, get_peers",
        "Dht.find_peers",
    ),
    "Dht.find_more": Explanation(
        "There are too few peers.",
        "Look again, though not more than once a minute.",
        "our rule: rules/dht_searches.py",
        "Dht.find_more",
    ),
    "Dht.leave": Explanation(
        "The torrent is private, as its metadata says.",
        "End: not one datagram more.",
        "BEP 27",
        "Dht.leave",
    ),
    "Dht.stop_finding": Explanation(
        "These peers are no longer wanted.", "Look no more.", DHT, "Dht.stop_finding"
    ),
    "Dht.add_node": Explanation(
        "A peer or a torrent named a node.",
        "Ping it; if it answers, it may have a place in the routing table.",
        f"{DHT}, BitTorrent protocol extension, torrent file extensions",
        "Dht.add_node",
    ),
    "Dht.we_are_at": Explanation(
        "This is our address, as peers and trackers see us.",
        "Take an id that fits it, unless other nodes agree on another address.",
        "BEP 42",
        "Dht.we_are_at",
    ),
    "Dht.ping_node": Explanation(
        "Is this node there?", "Ping it, and tell what came of it.", DHT, "Dht.ping_node"
    ),
    "Dht.nodes_resolved": Explanation(
        "The addresses behind the name of a node.",
        "Join the DHT by them, or get to know them.",
        _ENTERING,
        "Dht.nodes_resolved",
    ),
    "Dht.status": Explanation("How do the nodes stand?", "Answer.", _ENTERING, "Dht.status"),
}

DHT_DECISIONS: Mapping[str, Explanation] = {
    "ask_node": Explanation(
        "Whom to ask next. A lookup asks the node that is closest to its target (whose distance "
        "has the fewest bits) among those that it knows and has not asked; each answer names "
        "others, closer still. It is over when the eight closest have answered. Of other "
        "`purpose` are: `announce` (the closest are told that we are a peer), `check` (is a "
        "contact there?), `probe` (does who asked us hear us? Only then it gets a long "
        "answer), `ping`.",
        "A query is sent to it.",
        f"{DHT}, overview",
        "DhtEndpoint._tell",
    ),
}

DHT_FACTS: Mapping[str, Explanation] = {
    "dht:message_sent": Explanation(
        "A datagram went to a node of the DHT: a query, an answer or a refusal. An answer has "
        "the `txn` of its query. A token in it is to be shown by who wants to announce itself.",
        source=_TRACE,
    ),
    "dht:message_received": Explanation(
        "A datagram came from a node of the DHT. A query is to be answered; but to who has not "
        "shown that it hears us, we send no more bytes than came. Who answers nobody itself "
        "(BEP 43) gets its answer, and is not remembered as a node.",
        source=_TRACE,
    ),
    "dht:bootstrap_ended": Explanation(
        "The nodes around us have been looked for; so many are known now.", source=_ENTERING
    ),
    "dht:search_ended": Explanation(
        "A look for peers is over: how many nodes were asked, how many peers they named, and to "
        "how many nodes we were announced.",
        source=f"{DHT}, get_peers, announce_peer",
    ),
    "dht:id_changed": Explanation(
        "Several nodes agree on our address, and our id did not fit it: we have another.",
        source="BEP 42",
    ),
}
