from __future__ import annotations

import socket

import pytest

from actortorrent.actors.http_requests import FAILURES, asking, explain, is_of_time
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker, Talk


def dial(host: str, port: int) -> socket.socket:
    return socket.create_connection((host, port))


def failure(talk: Talk) -> Exception:
    """Return how it fails to ask a server that answers by this, or does not."""
    with (
        PlayedHttpTracker(talk) as server,
        pytest.raises(FAILURES) as caught,
        asking(server.url, dial, 0.1) as response,
    ):
        response.raw.read1(100)
    return caught.value


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
def test_silence_is_told_as_such_before_the_answer_and_in_it(begun: bytes) -> None:
    def fall_silent(talk: HttpTalk) -> None:
        talk.send(begun)
        talk.hang()

    error = failure(fall_silent)
    assert is_of_time(error)
    assert explain(error) == "no answer in time"


def test_rubbish_is_told_as_such() -> None:
    error = failure(lambda talk: talk.send(b"rubbish\r\n\r\n"))
    assert not is_of_time(error)
    assert explain(error) == "it does not speak HTTP"
