"""What is said to a proxy, byte by byte, and what its answers mean."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.errors import ProxyError, UsageError
from actortorrent.wire.proxy_handshake import (
    MAX_HEAD_BYTES,
    Proxy,
    ProxyHandshake,
    parse_proxy,
    proxy_handshake,
)

SOCKS = Proxy("socks5", "proxy.example", 1080)
SOCKS_LOGIN = Proxy("socks5", "proxy.example", 1080, "me", "secret")
HTTP = Proxy("http", "proxy.example", 8080)
HTTP_LOGIN = Proxy("http", "proxy.example", 8080, "me", "secret")
GRANTED = bytes.fromhex("0500" + "0001" + "00000000" + "0000")
cuts = st.lists(st.integers(0, 60), max_size=8)


def feed(handshake: ProxyHandshake, data: bytes, where: list[int]) -> bytes:
    edges = sorted({0, len(data), *(cut for cut in where if cut < len(data))})
    return b"".join(handshake.receive(data[begin:end]) for begin, end in pairwise(edges))


@given(cuts)
def test_socks5_asks_for_a_host_by_its_name_and_looks_nothing_up(where: list[int]) -> None:
    handshake = proxy_handshake(SOCKS, "peer.example", 6881)
    assert handshake.begin().hex() == "050100"
    request = feed(handshake, b"\5\0", where)
    assert request == b"\5\1\0\3\x0cpeer.example" + (6881).to_bytes(2)
    assert not handshake.is_done
    assert feed(handshake, GRANTED, where) == b""
    assert handshake.is_done


@pytest.mark.parametrize(
    ("host", "written"),
    [("192.0.2.1", "01c0000201"), ("2001:db8::1", "0420010db8000000000000000000000001")],
)
def test_socks5_asks_for_addresses_as_bytes(host: str, written: str) -> None:
    handshake = proxy_handshake(SOCKS, host, 1)
    assert handshake.receive(b"\5\0").hex() == f"050100{written}0001"


@given(cuts)
def test_socks5_logs_in_where_it_is_asked_to(where: list[int]) -> None:
    handshake = proxy_handshake(SOCKS_LOGIN, "192.0.2.1", 80)
    assert handshake.begin().hex() == "05020002"
    assert feed(handshake, b"\5\2", where) == b"\1\2me\6secret"
    assert feed(handshake, b"\1\0", where)[:4] == b"\5\1\0\1"
    feed(handshake, GRANTED, where)
    assert handshake.is_done


@pytest.mark.parametrize("bound", ["01" + "7f000001", "04" + "00" * 16, "03" + "02" + "6162"])
def test_socks5_may_name_its_own_end_in_any_way(bound: str) -> None:
    handshake = proxy_handshake(SOCKS, "192.0.2.1", 80)
    handshake.receive(b"\5\0" + bytes.fromhex("050000" + bound + "1f90"))
    assert handshake.is_done


@pytest.mark.parametrize(
    ("proxy", "said", "why"),
    [
        (SOCKS, "0502", "a way to log in"),
        (SOCKS, "05ff", "a way to log in"),
        (SOCKS, "0400", "another protocol"),
        (SOCKS, b"HTTP/1.1".hex(), "another protocol"),
        (SOCKS_LOGIN, "0502" + "0101", "name or password is wrong"),
        (SOCKS, "0500" + "0505000100000000" + "0000", "the connection was refused"),
        (SOCKS, "0500" + "0563000100000000" + "0000", "code 99"),
        (SOCKS, "0500" + "0500000900000000" + "0000", "another protocol"),
        (SOCKS, "0500" + GRANTED.hex() + "00", "found more"),
        (HTTP, b"SSH-2.0-x\r\n\r\n".hex(), "another protocol"),
        (HTTP, b"HTTP/1.1 407 no\r\nA: b\r\n\r\n".hex(), "status 407"),
        (HTTP, b"HTTP/1.1 200 OK\r\n\r\nmore".hex(), "found more"),
        (HTTP, (b"HTTP/1.1 200 " + b"x" * MAX_HEAD_BYTES).hex(), "at most 8192"),
    ],
)
def test_a_proxy_that_refuses_or_is_none_is_told_apart(proxy: Proxy, said: str, why: str) -> None:
    with pytest.raises(ProxyError, match=why):
        proxy_handshake(proxy, "192.0.2.1", 80).receive(bytes.fromhex(said))


@given(cuts, st.sampled_from(["200 Connection established", "200", "204 "]))
def test_http_asks_for_a_tunnel(where: list[int], status: str) -> None:
    handshake = proxy_handshake(HTTP, "peer.example", 6881)
    target = "peer.example:6881"
    assert handshake.begin().decode() == f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"
    feed(handshake, f"HTTP/1.0 {status}\r\nVia: x\r\n\r\n".encode(), where)
    assert handshake.is_done


def test_http_logs_in_at_once_and_writes_ipv6_in_brackets() -> None:
    said = proxy_handshake(HTTP_LOGIN, "2001:db8::1", 80).begin().decode()
    assert said.startswith("CONNECT [2001:db8::1]:80 HTTP/1.1\r\n")
    assert "\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n" in said


@pytest.mark.parametrize("proxy", [SOCKS, HTTP])
@pytest.mark.parametrize("host", ["a b", "a\r\nX: y", "", "a" * 256, "\ud800", "é\x00.example"])
def test_a_name_that_no_host_can_have_is_not_sent(proxy: Proxy, host: str) -> None:
    with pytest.raises(ProxyError, match="a name that a host can have"):
        proxy_handshake(proxy, host, 80)


def test_a_name_of_other_letters_is_sent_as_dns_has_it() -> None:
    assert b"xn--bcher-kva.example:80" in proxy_handshake(HTTP, "bücher.example", 80).begin()


@given(st.binary(max_size=300), cuts, st.sampled_from([SOCKS, SOCKS_LOGIN, HTTP]))
def test_however_the_bytes_are_cut_the_outcome_is_the_same(
    data: bytes, where: list[int], proxy: Proxy
) -> None:
    def outcome(cut: list[int]) -> str | tuple[bytes, bool]:
        handshake = proxy_handshake(proxy, "192.0.2.1", 80)
        try:
            return feed(handshake, data, cut), handshake.is_done
        except ProxyError:
            return "refused"

    assert outcome(where) == outcome([])


# --- as users write it ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("socks5://127.0.0.1:9050", Proxy("socks5", "127.0.0.1", 9050)),
        ("socks5h://proxy.example", Proxy("socks5", "proxy.example", 1080)),
        ("http://me:p%40ss@[2001:db8::1]:3128/", Proxy("http", "2001:db8::1", 3128, "me", "p@ss")),
        ("http://proxy.example", Proxy("http", "proxy.example", 8080)),
    ],
)
def test_a_proxy_is_read_as_users_write_it(text: str, proxy: Proxy) -> None:
    assert parse_proxy(text) == proxy
    assert "p@ss" not in str(parse_proxy(text)) + repr(parse_proxy(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "proxy.example:80",
        "https://proxy.example",
        "socks4://proxy.example",
        "socks5://",
        "socks5://:80",
        "socks5://a:0",
        "socks5://a:99999",
        "socks5://a:x",
        "socks5://a/path",
        "socks5://[::1",
        "socks5://a b",
        f"socks5://{'u' * 256}:secret@a",
        "socks5://me:secret\udca2@a",  # a byte that is no text, as a shell passes it on
    ],
)
def test_what_is_no_proxy_is_refused_without_telling_a_password(text: str) -> None:
    with pytest.raises(UsageError, match="expected a proxy as") as refused:
        parse_proxy(text)
    assert "secret" not in str(refused.value)
