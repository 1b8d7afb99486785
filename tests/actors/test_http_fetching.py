from __future__ import annotations

import gzip
import threading
import time
import tracemalloc
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

import pytest

from actortorrent.actors.http_fetching import HttpAnswer, HttpFetch, HttpLimits
from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker, Talk

SHORT = HttpLimits(total_seconds=0.4)
SOON_SECONDS = 10.0  # no server here ever comes to an end
OK = HttpAnswer(200, b"de")


def fetch(url: str, **options: object) -> HttpAnswer:
    return HttpFetch(**options).run(url)  # type: ignore[arg-type]


def refuse(talk: Talk, why: str, *, limits: HttpLimits = SHORT) -> None:
    """Fetch from a hostile server, and expect an end in time, for this reason."""
    with PlayedHttpTracker(talk) as server:
        began = time.monotonic()
        with pytest.raises(TrackerError, match=why):
            fetch(server.url, limits=limits)
        assert time.monotonic() - began < SOON_SECONDS


class TestAnswers:
    def test_the_status_and_the_body_come_back(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_response(b"no", status="404 Not Found")) as server:
            assert fetch(server.url) == HttpAnswer(404, b"no")

    def test_a_packed_body_is_unpacked(self) -> None:
        headers = "Content-Encoding: gzip\r\n"
        with PlayedHttpTracker(
            lambda t: t.send_response(gzip.compress(b"de"), headers=headers)
        ) as server:
            assert fetch(server.url) == OK

    def test_every_byte_of_an_info_hash_arrives_as_it_was_sent(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_response(b"de")) as server:
            escaped = "".join(f"%{byte:02X}" for byte in range(256))
            assert fetch(f"{server.url}?info_hash={escaped}") == OK
            assert unquote_to_bytes(server.paths[0].partition("=")[2]) == bytes(range(256))

    def test_it_says_who_asks_and_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        heads: list[str] = []

        def talk(talk: HttpTalk) -> None:
            heads.append(talk.head)
            talk.send_response(b"de", headers="Set-Cookie: a=b\r\n")

        with PlayedHttpTracker(talk) as server:
            assert fetch(server.url) == OK
        assert "User-Agent: actortorrent/" in heads[0]
        assert "Cookie" not in heads[0]

    def test_ipv6_is_spoken(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_response(b"de"), "::1") as server:
            assert fetch(server.url) == OK

    def test_it_asks_from_the_address_given(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_response(b"de")) as server:
            assert fetch(server.url, bind="127.0.0.3") == OK
            assert server.senders == ["127.0.0.3"]

    def test_a_dead_address_of_a_host_is_passed_over(self) -> None:
        def both(_host: str, port: int) -> tuple[Address, ...]:
            return (Address("127.0.0.9", port), Address("127.0.0.1", port))

        with PlayedHttpTracker(lambda t: t.send_response(b"de")) as server:
            url = f"http://tracker.example:{server.port}/"
            assert fetch(url, find_addresses=both) == OK


class TestHostileServers:
    def test_one_byte_of_body_at_a_time_ends_at_the_deadline(self) -> None:
        def talk(talk: HttpTalk) -> None:
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            talk.drip(b"x")

        refuse(talk, r"no whole answer in 0\.4 s")

    def test_one_byte_of_an_endless_body_at_a_time_ends_at_the_deadline(self) -> None:
        def talk(talk: HttpTalk) -> None:
            talk.send(b"HTTP/1.0 200 OK\r\n\r\n")
            talk.drip(b"x")

        refuse(talk, r"no whole answer in 0\.4 s")

    def test_one_byte_of_header_at_a_time_ends_at_the_deadline(self) -> None:
        refuse(lambda t: t.drip(b"HTTP/1.1 200 OK\r\nX: y"), r"no whole answer in 0\.4 s")

    def test_endless_preliminary_answers_end_at_the_deadline(self) -> None:
        def talk(talk: HttpTalk) -> None:
            while not talk.is_over.wait(0.001):
                talk.send(b"HTTP/1.1 100 Continue\r\n\r\n")

        refuse(talk, r"no whole answer in 0\.4 s")

    def test_silence_ends_at_the_deadline(self) -> None:
        refuse(HttpTalk.hang, r"no whole answer in 0\.4 s")

    def test_a_handshake_of_tls_that_never_ends_ends_at_the_deadline(self) -> None:
        with (
            PlayedHttpTracker(HttpTalk.hang) as server,
            pytest.raises(TrackerError, match=r"no whole answer in 0\.4 s"),
        ):
            fetch(server.url.replace("http:", "https:"), limits=SHORT)

    def test_a_gzip_bomb_ends_at_the_limit(self) -> None:
        bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=9)
        headers = "Content-Encoding: gzip\r\n"
        tracemalloc.start()
        try:
            refuse(
                lambda t: t.send_response(bomb, headers=headers),
                "at most 1048576 bytes",
                limits=HttpLimits(),
            )
            assert tracemalloc.get_traced_memory()[1] < 8 * 1024 * 1024
        finally:
            tracemalloc.stop()

    def test_a_huge_body_ends_at_the_limit(self) -> None:
        def talk(talk: HttpTalk) -> None:
            talk.send(b"HTTP/1.0 200 OK\r\n\r\n")
            while True:
                talk.send(bytes(65536))

        refuse(talk, "at most 1048576 bytes", limits=HttpLimits())

    def test_endless_headers_are_refused(self) -> None:
        def talk(talk: HttpTalk) -> None:
            talk.send(b"HTTP/1.1 200 OK\r\n")
            while True:
                talk.send(b"X: y\r\n" * 1000)

        refuse(talk, "HTTP", limits=HttpLimits())

    @pytest.mark.parametrize(
        "answer",
        [
            b"",
            b"SSH-2.0-OpenSSH\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
        ],
    )
    def test_what_is_no_proper_answer_is_told_so(self, answer: bytes) -> None:
        refuse(lambda t: t.send(answer), "HTTP|connection", limits=HttpLimits())

    def test_plain_http_where_tls_is_due_is_told_so(self) -> None:
        with (
            PlayedHttpTracker(lambda t: t.send_response(b"de")) as server,
            pytest.raises(TrackerError, match=r"secure connection|no whole answer"),
        ):
            fetch(server.url.replace("http:", "https:"), limits=SHORT)

    def test_where_nobody_listens_the_reason_is_told_without_the_url(self) -> None:
        with PlayedHttpTracker(HttpTalk.hang) as server:
            url = server.url
        with pytest.raises(TrackerError, match=r"^no connection: connection refused$"):
            fetch(url + "/PASSKEY")

    @pytest.mark.parametrize("host", ["a" * 80, "ä" * 80, "x..y", "%00", "[::1"])
    def test_a_host_that_is_none_is_told_so(self, host: str) -> None:
        with pytest.raises(TrackerError, match=r"URL is malformed|no address found"):
            fetch(f"http://{host}/announce")


class TestRedirects:
    def test_a_redirect_is_followed(self) -> None:
        def talk(talk: HttpTalk) -> None:
            if talk.path == "/announce":
                talk.redirect("/there?x=1", "307 Temporary Redirect")
            else:
                talk.send_response(b"de")

        with PlayedHttpTracker(talk) as server:
            assert fetch(server.url) == OK
            assert server.paths == ["/announce", "/there?x=1"]

    def test_the_body_of_a_redirect_is_not_even_read(self) -> None:
        def talk(talk: HttpTalk) -> None:
            if talk.path == "/announce":
                talk.send(b"HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n")
                talk.drip(b"x")
            else:
                talk.send_response(b"de")

        with PlayedHttpTracker(talk) as server:
            assert fetch(server.url, limits=HttpLimits(total_seconds=5)) == OK

    def test_redirects_without_end_are_given_up(self) -> None:
        with PlayedHttpTracker(lambda t: t.redirect(t.path + "x")) as server:
            with pytest.raises(TrackerError, match="more than 5 redirects"):
                fetch(server.url)
            assert len(server.paths) == 6

    @pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.example/", "udp://x:1/"])
    def test_only_http_is_redirected_to(self, target: str) -> None:
        refuse(lambda t: t.redirect(target), "expected a tracker by|not http")

    @pytest.mark.parametrize("target", ["http://[::1", "http://x.example:99999/"])
    def test_a_redirect_to_nowhere_is_told_so(self, target: str) -> None:
        refuse(lambda t: t.redirect(target), "malformed|expected a")

    def test_from_a_public_address_none_leads_to_a_local_one(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_response(b"secret")) as inside:
            with (
                PlayedHttpTracker(lambda t: t.redirect(inside.url), PUBLIC) as outside,
                pytest.raises(TrackerError, match="from a public address to a local one"),
            ):
                fetch(outside.url, is_local_address=is_local)
            assert inside.paths == []

    def test_nor_by_a_name_that_means_a_local_address(self) -> None:
        def find(host: str, port: int) -> tuple[Address, ...]:
            return (Address("127.0.0.1" if host == "rebound.example" else host, port),)

        with PlayedHttpTracker(lambda t: t.send_response(b"secret")) as inside:
            target = f"http://rebound.example:{inside.port}/"
            with (
                PlayedHttpTracker(lambda t: t.redirect(target), PUBLIC) as outside,
                pytest.raises(TrackerError, match="from a public address to a local one"),
            ):
                fetch(outside.url, is_local_address=is_local, find_addresses=find)
            assert inside.paths == []

    def test_from_a_local_address_any_may_be_named(self) -> None:
        with (
            PlayedHttpTracker(lambda t: t.send_response(b"de"), PUBLIC) as outside,
            PlayedHttpTracker(lambda t: t.redirect(outside.url)) as inside,
        ):
            assert fetch(inside.url, is_local_address=is_local) == OK


PUBLIC = "127.0.0.2"  # as the tests have it


def is_local(address: Address) -> bool:
    return address.host != PUBLIC


class TestCancelling:
    @pytest.mark.parametrize(
        "talk", [HttpTalk.hang, lambda talk: talk.drip(b"HTTP/1.1 200 OK\r\nX: y")]
    )
    def test_a_fetch_under_way_ends_at_once(self, talk: Callable[[HttpTalk], None]) -> None:
        with PlayedHttpTracker(talk) as server:
            one = HttpFetch()
            errors: list[str] = []
            thread = threading.Thread(target=lambda: errors.append(error_of(one, server.url)))
            thread.start()
            assert server.arrived.acquire(timeout=60)
            one.cancel()
            thread.join(SOON_SECONDS)
            assert errors == ["cancelled"]

    def test_a_fetch_that_has_not_begun_does_not_begin(self) -> None:
        with PlayedHttpTracker(lambda t: t.send_response(b"de")) as server:
            one = HttpFetch()
            one.cancel()
            assert error_of(one, server.url) == "cancelled"
            assert server.paths == []


def error_of(one: HttpFetch, url: str) -> str:
    with pytest.raises(TrackerError) as caught:
        one.run(url)
    return str(caught.value)
