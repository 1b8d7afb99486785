"""Fetch ranges of files from one web seed, which may be hostile (BEP 19).

It dials and follows redirects as `HttpFetch` does: few, to http(s) alone, never from a public
address to a local one. A body is read in steps, and no byte of it beyond the range. How long a
server may keep us waiting is for the `WebSeed` to say, who sees what comes: it cuts the line.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from actortorrent.actors.http_fetching import REDIRECT_STATUSES, HttpFetch, redirected
from actortorrent.errors import TrackerError
from actortorrent.rules.web_seed_answers import Body, Fault, Refusal, judge_answer
from actortorrent.rules.web_seed_ranges import Part

if TYPE_CHECKING:
    from requests import Response

    from actortorrent.actors.http_requests import KeptLine

STEP_BYTES = 64 * 1024
SILENCE_SECONDS = 20.0  # between two bytes; whoever sends some, but few, is cut off by others

Take = Callable[[bytes], None]
Note = Callable[[Part, int], None]


class Allowance:
    """Hold how many bytes may be read; who reads waits here for more, where there is a limit."""

    def __init__(self, *, is_limited: bool) -> None:
        self._left: int | None = 0 if is_limited else None
        self._is_closed = False
        self._changed = threading.Condition()

    @property
    def is_used_up(self) -> bool:
        """Say whether it is we who keep the server waiting."""
        with self._changed:
            return self._left == 0

    def grant(self, byte_count: int) -> None:
        """Allow so many bytes more."""
        with self._changed:
            self._left = (self._left or 0) + byte_count
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait here any more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def await_some(self, most_bytes: int) -> int:
        """Return how many bytes may be read now; waits until there are some, or it is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._left != 0 or self._is_closed)
            return most_bytes if not self._left else min(most_bytes, self._left)

    def use(self, byte_count: int) -> None:
        """Note that so many bytes were read."""
        with self._changed:
            if self._left is not None:
                self._left = max(0, self._left - byte_count)


class RefusedError(Exception):
    """Carry a refusal out of the middle of an answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.why)
        self.refusal = refusal


class RangeFetch(HttpFetch):
    """Fetch ranges once; `fetch` in a thread made for it, `cancel` from any."""

    def fetch(
        self, parts: Sequence[Part], allowance: Allowance, take: Take, note: Note
    ) -> Refusal | None:
        """Fetch parts in order; return None if all came, else what came in between.

        Args:
            take: called with the bytes as they come.
            note: called with each part and the status of the answer to it.
        """
        # It takes long to load: see `HttpFetch.run`.
        from actortorrent.actors.http_requests import FAILURES, KeptLine, explain  # noqa: PLC0415

        try:
            with closing(KeptLine(self._dial, SILENCE_SECONDS, self._proxy)) as line:
                self._fetch_all(line, parts, allowance, take, note)
        except RefusedError as refused:
            return refused.refusal
        except TrackerError as error:
            return Refusal(Fault.BUSY, str(error))
        except FAILURES as error:
            return Refusal(Fault.BUSY, self._cut_because or explain(error))
        finally:
            self._line.release()
        return None

    @property
    def _cut_because(self) -> str:
        try:
            self._line.check()
        except TrackerError as error:
            return str(error)
        return ""

    def _fetch_all(
        self,
        line: KeptLine,
        parts: Sequence[Part],
        allowance: Allowance,
        take: Take,
        note: Note,
    ) -> None:
        moved: dict[str, str] = {}  # a server that redirects need not do so for every range
        for part in parts:
            if part.is_padding:
                _take_zeros(part.length, take)
                continue
            with self._answer(line, part, moved) as response:
                note(part, response.status_code)
                headers = {name.lower(): value for name, value in response.headers.items()}
                body = judge_answer(response.status_code, headers, part, time.time())
                if isinstance(body, Refusal):
                    raise RefusedError(body)
                self._read(response, body, allowance, take)

    @contextmanager
    def _answer(self, line: KeptLine, part: Part, moved: dict[str, str]) -> Iterator[Response]:
        """Ask for a part, wherever it has gone."""
        url = moved.get(part.url, part.url)
        for _ in range(self._limits.redirects + 1):
            if self._proxy is not None:
                self._judge(url)
            with line.asking(url, part.first_byte, part.last_byte) as response:
                target = response.headers.get("Location")
                if response.status_code not in REDIRECT_STATUSES or not target:
                    moved[part.url] = url
                    yield response
                    return
                url = _where_it_leads(url, target)
        why = f"more than {self._limits.redirects} redirects"
        raise RefusedError(Refusal(Fault.USELESS, why))

    def _read(self, response: Response, body: Body, allowance: Allowance, take: Take) -> None:
        skip, left = body.skip_bytes, body.take_bytes
        while left:
            most = allowance.await_some(min(STEP_BYTES, skip + left))
            step: bytes = response.raw.read1(most, decode_content=False)
            self._line.check()  # a line that was cut looks like an end
            if not step:
                raise TrackerError("its answer ended before all had come")
            allowance.use(len(step))
            of_use = step[skip : skip + left]
            skip = max(0, skip - len(step))
            left -= len(of_use)
            if of_use:
                take(of_use)


def _where_it_leads(url: str, target: str) -> str:
    try:
        return redirected(url, target)
    except TrackerError:
        why = "it redirects to something that is not http or https"
        raise RefusedError(Refusal(Fault.USELESS, why)) from None


def _take_zeros(byte_count: int, take: Take) -> None:
    for begin in range(0, byte_count, STEP_BYTES):
        take(bytes(min(STEP_BYTES, byte_count - begin)))
