from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest

from actortorrent.actors.http_fetching import HttpAnswer, HttpFetch, HttpLimits
from actortorrent.errors import TrackerError
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.peers.needs import need_command

MAKE_CERTIFICATE = (
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    " -subj /CN=tracker -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out certificate.pem"
)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Return a fresh certificate of 127.0.0.1 that nobody trusts, its key beside it."""
    command = [need_command("openssl"), *MAKE_CERTIFICATE.split()]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "certificate.pem"


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


def test_a_certificate_that_is_trusted_lets_us_in(
    certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with PlayedHttpTracker(lambda t: t.send_response(b"de"), tls=tls) as server:
        assert HttpFetch().run(server.url) == HttpAnswer(200, b"de")


def test_a_certificate_that_is_not_trusted_is_told_so(tls: ssl.SSLContext) -> None:
    with (
        PlayedHttpTracker(lambda t: t.send_response(b"de"), tls=tls) as server,
        pytest.raises(TrackerError, match="certificate"),
    ):
        HttpFetch().run(server.url)


@pytest.mark.parametrize("talk", [HttpTalk.hang, lambda t: t.drip(b"HTTP/1.1 200 OK\r\nX: y")])
def test_a_slow_answer_ends_at_the_deadline(
    talk: object, certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert callable(talk)
    with (
        PlayedHttpTracker(talk, tls=tls) as server,
        pytest.raises(TrackerError, match=r"no whole answer in 0\.4 s"),
    ):
        HttpFetch(limits=HttpLimits(total_seconds=0.4)).run(server.url)
