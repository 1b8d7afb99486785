"""Web servers as tests of web seeds need them: each question for a range is answered by a play."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Self
from urllib.parse import unquote

import bencodepy

from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.content import Content

BYTES = re.compile(r"\r\nRange: bytes=(\d+)-(\d+)\r\n", re.IGNORECASE)


class Asked:
    """One question for a range of a file: what was asked, and ways to answer."""

    def __init__(self, talk: HttpTalk, data: bytes, number: int) -> None:
        found = BYTES.search(talk.head)
        assert found is not None, "a web seed is asked for ranges"
        self.talk = talk
        self.data = data
        self.number = number  # of the question, from 1
        self.first, self.last = int(found[1]), int(found[2])

    @property
    def wanted(self) -> bytes:
        """Return the right bytes."""
        return self.data[self.first : self.last + 1]

    def answer(self, body: bytes, status: str, headers: str = "") -> None:
        """Answer, and hang up."""
        self.talk.send_response(body, status=status, headers=f"Connection: close\r\n{headers}")

    def serve(self, body: bytes | None = None) -> None:
        """Answer as a server does that knows ranges, maybe with other bytes."""
        told = f"Content-Range: bytes {self.first}-{self.last}/{len(self.data)}\r\n"
        self.answer(self.wanted if body is None else body, "206 Partial Content", told)

    def lie(self) -> None:
        """Serve wrong bytes."""
        self.serve(bytes(byte ^ 0xFF for byte in self.wanted))


Play = Callable[[Asked], None]


class WebServer:
    """Serve the files of some content by a play, while the block runs."""

    def __init__(self, content: Content, play: Play) -> None:
        self._files = {
            f"/{path}": (content.folder / path).read_bytes() for path, _ in content.files
        }
        self._play = play
        self._asked = 0
        self._http = PlayedHttpTracker(self._answer)
        self.url = self._http.url.removesuffix("announce")

    def __enter__(self) -> Self:
        self._http.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._http.__exit__(*error)

    @property
    def paths(self) -> list[str]:
        """Return the paths that were asked for."""
        return self._http.paths

    def _answer(self, talk: HttpTalk) -> None:
        self._asked += 1
        self._play(
            Asked(talk, self._files.get(unquote(talk.path.partition("?")[0]), b""), self._asked)
        )


def with_web_seeds(content: Content, *urls: str) -> Content:
    """Return the same content with a torrent that names web seeds."""
    document = bencodepy.decode(content.torrent.read_bytes())
    torrent = content.torrent.with_name(f"{content.name}-web.torrent")
    torrent.write_bytes(bencodepy.encode({**document, b"url-list": list(urls)}))
    return replace(content, torrent=torrent)
