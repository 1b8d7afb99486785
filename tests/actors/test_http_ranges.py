from __future__ import annotations

import threading

from actortorrent.actors.http_ranges import Allowance, RangeFetch
from actortorrent.rules.web_seed_answers import Fault, Refusal
from actortorrent.rules.web_seed_ranges import Part
from actortorrent.wire.addresses import Address
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker, Talk

FILE = bytes(range(200)) * 10
PUBLIC = "127.0.0.1"
LOCAL = "127.0.0.2"


def part(url: str, first: int, length: int) -> Part:
    return Part(0, first, length, len(FILE), url)


def serve(talk: HttpTalk) -> None:
    """Answer all questions of one connection with the ranges that they ask for."""
    head = talk.head
    while head:
        first, last = map(int, head.split("bytes=")[1].split("\r\n")[0].split("-"))
        told = f"Content-Range: bytes {first}-{last}/{len(FILE)}\r\n"
        talk.send_response(FILE[first : last + 1], status="206 Partial Content", headers=told)
        head = talk.sock.recv(4096).decode("latin-1")


def fetched(talk: Talk, *asked: tuple[int, int]) -> tuple[bytes, Refusal | None, int]:
    """Fetch ranges; return what came, how it ended, and by how many connections."""
    came = bytearray()
    with PlayedHttpTracker(talk) as server:
        parts = [part(server.url, *one) for one in asked]
        allowance = Allowance(is_limited=False)
        refusal = RangeFetch().fetch(parts, allowance, came.extend, lambda *_: None)
        return bytes(came), refusal, len(server.senders)


def test_ranges_come_one_after_the_other_by_one_connection() -> None:
    came, refusal, connections = fetched(serve, (5, 100), (1000, 1), (0, 7))
    assert came == FILE[5:105] + FILE[1000:1001] + FILE[:7]
    assert (refusal, connections) == (None, 1)


def test_a_connection_that_is_closed_without_a_word_is_made_anew() -> None:
    def serve_once(talk: HttpTalk) -> None:
        first, last = map(int, talk.head.split("bytes=")[1].split("\r\n")[0].split("-"))
        told = f"Content-Range: bytes {first}-{last}/{len(FILE)}\r\n"
        talk.send_response(FILE[first : last + 1], status="206 Partial Content", headers=told)

    came, refusal, connections = fetched(serve_once, (0, 10), (10, 10))
    assert came == FILE[:20]
    assert (refusal, connections) == (None, 2)


def test_padding_is_zeros_and_asks_nobody() -> None:
    came = bytearray()
    padding = Part(1, 0, 100_000, 100_000, "")
    allowance = Allowance(is_limited=True)
    assert RangeFetch().fetch([padding], allowance, came.extend, lambda *_: None) is None
    assert came == bytes(100_000)


def test_no_byte_is_read_that_is_not_allowed_yet() -> None:
    allowance, came, refusals = Allowance(is_limited=True), bytearray(), []
    got_some = threading.Event()

    def take(data: bytes) -> None:
        came.extend(data)
        got_some.set()

    with PlayedHttpTracker(serve) as server:

        def run() -> None:
            asked = [part(server.url, 0, 50)]
            refusals.append(RangeFetch().fetch(asked, allowance, take, lambda *_: None))

        thread = threading.Thread(target=run)
        thread.start()
        allowance.grant(20)
        assert got_some.wait(60)
        assert 0 < len(came) <= 20
        allowance.grant(30)
        thread.join(60)
    assert came == FILE[:50]
    assert refusals == [None]


def test_a_cancelled_fetch_ends_at_once_also_while_it_may_not_read() -> None:
    allowance, fetch, refusals = Allowance(is_limited=True), RangeFetch(), []
    asked = threading.Event()
    with PlayedHttpTracker(serve) as server:

        def run() -> None:
            parts = [part(server.url, 0, 50)]
            refusals.append(fetch.fetch(parts, allowance, bytes, lambda *_: asked.set()))

        thread = threading.Thread(target=run)
        thread.start()
        assert asked.wait(60)
        fetch.cancel()
        allowance.close()
        thread.join(60)
        assert not thread.is_alive()
    assert refusals == [Refusal(Fault.BUSY, "cancelled")]


def test_a_redirect_from_a_public_to_a_local_address_is_not_followed() -> None:
    with PlayedHttpTracker(serve, LOCAL) as inside:
        target = f"http://inside.example:{inside.port}/"
        with PlayedHttpTracker(lambda talk: talk.redirect(target)) as outside:

            def find(host: str, port: int) -> tuple[Address, ...]:
                return (Address(LOCAL if host == "inside.example" else PUBLIC, port),)

            fetch = RangeFetch(
                find_addresses=find, is_local_address=lambda address: address.host == LOCAL
            )
            asked = [part(f"http://outside.example:{outside.port}/", 0, 5)]
            allowance = Allowance(is_limited=False)
            refusal = fetch.fetch(asked, allowance, bytes, lambda *_: None)
        assert inside.paths == []
    assert refusal is not None
    assert "from a public address to a local one" in refusal.why
