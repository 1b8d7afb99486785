"""The messages between our actors, explained: the receiver, and the method that takes it."""

from __future__ import annotations

from collections.abc import Mapping

from actortorrent.tracing.explained import Explanation
from actortorrent.tracing.explained_dht import DHT_MESSAGES
from actortorrent.tracing.explained_web_seeds import WEB_SEED_MESSAGES

ARCHITECTURE = "docs/architecture.md, the actors"
BLOCK = "docs/architecture.md, the life of one block"
CHOKING = "BEP 3, choking algorithms"
METADATA = "BEP 9, extension message"
TRACKERS = "BEP 3, trackers"
_START = "docs/architecture.md, nobody waits"


def _explained(receiver: str, source: str, rows: Mapping[str, str]) -> dict[str, Explanation]:
    """Return explanations by `Class.method`; a row is `what it says -> what is to be done`."""
    table = {}
    for method, text in rows.items():
        meaning, _, duty = text.partition(" -> ")
        name = f"{receiver}.{method}"
        table[name] = Explanation(meaning, duty, source, name)
    return table


# Messages that each actor takes, whatever its class.
EVERY_ACTOR: Mapping[str, Explanation] = {
    "ping": Explanation(
        "Are you there?", "Answer; whoever starts a session waits for it.", _START, "Actor.ping"
    ),
    "stop": Explanation(
        "End. It queues behind all other messages, so these are still handled.",
        "Free what is owned, and end the thread.",
        _START,
        "Actor.on_end",
    ),
}

ACTOR_MESSAGES: Mapping[str, Explanation] = {
    **DHT_MESSAGES,
    **WEB_SEED_MESSAGES,
    **_explained(
        "PeerActor",
        BLOCK,
        {
            "welcome": "The swarm has nothing against this peer: it is not banned, and no double. -> Begin to trade: tell the piece manager that it joined.",
            "introduce": "These are the pieces we have: say so to the peer. -> Send the bitfield, before anything else; nothing, if there is no piece. To a peer that speaks BEP 6, have all or have none where these say it.",
            "contacts_changed": "Whom we are connected to now (BEP 11). -> Tell the peer what of it is news to it, once a minute at most.",
            "lease": "These runs are yours to fetch, with the buffers to fill. -> Request all their blocks, in one go; give those back that may not be asked for, since the peer chokes us.",
            "cancel_leases": "Others were quicker (endgame). -> Cancel the requests, and free the buffers.",
            "show_interest": "The peer has something we lack, or no longer has. -> Send interested or not interested, if that is news.",
            "we_are_complete": "We fetch nothing more. -> Say so to the peer (BEP 21).",
            "we_have": "These pieces are verified. -> Send have for each.",
            "choke": "The slot goes to somebody else. -> Forget what the peer asked for, and send choke; to a peer that speaks BEP 6, a reject of each.",
            "unchoke": "The peer gets a slot. -> Send unchoke, and answer its requests from now on.",
            "grant_download": "So many bytes more may be read (a limit is set). -> Read the socket again.",
            "grant_upload": "So many bytes more may be sent (a limit is set). -> Answer waiting requests.",
            "leave": "End the connection. -> Hand over what came, and close the socket.",
        },
    ),
    **_explained(
        "Metadata",
        METADATA,
        {
            "peer_offers": "A peer has metadata of so many bytes. -> Ask it for parts that are missing.",
            "answer_came": "A peer sent a part, or said that it will not. -> Keep it. When all are there, compare their SHA-1 with the info-hash.",
            "peer_left": "A peer has gone. -> Ask others for what it was asked for.",
        },
    ),
    **_explained(
        "MetadataPeerActor",
        METADATA,
        {
            "welcome": "The swarm has nothing against this peer. -> Say what we are, and hear whether it has the metadata.",
            "ask_part": "This part of the metadata is missing. -> Ask the peer for it.",
            "leave": "End the connection. -> Close the socket.",
        },
    ),
    **_explained(
        "PieceManager",
        BLOCK,
        {
            "report_to": "Whom to tell of peers that misbehave, and of the end. -> Remember it.",
            "peer_joined": "A peer has shaken hands. -> Tell it what we have.",
            "peer_has_bitfield": "All that a peer has. -> Count it into the rarity of each piece, and show interest if anything is lacking.",
            "peer_has": "A peer has pieces more. -> Count them, and show interest if any is lacking.",
            "peer_lacks": "A web seed does not have pieces that it was thought to have (BEP 19). -> Count them out, and lend it none of them.",
            "peer_allows_fast": "A peer serves these pieces even while it chokes us (BEP 6). -> Lend it of these when it wants work, choked or not.",
            "peer_unchoked_us": "A peer would serve us, or no longer would. -> Note it.",
            "wants_work": "A peer's line could carry so many bytes more. -> Pick pieces and lend runs of them, now or when there are some.",
            "leases_filled": "All blocks of some leases came, and are on their way to the disk; and so many bytes more could be asked for. -> Note them as no longer to be lent, and lend more.",
            "leases_returned": "A peer does not fetch these after all. -> Lend them to the next who asks.",
            "peer_left": "A peer has gone. -> Take back what it had borrowed, and count its pieces out.",
            "content_checked": "Which pieces are on the disk already. -> Fetch the others.",
            "runs_stored": "Runs were written; here are their buffers, and the pieces that now match their hash. -> Lend the buffers anew. Verified pieces count as had: tell the peers that lack them.",
            "piece_failed": "A piece did not match its hash. -> Fetch it again; accuse the sender, if there was only one.",
            "peers_sent_bad_data": "Blocks of these peers differ from those of the piece that matched. -> Accuse them.",
            "piece_lost": "What was verified can no longer be read. -> Fetch it again.",
            "report": "How do the pieces stand? -> Tell the reporter now.",
        },
    ),
    **_explained(
        "Reporter",
        ARCHITECTURE,
        {
            "dht_changed": "So many nodes of the DHT are known. -> With none, do not hope for peers from there.",
            "pass_totals_to": "Whom to tell how much was transferred. -> Remember it.",
            "metadata_changed": "How much of the metadata is here. -> Show it.",
            "metadata_known": "The info dictionary is here, and is the right one. -> Let the session go on with the torrent.",
            "checking": "How far the check of the disk has come. -> Show it.",
            "content_known": "The check is over. -> Fetching begins.",
            "content_completed": "Everything wanted is there. -> End the session, or go on as a seed.",
            "pieces_changed": "How the pieces stand. -> Show it.",
            "swarm_changed": "How the connections stand. -> Show it.",
            "transfer_changed": "How much was sent and received. -> Show it.",
            "tracker_changed": "How a tracker stands. -> Show it.",
            "web_seed_changed": "How a web seed stands. -> Show it; while there is one, the session goes on without peers.",
            "trackers_left": "The trackers know that we go. -> Let the session end.",
            "disk_failed": "The disk will not do what is needed. -> End the session with this error.",
            "notice": "A line for the user. -> Pass it on.",
            "progress": "How do things stand? -> Answer with the picture as it is.",
        },
    ),
    **_explained(
        "Seeder",
        CHOKING,
        {
            "listening_port": "On which port can peers reach us? -> Answer.",
            "take_connections": "We trade from now on. -> Accept those who dial us, and those who have dialled and waited.",
            "peer_joined": "A peer has shaken hands and heard what we have. -> Consider it from now on.",
            "peer_interested": "The peer wants something of ours, or no longer does. -> Give it a slot if one is free; free its slot if it wants nothing.",
            "peer_rates": "How fast bytes go to a peer and come from it: what tit for tat is judged by. -> Remember it for the next review of the slots.",
            "peer_left": "A peer has gone. -> Give its slot to somebody else.",
            "mode_changed": "We still fetch, or only give. -> Judge by what peers give us, or by turns.",
            "wants_upload": "A peer's actor would send so many bytes. -> Grant them when the limit allows.",
            "wants_download": "A peer's actor would read so many bytes. -> Grant them when the limit allows.",
        },
    ),
    **_explained(
        "Storage",
        BLOCK,
        {
            "content_layout": "Where do the bytes lie? -> Answer.",
            "wanted_pieces": "Which pieces hold anything that was selected? -> Answer.",
            "report_to": "Whom to tell what becomes of pieces. -> Remember it.",
            "check_content": "Find out what is on the disk already. -> Hash what is there, and tell the piece manager.",
            "store_runs": "Runs that a peer filled. -> Write them, hash each piece that is whole, and tell what came of it.",
            "piece_unreadable": "What was verified can no longer be read. -> Tell the piece manager that it is lost.",
            "save": "Write the record now. -> Write which pieces are verified, so that a restart need not hash them.",
        },
    ),
    **_explained(
        "Swarm",
        ARCHITECTURE,
        {
            "ask_for_more": "Whom to ask when no addresses are left. -> Remember it.",
            "begin": "Dial and accept from now on. -> Dial as many peers as there are slots for.",
            "end_connections": "Dial and accept no more. -> Answer with the peers that still live.",
            "peers_found": "Addresses of peers. -> Write them down, and dial while there are slots.",
            "connection_accepted": "Somebody dialled us. -> Start an actor for it, if there is a slot.",
            "we_are_complete": "Nothing is lacking. -> Dial no more of those who have everything.",
            "peer_introduced": "By which address others reach a peer, whether it wants to hear of others (BEP 11), and at which address it sees us (BEP 10). -> Tell the peers that do, soon; count its voice on our address.",
            "told_own_address": "At which address a tracker sees us (BEP 24), or several nodes of the DHT do (BEP 42). -> Count its voice, which weighs as much as those of several peers.",
            "search_dht_by": "How to have the DHT searched anew. -> Do so when no addresses are left.",
            "torrent_is_private": "The torrent is private (BEP 27). -> Take peers of the trackers and the user alone, and forget others.",
            "we_listen_on": "At which port peers reach us. -> Remember it: between peers behind one address, ports are compared (BEP 40).",
            "tell_own_address": "Whom to tell what our address is. -> Remember it.",
            "peer_handshaken": "Who a peer says it is. -> Drop it if it is banned, ourselves, or connected already.",
            "peer_left": "How a connection ended. -> Note whether to try again, and dial another.",
            "peer_misbehaved": "A peer sent bad data. -> Ban it.",
        },
    ),
    **_explained(
        "LocalDiscovery",
        "BEP 14, local service discovery",
        {
            "fall_silent": "The torrent is private, as its metadata says. -> Call no more, and listen no more.",
        },
    ),
    **_explained(
        "PortMapper",
        "RFC 6887 (PCP), RFC 6886 (NAT-PMP), UPnP IGD",
        {
            "leave": "We go. -> Ask the router to lead nobody to us any more, and end.",
            "mapping_ended": "What came of a conversation with the router. -> Tell people and trackers, and set the time of the next.",
        },
    ),
    **_explained(
        "Tracker",
        TRACKERS,
        {
            "progress_changed": "How much was transferred and is missing. -> Tell it with the next announce; the first time, begin announcing.",
            "announce_now": "More peers are needed. -> Ask as soon as the trackers allow.",
            "content_completed": "Nothing is missing any more. -> Tell the trackers: completed.",
            "reachable_on": "The router leads this port of its own to us. -> Announce that one.",
            "say_goodbye": "We go. -> Tell the trackers that know us: stopped.",
            "call_ended": "What came of a question to a tracker. -> Pass addresses on, and set the time of the next announce.",
        },
    ),
}
