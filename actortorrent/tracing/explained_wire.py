"""The messages between peers, explained: BEP 3, and those of BEP 5, 6 and 10."""

from __future__ import annotations

from collections.abc import Mapping

from actortorrent.tracing.explained import Explanation, Field

PEER_PROTOCOL = "BEP 3, peer protocol"
PEER_MESSAGES = "BEP 3, peer messages"
FAST = "BEP 6, the Fast extension"

_LENGTH = Field("length prefix", 4, "how many bytes follow, as a big-endian number")
_ID = Field("id", 1, "which kind of message it is")
_PIECE = Field("piece_index", 4, "which piece, counted from 0")
_OFFSET = Field("block_offset", 4, "where in the piece the block begins, in bytes")
_BARE = (_LENGTH, _ID)
_BLOCK_NAME = (*_BARE, _PIECE, _OFFSET, Field("length", 4, "how many bytes; 16 KiB is usual"))

WIRE: Mapping[str, Explanation] = {
    "handshake": Explanation(
        "The first words on every connection: which protocol, which torrent, and who I am. "
        "Whoever dialled speaks first.",
        "Check the info-hash: hang up if it is another torrent. Answer with a handshake of "
        "one's own if one was dialled. Hang up on oneself and on a peer one has already.",
        PEER_PROTOCOL,
        "PeerConnection._handshake_came",
        (
            Field("protocol length", 1, "19, the length of the name that follows"),
            Field("protocol name", 19, '"BitTorrent protocol"'),
            Field("reserved", 8, "one bit for each extension that is understood"),
            Field("info_hash", 20, "SHA-1 of the torrent's info dictionary: which content"),
            Field("peer_id", 20, "who is speaking: a client's sign, then chance"),
        ),
    ),
    "keep-alive": Explanation(
        "Nothing but: I am still there. Sent about every two minutes when nothing else is.",
        "Do not hang up.",
        PEER_MESSAGES,
        "",
        (_LENGTH,),
    ),
    "choke": Explanation(
        "I will not answer your requests from now on, and forget those that wait.",
        "Take back what was requested and did not come: ask others for it, or ask again "
        "after the next unchoke.",
        f"{PEER_MESSAGES}; choking",
        "PeerActor._choke_came",
        _BARE,
    ),
    "unchoke": Explanation(
        "You may request blocks: I will answer.",
        "If interested, send requests, several at once, so that the line is never idle.",
        f"{PEER_MESSAGES}; choking",
        "PeerActor._unchoke_came",
        _BARE,
    ),
    "interested": Explanation(
        "You have a piece that I lack. Unchoke me, and I will request it.",
        "Consider this peer when the upload slots are given out.",
        PEER_MESSAGES,
        "PeerActor._interested_came",
        _BARE,
    ),
    "not interested": Explanation(
        "You have nothing that I lack, at present.",
        "Give its upload slot to somebody who is interested.",
        PEER_MESSAGES,
        "PeerActor._not_interested_came",
        _BARE,
    ),
    "have": Explanation(
        "I now have this piece, whole, and its hash is right.",
        "Count one more peer that has it (that is how rarity is known), and say interested "
        "if it is a piece one lacks.",
        PEER_MESSAGES,
        "PeerActor._have_came",
        (*_BARE, _PIECE),
    ),
    "bitfield": Explanation(
        "Which pieces I have, one bit each; the first piece is the high bit of the first "
        "byte. Only as the first message after the handshake; left out by who has nothing.",
        "Note what the peer has, and say interested if there is anything one lacks.",
        PEER_MESSAGES,
        "PeerActor._bitfield_came",
        (*_BARE, Field("bits", 0, "one bit a piece, spare bits at the end zero")),
    ),
    "request": Explanation(
        "Send me this block. Allowed only while I am unchoked.",
        "Send the block as a piece message, if the peer is unchoked and one has the piece; "
        "drop the request if it is choked.",
        PEER_MESSAGES,
        "PeerActor._request_came",
        _BLOCK_NAME,
    ),
    "piece": Explanation(
        "Here is a block of a piece: the answer to one request.",
        "Check that it was asked for, and keep it. When all blocks of the piece are there, "
        "compare its SHA-1 with the torrent's.",
        PEER_MESSAGES,
        "PeerActor._blocks_came",
        (*_BARE, _PIECE, _OFFSET, Field("block", 0, "the bytes themselves; not in the trace")),
    ),
    "cancel": Explanation(
        "I no longer need this block. Used in the endgame, when a block was requested from "
        "several peers and one was quicker.",
        "Take the request out of the queue, if it has not been answered.",
        f"{PEER_MESSAGES}; endgame",
        "PeerActor._cancel_came",
        _BLOCK_NAME,
    ),
    "port": Explanation(
        "My node of the distributed hash table listens on this UDP port.",
        "A client with a DHT may ping that node, and so come to know it.",
        "BEP 5, BitTorrent protocol extension",
        "",
        (*_BARE, Field("udp_port", 2, "the port")),
    ),
    "suggest": Explanation(
        "You might like to fetch this piece from me: it costs me little to send. Advice only.",
        "Take it into account when choosing what to request, or do not.",
        f"{FAST}; suggest piece",
        "PeerActor._suggest_came",
        (*_BARE, _PIECE),
    ),
    "have all": Explanation(
        "I have every piece. Said in place of a bitfield, to save its bytes.",
        "Note that the peer has everything, and say interested if one lacks anything.",
        f"{FAST}; have all, have none",
        "PeerActor._have_all_came",
        _BARE,
    ),
    "have none": Explanation(
        "I have no piece yet. Said in place of a bitfield.",
        "Note that the peer has nothing.",
        f"{FAST}; have all, have none",
        "PeerActor._have_none_came",
        _BARE,
    ),
    "reject": Explanation(
        "I will not send this block: the other answer to a request. With this extension each "
        "request gets exactly one answer, and a choke alone takes none back.",
        "Ask others for the block, or ask again after the next unchoke.",
        f"{FAST}; reject request",
        "PeerActor._reject_came",
        _BLOCK_NAME,
    ),
    "allowed fast": Explanation(
        "Ask me for blocks of this piece, and I will send them even while I choke you. It "
        "does not say that I have the piece.",
        "Request it while choked, if the peer has it and one has nothing to trade yet.",
        f"{FAST}; allowed fast",
        "PeerActor._allowed_fast_came",
        (*_BARE, _PIECE),
    ),
    "extended": Explanation(
        "A message of an extension: the extensions' own handshake, a part of the metadata "
        "(BEP 9), or an exchange of peers (BEP 11).",
        "Find out which extension is meant: the number is the one that oneself gave it in "
        "one's handshake of the extensions. Ignore what one gave no number.",
        "BEP 10; BEP 9, BEP 11",
        "PeerConnection._extended_came",
        (
            *_BARE,
            Field("extended_id", 1, "0 is the extensions' own handshake"),
            Field("payload", 0, "what the extension says"),
        ),
    ),
    "unknown": Explanation(
        "A message of a kind that none of the BEPs we know names.",
        "Ignore it, and go on.",
        "our rule: docs/architecture.md",
        "",
        (*_BARE, Field("payload", 0, "whatever it is")),
    ),
}
