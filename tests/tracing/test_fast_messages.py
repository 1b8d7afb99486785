"""What BEP 6 says in other words than BEP 3 is understood wherever traces are read."""

from __future__ import annotations

from typing import Any

import pytest

from actortorrent.tracing.diffing import _roles
from actortorrent.tracing.events import Event
from actortorrent.tracing.linting import lint
from actortorrent.tracing.report.piece_lives import ALL_PIECES, OFFERED, PieceLives
from actortorrent.tracing.why import Story, why_piece
from actortorrent.tracing.why.story import NodeStory
from actortorrent.tracing.wire_wording import wire_text
from tests.tracing.traces import HEADER, event

BLOCK = {"piece_index": 7, "block_offset": 0, "length": 16 * 1024}
SIZES = {"handshake": 68, "request": 17, "piece": 13 + 16 * 1024, "allowed fast": 9}

Said = tuple[str, str, dict[str, Any]]  # the way, the type, the fields

HELLO: list[Said] = [
    ("sent", "handshake", {"peer_id": "-AT0100-us"}),
    ("received", "handshake", {"peer_id": "-LT2110-them"}),
]
WANT: Said = ("sent", "interested", {})
UNCHOKE: Said = ("received", "unchoke", {})
ASK: Said = ("sent", "request", BLOCK)
GIVE: Said = ("received", "piece", BLOCK)
HAVE_ALL: Said = ("received", "have all", {})
ALLOW: Said = ("received", "allowed fast", {"piece_index": 7})
# As traces had them before these messages were known.
OLD_HAVE_ALL: Said = ("received", "unknown", {"kind": 14, "payload": "<0 bytes>"})
OLD_ALLOW: Said = ("received", "unknown", {"kind": 17, "payload": "<4 bytes>"})


def trace_of(*said: Said) -> list[Event]:
    offsets = {"sent": 0, "received": 0}
    events = []
    for number, (way, kind, fields) in enumerate([*HELLO, *said], 1):
        size = SIZES.get(kind, 5)
        about: dict[str, Any] = {"conn": 1, "offset": offsets[way], "length": size, "type": kind}
        more: dict[str, Any] = {"fields": fields} if fields else {}
        name = f"bt:message_{way}"
        events.append(event(name, "Peer-1", 10 * number, ms=number, **about, **more))
        offsets[way] += size
    return events


def broken(*said: Said) -> set[str]:
    return {finding.rule for finding in lint(HEADER, trace_of(*said))}


@pytest.mark.parametrize("have_all", [HAVE_ALL, OLD_HAVE_ALL])
@pytest.mark.parametrize("allow", [ALLOW, OLD_ALLOW])
def test_lint_knows_what_they_allow(have_all: Said, allow: Said) -> None:
    assert broken(have_all, WANT, UNCHOKE, ASK, GIVE) == set()
    assert broken(have_all, WANT, allow, ASK, GIVE) == set()
    assert broken(allow, have_all, WANT, UNCHOKE) == set()
    assert "request-while-choked" in broken(have_all, WANT, ASK)
    assert "interest-in-nothing" in broken(WANT)


def test_why_piece_knows_who_has_all() -> None:
    story = Story(HEADER, trace_of(HAVE_ALL, WANT, UNCHOKE))
    (answer,) = why_piece(story, 7)
    told = "\n".join("".join(part.text for part in line) for line in answer.lines())
    assert "has it: the first of those here" in told


def test_the_report_knows_who_offers_all() -> None:
    lives = PieceLives(HEADER.piece_count, lambda _: 0)
    for row, one in enumerate(trace_of(HAVE_ALL)):
        lives.see(one, row, row)
    assert [(what, piece) for _, _, _, what, piece, _ in lives.to_json()["facts"]] == [
        (OFFERED, ALL_PIECES)
    ]


def test_who_has_all_is_a_seed_where_traces_are_compared() -> None:
    node = NodeStory("", HEADER)
    node.events = trace_of(HAVE_ALL, UNCHOKE)
    assert _roles(node) == {1: "seed"}
    node.events = trace_of(WANT, UNCHOKE)
    assert _roles(node) == {1: "leech"}


def test_they_read_as_english_also_in_older_traces() -> None:
    told = [wire_text(one) for one in trace_of(HAVE_ALL, OLD_HAVE_ALL, ALLOW)[2:]]
    assert told == ["have all", "have all, a message of BEP 6", "allowed fast piece 7"]
