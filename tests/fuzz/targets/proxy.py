"""Proxies: whatever one says, in whatever parts, we are connected, wait, or are refused."""

from __future__ import annotations

from actortorrent.errors import ProxyError
from actortorrent.wire.proxy_handshake import MAX_HEAD_BYTES, Proxy, proxy_handshake
from tests.fuzz.dealing import Dealer, cut_up
from tests.fuzz.refusing import check_refusal

HOSTS = ("peer.example", "10.0.0.1", "2001:db8::1", "b\u00fccher.example")
MOST_SENT_BYTES = 4096


def seeds() -> list[bytes]:
    return [
        b"\x00\x00" + b"\5\0" + b"\5\0\0\1\x0a\0\0\1\x1a\xe1",
        b"\x02\x01" + b"\5\2\1\0" + b"\5\0\0\3\4host\0\1",
        b"\x04\x03" + b"\5\0" + b"\5\5\0\4" + bytes(18),
        b"\x01\x00" + b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n",
        b"\x03\x05" + b"HTTP/1.0 407 Who?\r\n\r\n",
        b"\x01\x00" + b"HTTP/1.1 200 OK\r\n\r\nearly",
    ]


def check(data: bytes) -> None:
    dealer = Dealer(data)
    choice, cut = dealer.byte(), dealer.byte()
    has_login = choice & 2
    proxy = Proxy(
        "http" if choice & 1 else "socks5", "proxy.example", 1080,
        "user" if has_login else "", "password" if has_login else "",
    )  # fmt: skip
    handshake = proxy_handshake(proxy, HOSTS[choice >> 2 & 3], 6881)
    sent = len(handshake.begin())
    try:
        for part in cut_up(dealer.rest(), cut):
            sent += len(handshake.receive(part))
            assert len(handshake._came) < MAX_HEAD_BYTES
            if handshake.is_done:
                break
    except ProxyError as error:
        check_refusal(error)
    assert sent <= MOST_SENT_BYTES
