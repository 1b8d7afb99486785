"""A report of strangers shows their scripts as text: in a browser, event by event, view by view."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.api import seed
from actortorrent.tracing.report.writing import write_report
from tests.security.conftest import Fetched
from tests.security.strangers import IMAGE
from tests.tracing.report.browser import Browser
from tests.tracing.report.test_page import VIEWS

NODE = "<img src=x>"  # what a trace, and so a peer, is called: by its file
CHOOSE_ALL = """
  const cards = [];
  for (let row = 0; row < T.size; row++) {
    select(row);
    cards.push(document.getElementById("card").textContent);
  }
  return cards;"""
STRANGE = "img, iframe, object, embed, link, base, svg script, [onerror], [onload], [onclick]"


@pytest.fixture(scope="module")
def page(fetched: Fetched) -> Path:
    """Return the report of the fetch, and of a seed whose trace has an evil name."""
    other = fetched.folder / f"{NODE}.trace"
    seed(
        fetched.folder / "into",
        fetched.content.torrent,
        seed_seconds=0.01,
        trace=other,
        bind="127.0.0.1",
        port=0,
        use_trackers=False,
        use_dht=False,
    )
    written = fetched.folder / "report.html"
    write_report([fetched.trace, other], written)
    return written


def assert_harmless(browser: Browser) -> None:
    assert browser.ask("return window.pwned") is None
    assert browser.ask("return document.querySelectorAll(arguments[0]).length", STRANGE) == 0
    assert browser.ask("return document.scripts.length") == 2
    assert browser.errors() == []
    assert browser.requests() == []


def test_no_word_of_strangers_becomes_a_part_of_any_view(browser: Browser, page: Path) -> None:
    for view in VIEWS:
        browser.open(page, f"view={view}&look=0&event=1")
        assert_harmless(browser)


def test_what_they_wrote_is_there_as_text_event_by_event(browser: Browser, page: Path) -> None:
    browser.open(page, "view=figures")
    cards = browser.ask(CHOOSE_ALL)
    assert_harmless(browser)
    assert len(cards) > 100
    telling = [card for card in cards if "handshake of evil.]0;owned" in card]
    assert any(IMAGE in card for card in telling), "what the peer calls itself"
    assert any(IMAGE in card for card in cards if "has_refused" in card), "what the tracker said"
    assert NODE in browser.ask("return document.body.textContent"), "what the trace is called"
    assert not {"\x1b", "\x07", "\u202e"} & set("".join(cards))
