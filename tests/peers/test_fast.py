"""The fast extension between our client and real ones, as our traces show it: BEP 6."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from actortorrent.rules.allowed_fast import allowed_fast_set, given_count
from actortorrent.tracing.events import Event
from actortorrent.tracing.linting import lint
from actortorrent.tracing.reader import TraceFile
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.aria2 import aria2_seed
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.own import own_fetch, own_seed

BLOCK = 16 * 1024
PIECES = 300
LIBTORRENT_ALLOWS = 5  # pieces, to whom it chokes


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(PIECES * BLOCK, piece_length=BLOCK)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "own.trace"


def events_of(trace: Path) -> list[Event]:
    """Return a trace's events, of which lint has nothing to say."""
    with TraceFile(trace) as file:
        events = list(file.events())
        assert lint(file.header, iter(events)) == []
    return events


def said(trace: Path) -> Counter[str]:
    """Count the messages, as `received have all`."""
    return Counter(
        f"{event.name.rpartition('_')[2]} {event.data['type']}"
        for event in events_of(trace)
        if event.name.startswith("bt:message_")
    )


def test_what_libtorrent_allows_we_fetch_though_it_never_unchokes_us(
    content: Content, tmp_path: Path, trace: Path
) -> None:
    options = ["--trace", trace, "--trace-level", "block", "--stall-timeout", "2"]
    with libtorrent_seed(content, extra=["--slots", "0"]) as seed:
        here = [f"127.0.0.1:{seed.port}"]
        with own_fetch(content, tmp_path / "into", peers=here, extra=options) as leech:
            assert leech.process.wait() == 4
    counts = said(trace)
    assert counts["received have all"] == counts["sent have none"] == 1
    assert counts["received unchoke"] == 0
    assert counts["received allowed fast"] == LIBTORRENT_ALLOWS
    assert counts["received piece"] == counts["sent request"] == LIBTORRENT_ALLOWS


def test_libtorrent_is_given_pieces_and_told_what_it_does_not_get(
    content: Content, tmp_path: Path, trace: Path
) -> None:
    with ExitStack() as stack:
        options = ["--upload-slots", "1", "--up", "4M", "--pace", "120"]
        seed = stack.enter_context(own_seed(content, extra=[*options, "--trace", trace]))
        leeches = [
            stack.enter_context(libtorrent_fetch(content, tmp_path / name, peers=[seed.address]))
            for name in "ab"
        ]
        for leech in leeches:
            leech.wait_until_done()
        seed.interrupt()
    counts = said(trace)
    assert counts["sent have all"] == counts["received have none"] == 2
    assert counts["sent allowed fast"] == 2 * given_count(PIECES)
    assert counts["sent choke"]
    assert counts["sent reject"]
    for name in "ab":
        content.assert_same_in(tmp_path / name)


def test_aria2_has_all_and_allows_us_the_same_pieces_as_we_would(
    content: Content, tmp_path: Path, trace: Path
) -> None:
    with (
        aria2_seed(content) as port,
        own_fetch(
            content,
            tmp_path / "into",
            peers=[f"127.0.0.1:{port}"],
            extra=["--trace", trace],
        ) as leech,
    ):
        leech.finish()
    counts = said(trace)
    assert counts["received have all"] == 1
    allowed = {
        event.data["fields"]["piece_index"]
        for event in events_of(trace)
        if event.data.get("type") == "allowed fast"
    }
    assert allowed == set(allowed_fast_set(content.info_hash, "127.0.0.1", PIECES))
