"""Hostile trackers, by HTTP and by UDP: behind each, in the next tier, an honest one waits."""

from __future__ import annotations

import gzip
import secrets
import struct
from collections.abc import Callable

import bencodepy

from tests.actors.playing_trackers import HttpTalk
from tests.hostile.behaviours import Family

trackers = Family("tracker")
udp_trackers = Family("udp tracker")

MIB = 1024 * 1024
GZIP_BOMB = gzip.compress(bytes(20 * MIB), 6)
JUNK_PEER = b"\x7f\x00\x00\x03"  # where nobody listens

PlayUdp = Callable[[bytes], "bytes | None"]


def _chunked(talk: HttpTalk) -> None:
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


# --- replies that are too much ---------------------------------------------------------------------


@trackers(why="^bt:announce_failed.*at most")
def sends_100_mib(talk: HttpTalk) -> None:
    """Answers with a body of 100 MiB."""
    talk.send(f"HTTP/1.1 200 OK\r\nContent-Length: {100 * MIB}\r\n\r\n".encode())
    while True:
        talk.send(bytes(MIB))


@trackers(why="^bt:announce_failed.*(at most|answer)")
def sends_a_gzip_bomb(talk: HttpTalk) -> None:
    """Answers with 20 KiB that unpack to 20 MiB."""
    talk.send_response(GZIP_BOMB, headers="Content-Encoding: gzip\r\n")


@trackers(why="^bt:announce_failed.*at most")
def sends_a_body_without_end(talk: HttpTalk) -> None:
    """Answers in chunks, and never comes to the last."""
    _chunked(talk)
    while True:
        talk.send(b"1000\r\n" + bytes(0x1000) + b"\r\n")


@trackers(why="^bt:announce_failed")
def sends_headers_without_end(talk: HttpTalk) -> None:
    """Answers with header after header, and never comes to a body."""
    talk.send(b"HTTP/1.1 200 OK\r\n")
    while True:
        talk.send(b"X-More: " + b"x" * 1000 + b"\r\n")


@trackers(why="^bt:announce_failed")
def sends_one_header_without_end(talk: HttpTalk) -> None:
    """Answers with a header of one line that never ends."""
    talk.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        talk.send(b"x" * 65536)


# --- replies that never come -----------------------------------------------------------------------


@trackers(why="ask_tracker")
def hangs(talk: HttpTalk) -> None:
    """Takes the question, and never answers."""
    talk.hang()


@trackers(why="ask_tracker")
def dribbles(talk: HttpTalk) -> None:
    """Answers a byte at a time, for ever."""
    _chunked(talk)
    talk.drip(b"1\r\nd\r\n")


@trackers(why="^bt:announce_failed")
def hangs_up(_talk: HttpTalk) -> None:
    """Hangs up without a word."""


@trackers(why="^bt:announce_failed")
def hangs_up_in_mid_answer(talk: HttpTalk) -> None:
    """Says how long its answer is, sends half of it, and hangs up."""
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nd8:interval")


# --- redirects -------------------------------------------------------------------------------------


@trackers(why="^bt:announce_failed.*(redirect|http)")
def redirects_to_a_file(talk: HttpTalk) -> None:
    """Sends us to a file of our own."""
    talk.redirect("file:///etc/passwd")


@trackers(why="^bt:announce_failed.*more than 5 redirects")
def redirects_to_itself(talk: HttpTalk) -> None:
    """Sends us to itself, again and again."""
    talk.redirect("/announce")


@trackers(why="^bt:announce_failed")
def redirects_to_nowhere(talk: HttpTalk) -> None:
    """Sends us to what is no URL at all."""
    talk.redirect("http://[::1/%%%/\x01")


@trackers(why="^bt:announce_failed.*(redirect|http)")
def redirects_to_gopher(talk: HttpTalk) -> None:
    """Sends us to where another protocol is spoken, by which others could be harmed."""
    talk.redirect("gopher://127.0.0.1:25/xHELO")


# --- replies that are none -------------------------------------------------------------------------


@trackers(why="^bt:announce_failed")
def speaks_no_http(talk: HttpTalk) -> None:
    """Answers with noise."""
    talk.send(secrets.token_bytes(4000))


@trackers(why="^bt:announce_failed")
def sends_a_page(talk: HttpTalk) -> None:
    """Answers with a page for people."""
    talk.send_response(b"<html><body>It works!</body></html>")


@trackers(why="^bt:announce_failed")
def fails_inside(talk: HttpTalk) -> None:
    """Answers with status 500."""
    talk.send_response(b"oops", status="500 Internal Server Error")


@trackers(why="^bt:announce_failed.*has_refused.: True")
def refuses_with_escapes(talk: HttpTalk) -> None:
    """Refuses, with words that would steer a terminal."""
    talk.send_reply({"failure reason": "\x1b]0;evil\x07\x1b[2J\r\nbanned \u202eevil"})


@trackers(why="^bt:announce_failed")
def nests_100_000_lists(talk: HttpTalk) -> None:
    """Answers with lists in lists, 100,000 deep."""
    talk.send_response(b"l" * 100_000 + b"e" * 100_000)


@trackers(why="^bt:announce_failed")
def sends_a_million_values(talk: HttpTalk) -> None:
    """Answers with a million numbers."""
    talk.send_response(b"d5:peersl" + b"i1e" * 500_000 + b"ee")


@trackers(why="^bt:announce_answered.*'peers': 0")
def sends_peers_of_five_bytes(talk: HttpTalk) -> None:
    """Answers with peers whose addresses have a byte too few."""
    talk.send_reply({"interval": 1800, "peers": bytes(5)})


# --- replies that lie --------------------------------------------------------------------------------


@trackers(why="announce_answered")
def names_100_000_peers(talk: HttpTalk) -> None:
    """Answers with 100,000 peers, none of which is there."""
    peers = b"".join(JUNK_PEER + struct.pack(">H", port % 65535 + 1) for port in range(100_000))
    talk.send_reply({"interval": 1800, "peers": peers})


@trackers(why="announce_answered")
def names_peers_that_cannot_be(talk: HttpTalk) -> None:
    """Answers with peers at port 0, at ports beyond all, by names that are none, and numbers."""
    peers = [
        {"ip": "127.0.0.1", "port": 0},
        {"ip": "127.0.0.1", "port": 2**40},
        {"ip": "\x1b[2J", "port": 80},
        {"ip": "a" * 5000, "port": 80},
        {"ip": 7, "port": "x"},
        [],
        {},
    ]
    talk.send_reply({"interval": 1800, "peers": peers})


@trackers(why="announce_")
def wants_to_be_asked_in_minus_5_seconds(talk: HttpTalk) -> None:
    """Answers with intervals below zero."""
    talk.send_reply({"interval": -5, "min interval": -(2**62), "peers": b""})


@trackers(why="announce_")
def wants_to_be_asked_at_once(talk: HttpTalk) -> None:
    """Answers with intervals of zero."""
    talk.send_reply({"interval": 0, "min interval": 0, "peers": b""})


@trackers(why="announce_")
def wants_to_be_asked_in_a_billion_years(talk: HttpTalk) -> None:
    """Answers with intervals for which there is no clock."""
    talk.send_reply({"interval": 2**63, "min interval": 2**63, "peers": b""})


@trackers(why="announce_")
def gives_an_id_of_1_mib(talk: HttpTalk) -> None:
    """Answers with a tracker id of a megabyte, to be told with every question from now on."""
    talk.send_reply({"interval": 1800, "tracker id": b"x" * MIB, "peers": b""})


# --- by UDP ----------------------------------------------------------------------------------------


def _head(packet: bytes) -> tuple[int, bytes]:
    """Return what a packet asks for, and its transaction."""
    return struct.unpack_from(">I", packet, 8)[0], packet[12:16]


def _connected(packet: bytes) -> bytes | None:
    """Answer a question for a connection as one should; None: it is another question."""
    action, transaction = _head(packet)
    return struct.pack(">I", 0) + transaction + bytes(8) if action == 0 else None


@udp_trackers(why="ask_tracker")
def says_nothing(_packet: bytes) -> None:
    """Takes every datagram, and answers none."""


@udp_trackers(why="ask_tracker")
def answers_others(packet: bytes) -> bytes:
    """Answers with a transaction that is not ours."""
    action, _ = _head(packet)
    return struct.pack(">II", action, 1) + bytes(8)


@udp_trackers(why="ask_tracker")
def answers_in_three_bytes(_packet: bytes) -> bytes:
    """Answers with a datagram too short to be one."""
    return b"abc"


@udp_trackers(why="ask_tracker")
def answers_what_was_not_asked(packet: bytes) -> bytes:
    """Answers an announce where a connection was asked for."""
    _, transaction = _head(packet)
    return struct.pack(">I", 1) + transaction + bytes(12)


@udp_trackers(why="^bt:announce_failed.*has_refused.: True")
def refuses_with_64_kib(packet: bytes) -> bytes:
    """Refuses in as many words as a datagram holds, with escapes among them."""
    _, transaction = _head(packet)
    return struct.pack(">I", 3) + transaction + b"\x1b[2Jno\r\n" * 8000


@udp_trackers(why="announce_")
def sends_10_000_peers(packet: bytes) -> bytes:
    """Answers with as many peers as a datagram holds, none of which is there."""
    connected = _connected(packet)
    if connected is not None:
        return connected
    _, transaction = _head(packet)
    peers = b"".join(JUNK_PEER + struct.pack(">H", port) for port in range(1, 10_001))
    return struct.pack(">I", 1) + transaction + struct.pack(">iII", -1, 2**31, 7) + peers


@udp_trackers(why="announce_|ask_tracker")
def sends_half_a_peer(packet: bytes) -> bytes:
    """Answers with a peer whose address has a byte too few."""
    connected = _connected(packet)
    if connected is not None:
        return connected
    _, transaction = _head(packet)
    return struct.pack(">I", 1) + transaction + struct.pack(">III", 1800, 0, 0) + bytes(5)


@udp_trackers(why="ask_tracker|announce_")
def forgets_the_connection(packet: bytes) -> bytes:
    """Gives a connection id, and refuses it as soon as it is used."""
    connected = _connected(packet)
    if connected is not None:
        return connected
    _, transaction = _head(packet)
    return struct.pack(">I", 3) + transaction + b"Connection ID mismatch"


def honest_reply(peer: str) -> Callable[[HttpTalk], None]:
    """Return a tracker that names one peer."""
    host, port = peer.split(":")
    compact = bytes(map(int, host.split("."))) + struct.pack(">H", int(port))
    reply = bencodepy.encode({"interval": 1800, "peers": compact})
    return lambda talk: talk.send_response(reply)
