"""Decisions and facts of a trace, explained."""

from __future__ import annotations

from collections.abc import Mapping

from actortorrent.tracing.explained import Explanation
from actortorrent.tracing.explained_dht import DHT_DECISIONS, DHT_FACTS
from actortorrent.tracing.explained_web_seeds import WEB_SEED_DECISIONS, WEB_SEED_FACTS

CHOKING = "BEP 3, choking algorithms"
PIECES = "BEP 3, piece selection"

DECISIONS: Mapping[str, Explanation] = {
    **DHT_DECISIONS,
    **WEB_SEED_DECISIONS,
    "unchoke": Explanation(
        "Who is served. Few upload slots are better than many: each gets enough speed to be "
        "worth having. While fetching, they go to those who give us most (tit for tat), and "
        "one, in turn, to somebody by chance (optimistic unchoke), who may prove better. "
        "A seed gives each interested peer its turn. Where there is a `pace`, as in the lab, turns "
        "pass so many times as fast as usual, and `turn_seconds` are by that quicker clock.",
        "Each peer for whom it changes something is told choke or unchoke.",
        CHOKING,
        "Seeder._record_decision",
    ),
    "pick_piece": Explanation(
        "Which piece is fetched next from this peer. The very first ones are picked by chance, "
        "to have anything to trade soon; then the rarest, so that no piece dies out. Among equals "
        "those already begun come first, so that they can be passed on. Where pieces are small, "
        "a row of neighbours that are as rare is fetched like a single large one.",
        "The peer's actor is lent the run, and requests its blocks.",
        PIECES,
        "PieceManager._explain",
    ),
    "endgame": Explanation(
        "Everything still missing has been requested from somebody. So that the end does not "
        "hang on the slowest peer, it is now requested from others as well.",
        "When a block comes, the other requests for it are cancelled.",
        f"{PIECES} (endgame mode)",
        "PieceManager._feed_all_in_endgame",
    ),
    "stuck": Explanation(
        "For seconds nothing was stored, though peers wait for work: all that these have is "
        "requested of others, who send nothing. Pieces that nobody has keep the endgame from "
        "beginning, so it is as if it had begun, this once.",
        "What is out is requested from those who wait as well.",
        f"{PIECES} (endgame mode)",
        "PieceManager._look_if_stuck",
    ),
    "ban_peer": Explanation(
        "A peer is proven to have sent bytes that do not match the torrent's hash, or metadata that "
        "does not match the info-hash.",
        "It is dropped, and neither dialled nor accepted again.",
        "our rule: docs/architecture.md, the life of one block",
        "PieceManager._accuse",
    ),
    "drop_double": Explanation(
        "Two connections to the same peer: each side dialled the other at the same moment.",
        "One is closed; both sides choose the same one, by comparing their peer ids.",
        "our rule: rules/double_connections.py",
        "Swarm._drop_one_of",
    ),
    "dial_peer": Explanation(
        "Whom to dial next, of those whose time has come: who failed less often first, and of these "
        "the one of the highest `priority`. That is computed of both ends' addresses, so that "
        "both come to the same, and nobody can choose it: a swarm in which all prefer these "
        "connections is well mixed. While we do not know our own address, it is chance.",
        "A connection is begun.",
        "BEP 40, overview",
        "Swarm._dial_more",
    ),
    "drop_peer": Explanation(
        "All slots are taken, and a newcomer has shaken hands. The connection of the lowest "
        "`priority` goes, which may be the newcomer's: so there is a way in, also for who comes late, "
        "and who dials again and again gains nothing by it.",
        "It is told to leave; the newcomer, if it is not the one, is welcome.",
        "BEP 40, abstract",
        "Swarm._drop_weakest",
    ),
    "ask_tracker": Explanation(
        "Which tracker is asked now: the first of a tier that answers.",
        "An announce is sent to it.",
        "BEP 12, order of processing",
        "Tracker._go_on",
    ),
    "dial_encrypted": Explanation(
        "A peer that we dialled hangs up on a plain handshake: it may want an encrypted one.",
        "It is dialled once more, and the connection begins encrypted.",
        "Message Stream Encryption",
        "PeerConnection._dial_encrypted",
    ),
    "dial_plainly": Explanation(
        "A peer that we dialled does not answer an encrypted beginning as it should: many clients "
        "take none.",
        "It is dialled once more, and spoken to plainly.",
        "Message Stream Encryption",
        "PeerConnection._not_encrypted",
    ),
    "check_content": Explanation(
        "How many pieces are to be hashed before fetching begins: all that are on the disk, but "
        "for those that the record of an earlier session vouches for.",
        "These pieces are read and hashed.",
        "our rule: docs/architecture.md",
        "Storage.check_content",
    ),
}

FACTS: Mapping[str, Explanation] = {
    **DHT_FACTS,
    **WEB_SEED_FACTS,
    "actor:spawned": Explanation("An actor begins: a thread of its own, and an empty mailbox."),
    "actor:stopped": Explanation("An actor has ended; who writes to it now is not read."),
    "actor:failed": Explanation(
        "An exception ended the actor. It is not repaired: others are told, and go on.",
        source="our rule: docs/architecture.md, a peer dies whole",
    ),
    "actor:state": Explanation("A value that an actor declared worth watching has changed."),
    "actor:reply": Explanation(
        "An answer to a question. Only starting and stopping wait for answers.",
        source="our rule: docs/architecture.md, nobody waits",
    ),
    "actor:timer": Explanation(
        "A message that the actor sent to itself for later. It comes through the same mailbox "
        "as all others, so timers need no locks.",
    ),
    "bt:listening": Explanation("Peers can reach us on this port from now on."),
    "bt:peers_found": Explanation(
        "Addresses of peers became known, from a tracker, another peer, the local network, a user."
    ),
    "bt:torrent_is_private": Explanation(
        "The torrent is private; `was_known`: from the beginning, and not of its metadata.",
        "Take peers of its trackers and the user alone; no DHT, no exchange of peers, no calls in our "
        "own network.",
        "BEP 27",
    ),
    "bt:own_address_known": Explanation(
        "Enough of those who see us agree on what our address is: peers of different networks, "
        "each of which has one voice, a tracker, the nodes of the DHT.",
        "The swarm prefers peers by it (BEP 40); our id in the DHT is made to fit it (BEP 42).",
        "BEP 24; BEP 10 (yourip)",
    ),
    "bt:connection_begun": Explanation("An actor for one connection is started."),
    "bt:connection_opened": Explanation("The connection stands, between these two addresses."),
    "bt:encryption_agreed": Explanation(
        "Both sides have the same keys, and know how the stream goes on: encrypted with RC4, or "
        "plainly. A trace shows what is said in either case.",
        source="Message Stream Encryption",
    ),
    "bt:connection_accepted": Explanation("Somebody else dialled us."),
    "bt:connection_closed": Explanation("A connection has ended; `why` says how."),
    "bt:connection_refused": Explanation(
        "Somebody dialled us, and the connection was closed at once; `why` says for what reason."
    ),
    "bt:peer_snubbed": Explanation(
        "A peer that unchoked us has sent nothing for a while. What it was asked for is asked "
        "of others.",
        source=f"{CHOKING} (anti-snubbing)",
    ),
    "bt:accept_failed": Explanation("A connection could not be accepted; tried again later."),
    "bt:port_mapped": Explanation(
        "The router leads connections from outside to our port, for so long; `external_port` is "
        "the one that it took for that.",
        "Ask again after half of that time.",
        "RFC 6887 (PCP), RFC 6886 (NAT-PMP), UPnP IGD",
    ),
    "bt:port_not_mapped": Explanation(
        "No router was found that would let peers in; those that we dial are reached all the same."
    ),
    "bt:port_unmapped": Explanation("The router was asked to lead nobody to us any more."),
    "bt:called_locally": Explanation(
        "We called to all in our own networks: here is somebody who trades this torrent.",
        "Whoever hears it and has the torrent dials us.",
        "BEP 14, local service discovery",
    ),
    "bt:announce_sent": Explanation(
        "A tracker is asked for peers, and told how much was transferred.",
        "The tracker answers with addresses, and how long to wait before asking again.",
        "BEP 3, trackers; BEP 15 for UDP",
    ),
    "bt:announce_answered": Explanation("The tracker has answered.", source="BEP 3, trackers"),
    "bt:announce_failed": Explanation(
        "The tracker refused, or did not answer; another is asked.", source="BEP 12"
    ),
    "bt:metadata_verified": Explanation(
        "All parts of the info dictionary are here, and their SHA-1 is the info-hash: the torrent "
        "is known.",
        "The connections that asked for it end, and others begin, to trade.",
        "BEP 9, extension message",
    ),
    "bt:metadata_failed": Explanation(
        "All parts of the info dictionary are here, but their SHA-1 is not the info-hash: somebody "
        "sent wrong bytes.",
        "It is fetched again. Whoever sent all of it is banned; if several did, it comes from one "
        "alone, and they are found out by comparing with the right one.",
        "BEP 9, extension message",
    ),
    "bt:piece_verified": Explanation(
        "All blocks of a piece are on the disk, and their SHA-1 is the torrent's.",
        "Peers that lack it are told: have.",
        "BEP 3, metainfo files (pieces)",
    ),
    "bt:piece_failed": Explanation(
        "A piece is whole, but its SHA-1 is not the torrent's: somebody sent wrong bytes.",
        "It is fetched again. Whoever sent all of it is banned; if several did, they are "
        "found out by comparing with the right piece.",
        "BEP 3, metainfo files (pieces)",
    ),
    "bt:disk_failed": Explanation("The disk would not do what was needed; the session ends."),
    "bt:blocks_received": Explanation(
        "Blocks came. They are so many that a trace sums them up (level: piece).",
        source="BEP 3, peer messages (piece)",
    ),
    "bt:blocks_sent": Explanation(
        "Blocks went out. They are so many that a trace sums them up (level: piece).",
        source="BEP 3, peer messages (piece)",
    ),
    "bt:requests_received": Explanation(
        "Blocks were asked for. Summed up (level: piece).", source="BEP 3, peer messages (request)"
    ),
    "bt:requests_sent": Explanation(
        "We asked for blocks. Summed up (level: piece).", source="BEP 3, peer messages (request)"
    ),
    "bt:block_received": Explanation("What was in a block (level: payload)."),
    "trace:gap": Explanation("Events came faster than the disk took them; so many are missing."),
    "trace:deadlock": Explanation("Actors wait for each other, and would for ever."),
    "trace:end": Explanation("The process ended in order; nothing is missing behind this."),
}
