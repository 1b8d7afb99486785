from __future__ import annotations

from typing import Any

import pytest

from actortorrent.tracing.events import Event
from actortorrent.tracing.show import ASCII_SIGNS, Teller, header_lines
from tests.tracing.traces import HEADER, event, message


def named(data: dict[str, Any]) -> dict[str, Any]:
    """Return data whose keys are words of Python, for mypy."""
    return data


def told(*events: Event) -> list[str]:
    """Return the lines of events in their order, without times and the spaces before them."""
    teller = Teller(HEADER)
    lines = []
    for one in events:
        teller.hear(one)
        lines += ["".join(part.text for part in line) for line in teller.lines(one)]
    return [line[11:] if line[4:5] == "." or line[:4] == "    " else line for line in lines]


@pytest.mark.parametrize(
    ("shown", "line"),
    [
        (
            message("Peer-3", "Storage", "store", (1, 2, 3), args={"byte_count": 16384}),
            "Peer-3        → Storage  store(byte_count 16 KiB)",
        ),
        (
            message("Peer-3", "Storage", "store", (1, 2, 3), wait=3_200_000, dur=7_000_000),
            "Peer-3        → Storage  store()  (waited 3.2 ms, took 7.0 ms)",
        ),
        (
            message("Main", "Storage", "ping", (1, 2, 3), op="ask", status="error"),
            (
                "Main          → Storage  ping()  (asks, and waits for the answer)"
                "  ✗ its handling failed"
            ),
        ),
        (
            message("Seeder", "Peer-3", "choke", (5,)),
            "Seeder        → Peer-3  choke()  ✗ never read: the actor had gone",
        ),
        (
            event("bt:message_received", "Peer-3", 1, type="have", fields={"piece_index": 5}),
            "Peer-3        ⇐ have piece 5",
        ),
        (
            event(
                "bt:message_sent",
                "Peer-3",
                1,
                type="request",
                fields={"piece_index": 3, "block_offset": 16384, "length": 16384},
            ),
            "Peer-3        ⇒ request piece 3, offset 16,384, length 16,384",
        ),
        (
            event("bt:message_sent", "Peer-3", 1, type="have", fields={"other": 1}),
            "Peer-3        ⇒ have, other 1",
        ),
        (
            event("bt:blocks_received", "Peer-3", 1, count=16, block_bytes=262144),
            "Peer-3        ⇐ 16 blocks, 256 KiB",
        ),
        (event("bt:requests_sent", "Peer-3", 1, count=1), "Peer-3        ⇒ 1 request"),
        (
            event("bt:piece_verified", "PieceManager", 1, piece=17),
            "PieceManager  · piece verified  piece 17",
        ),
        (
            event("actor:decision", "A", 1, what="pick_piece", chosen=17, rule="rarest first"),
            "A             ◆ pick_piece: 17  rule rarest first",
        ),
        (
            event(
                "actor:decision",
                "A",
                1,
                what="pick_piece",
                chosen=64,
                run="pieces 64 to 66",
                pieces=[64, 65, 66],
            ),
            "A             ◆ pick_piece: 64 to 66  run pieces 64 to 66",
        ),
        (event("actor:timer", "A", 1, type="_tick", args={}), "A             ⏱ _tick()"),
        (
            event("actor:spawned", "A", 1, **named({"class": "PeerActor", "by": "Swarm"})),
            "A             · is started: a PeerActor, by Swarm",
        ),
        (
            event("actor:state", "Peer-3", 1, key="peer_choking", old=True, new=False),
            "Peer-3        ○ peer_choking: yes, now no",
        ),
        (event("actor:stopped", "A", 1, failed=False), "A             · has stopped"),
        (event("actor:stopped", "A", 1, failed=True), "A             · has stopped, failed"),
        (
            event("actor:failed", "A", 1, error="ValueError: no"),
            "A             ✗ fails: ValueError: no",
        ),
        (
            event("actor:reply", "A", 1, step="given", to="Main"),
            "A             ↩ answers Main",
        ),
        (
            event("trace:gap", "trace", 1, lost=5),
            "trace         ✗ 5 events are missing here: they came faster than they could be written",
        ),
        (
            event("trace:end", "trace", 1, events=1234),
            "trace         the trace ends, in order, after 1,234 events",
        ),
        (event("x", "A", 1), "A             · x"),
    ],
)
def test_an_event_reads_as(shown: Event, line: str) -> None:
    assert told(shown) == [line]


def test_an_effect_stands_to_the_right_of_its_cause() -> None:
    assert told(
        event("bt:message_received", "Peer-3", 1, type="unchoke"),
        message("Peer-3", "A", "wants", (2, 3, 5), cause="Peer-3#1"),
        event("actor:decision", "A", 4, what="pick", chosen=1, cause="A#3"),
    ) == [
        "Peer-3        ⇐ unchoke",
        "Peer-3          → A  wants()",
        "A                 ◆ pick: 1",
    ]


def test_a_timer_begins_anew_at_the_left() -> None:
    first = event("actor:timer", "A", 1, type="tick", args={})
    second = event("actor:timer", "A", 2, cause="A#1", type="tick", args={})
    assert told(first, second) == ["A             ⏱ tick()"] * 2


def test_what_was_weighed_in_a_decision_stands_below_it() -> None:
    candidates = [
        {"peer": f"Peer-{n}", "download_rate": 1024 * n, "recent_downloaded_bytes": 512 * n}
        for n in range(1, 11)
    ]
    lines = told(event("actor:decision", "A", 1, what="unchoke", chosen=[], candidates=candidates))
    assert [line.strip() for line in lines[1:3]] == [
        "peer Peer-1, download_rate 1 KiB/s",
        "peer Peer-2, download_rate 2 KiB/s",
    ]
    assert lines[-1].strip() == "… 2 more"


def test_that_an_answer_was_taken_is_not_told_again() -> None:
    assert told(event("actor:reply", "Main", 1, step="taken", **named({"from": "A"}))) == []


def test_seconds_are_counted_from_the_header() -> None:
    teller = Teller(HEADER, ASCII_SIGNS)
    one = event("actor:timer", "A", 1, ms=1234.5, type="tick", args={})
    teller.hear(one)
    (line,) = teller.lines(one)
    assert [part.role for part in line] == ["time", "actor", "plain", "timer"]
    assert "".join(part.text for part in line) == "   1.2345  A             @ tick()"


def test_the_header_says_what_was_fetched_and_how() -> None:
    lines = ["".join(part.text for part in line) for line in header_lines(HEADER)]
    assert "40 MiB in 40 pieces of 1 MiB" in lines[1]
    assert lines[2] == "Command: actortorrent fetch x.torrent"
