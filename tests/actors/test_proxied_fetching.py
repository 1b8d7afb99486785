"""Trackers asked through real proxies, over HTTP and HTTPS."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actortorrent.actors.http_fetching import HttpAnswer, HttpFetch, HttpLimits
from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address
from actortorrent.wire.proxy_handshake import Proxy
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.actors.test_https_fetching import MAKE_CERTIFICATE
from tests.peers.needs import need_command
from tests.peers.proxies import microsocks, tinyproxy

KINDS = ["socks5", "http"]
LOGIN = ("me", "secret9word")
OK = HttpAnswer(200, b"de")


@contextmanager
def proxy(kind: str, folder: Path, login: tuple[str, str] | None = None) -> Iterator[Proxy]:
    with microsocks(login=login) if kind == "socks5" else tinyproxy(folder, login=login) as one:
        yield one


def answer(talk: HttpTalk) -> None:
    talk.send_response(b"de")


def look_up_the_proxy_alone(host: str, port: int) -> tuple[Address, ...]:
    """Stand for the system's look-up: no name but an address may be asked for."""
    assert host == "127.0.0.1", f"looked up {host}"
    return (Address(host, port),)


@pytest.mark.parametrize("login", [None, LOGIN], ids=["open", "with a login"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_tracker_is_asked_through_a_proxy_which_looks_up_its_name(
    tmp_path: Path, kind: str, login: tuple[str, str] | None
) -> None:
    heads: list[str] = []

    def talk(talk: HttpTalk) -> None:
        heads.append(talk.head)
        answer(talk)

    with PlayedHttpTracker(talk) as server, proxy(kind, tmp_path, login) as behind:
        fetch = HttpFetch(proxy=behind, find_addresses=look_up_the_proxy_alone)
        assert fetch.run(server.url.replace("127.0.0.1", "localhost")) == OK
    assert "secret" not in heads[0]
    assert "proxy-authorization" not in heads[0].lower()


@pytest.mark.parametrize("kind", KINDS)
def test_a_tracker_that_speaks_tls_is_asked_through_a_tunnel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    command = [need_command("openssl"), *MAKE_CERTIFICATE.split()]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    with PlayedHttpTracker(answer, tls=context) as server, proxy(kind, tmp_path) as behind:
        assert HttpFetch(proxy=behind).run(server.url) == OK


@pytest.mark.parametrize("kind", KINDS)
def test_where_there_is_nobody_or_no_proxy_that_is_told(tmp_path: Path, kind: str) -> None:
    with proxy(kind, tmp_path) as behind:
        try:
            answered = HttpFetch(proxy=behind).run("http://127.0.0.1:1/announce")
            assert answered.status >= 500  # an HTTP proxy says so itself
        except TrackerError as error:
            assert "connection was refused" in str(error)  # noqa: PT017
        with pytest.raises(TrackerError, match="proxy"):
            HttpFetch(proxy=behind).run("https://127.0.0.1:1/announce")
    with pytest.raises(TrackerError, match="no connection: connection refused"):
        HttpFetch(proxy=behind).run("http://127.0.0.1:1/announce")


def test_a_proxy_that_is_none_is_told() -> None:
    with PlayedHttpTracker(answer) as server:
        port = int(server.url.rpartition(":")[2].partition("/")[0])
        limits = HttpLimits(connect_seconds=0.3)
        fetch = HttpFetch(proxy=Proxy("socks5", "127.0.0.1", port), limits=limits)
        with pytest.raises(TrackerError, match="no connection in time"):
            fetch.run("http://tracker.example/")


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_to_a_local_address_is_not_followed_through_a_proxy_either(
    tmp_path: Path, kind: str
) -> None:
    def send_home(talk: HttpTalk) -> None:
        talk.send_response(b"", status="302 Found", headers="Location: http://10.0.0.1/\r\n")

    with (
        PlayedHttpTracker(send_home) as server,
        proxy(kind, tmp_path) as behind,
        pytest.raises(TrackerError, match="from a public address to a local one"),
    ):
        HttpFetch(proxy=behind).run(server.url.replace("127.0.0.1", "localhost"))
