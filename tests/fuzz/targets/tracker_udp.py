"""Trackers' datagrams: an exchange goes on, ends, or ignores them, whatever they are."""

from __future__ import annotations

import random
import struct

from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address
from actortorrent.wire.announces import AnnounceRequest, Ask, ScrapeRequest
from actortorrent.wire.tracker_udp import ANNOUNCE, CONNECT, ERROR, MAX_PACKET_BYTES, SCRAPE
from actortorrent.wire.tracker_udp_exchange import CONNECTION_LIFE_SECONDS, UdpExchange
from tests.fuzz.dealing import Dealer, as_letters
from tests.fuzz.refusing import check_refusal
from tests.fuzz.targets.tracker_http import check_reply

HASH = b"h" * 20
ASKED = AnnounceRequest(
    info_hash=HASH, peer_id=b"p" * 20, port=6881, uploaded=0, downloaded=0, left=1
)
ADDRESSES = (Address("10.0.0.1", 80), Address("2001:db8::1", 80))
MOST_SENT_BYTES = 4096


def seeds() -> list[bytes]:
    connected = struct.pack("!IQ", CONNECT, 77)
    announced = struct.pack("!IIII", ANNOUNCE, 1800, 1, 2) + b"\x0a\0\0\1\x1a\xe1" * 2
    announced_6 = struct.pack("!IIII", ANNOUNCE, 0, 2**32 - 1, 2) + bytes(15) + b"\1\x1a\xe1"
    scraped = struct.pack("!IIII", SCRAPE, 1, 2, 3)
    refused = struct.pack("!I", ERROR) + b"go away\0"
    return [
        b"\0" + as_letters(connected, announced),
        b"\1" + as_letters(connected, scraped),
        b"\2" + as_letters(connected, announced_6),
        b"\4" + as_letters(b"", connected, b"", announced, refused),
        b"\0" + as_letters(refused),
        b"\x18" + as_letters(connected, struct.pack("!I", ANNOUNCE)),
    ]


def check(data: bytes) -> None:
    dealer = Dealer(data)
    is_scrape, is_ipv6, gets_lost, ages, is_foreign, *_ = dealer.bits()
    ask: Ask = ScrapeRequest(HASH) if is_scrape else ASKED
    addresses = ADDRESSES[::-1] if is_ipv6 else ADDRESSES
    exchange = UdpExchange(ask, "/announce?key=1", addresses, random.Random(1))
    now = 0.0
    for letter in dealer.letters():
        sent = exchange.next_packet(now)
        assert len(sent) <= MOST_SENT_BYTES
        assert 0 < exchange.patience_seconds <= 15 * 2**8
        now += CONNECTION_LIFE_SECONDS / 2 if ages else 1
        if gets_lost and not letter:
            exchange.lose_patience()
        elif _ends(exchange, letter if is_foreign else _in_answer_to(exchange, letter), now):
            return


def _in_answer_to(exchange: UdpExchange, letter: bytes) -> bytes:
    """Put the number that the tracker was told behind the action: chance does not find it."""
    return letter[:4] + exchange._transaction_id.to_bytes(4) + letter[4:MAX_PACKET_BYTES]


def _ends(exchange: UdpExchange, packet: bytes, now: float) -> bool:
    try:
        exchange.receive(packet, now)
    except TrackerError as error:
        check_refusal(error)
        return True
    if exchange.reply is not None:
        check_reply(exchange.reply)
    return exchange.reply is not None
