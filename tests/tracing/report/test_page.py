"""The report as a reader meets it: in a browser, without a network."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from actortorrent.tracing.events import Event
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.linting import lint
from actortorrent.tracing.merging import open_traces
from actortorrent.tracing.report.writing import write_report
from tests.tracing.report.browser import Browser
from tests.tracing.report.conftest import Reported
from tests.tracing.traces import HEADER, event, message, write_trace

VIEWS = ("lanes", "story", "pieces", "chokes", "figures", "missing", "findings", "quiz")
EVIL = "</script><script>window.pwned=1</script><img src=http://evil.example/ onerror=pwned=1>"


@pytest.fixture(scope="module")
def graph(reported: Reported) -> Graph:
    with open_traces(reported.traces) as (_, events):
        return Graph(events)


def row_of(browser: Browser, event_id: str) -> int:
    script = "for (let row = 0; row < T.size; row++) if (T.id(row) === arguments[0]) return row;"
    return int(browser.ask(script, event_id))


def unchoke(graph: Graph) -> Event:
    """Return the arrival of the seed's unchoke: caused by the other peer, with many effects."""
    return next(
        one
        for one in graph.events
        if one.name == "bt:message_received" and one.data["type"] == "unchoke"
    )


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_with_no_request_and_no_word_on_the_console(
    browser: Browser, reported: Reported, view: str
) -> None:
    browser.open(reported.page, f"view={view}")
    assert browser.ask("return document.getElementById('view').childElementCount") > 0
    assert browser.texts("#tabs [aria-selected=true]") != []
    assert browser.errors() == []
    assert browser.requests() == []


def test_a_click_lights_the_causes_and_effects_that_the_graph_names(
    browser: Browser, reported: Reported, graph: Graph
) -> None:
    chosen = unchoke(graph)
    row = row_of_opened(browser, reported, chosen)
    browser.open(reported.page, "view=story&type=in:unchoke")
    browser.click(f".line[data-row='{row}']")
    shown = browser.ask(
        "return [...document.querySelectorAll('#causes li')].map(e => e.dataset.id)"
    )
    assert shown == [one.id for one in graph.causes(chosen)]
    assert {name.partition("/")[0] for name in shown} == {"fetch", "seed"}
    lit = browser.ask("return lit.effects.map(row => T.id(row))")
    assert lit == [one.id for depth, one in graph.effects(chosen) if depth]


def row_of_opened(browser: Browser, reported: Reported, chosen: Event) -> int:
    browser.open(reported.page)
    return row_of(browser, chosen.id)


def test_every_event_has_the_cause_that_the_graph_names(
    browser: Browser, reported: Reported, graph: Graph
) -> None:
    browser.open(reported.page)
    pairs = browser.ask(
        "return Array.from(T.cause, (c, row) => [T.id(row), c < 0 ? null : T.id(c)])"
    )
    expected = {}
    for one in graph.events:
        cause = graph.cause(one)
        expected[one.id] = cause.id if cause else None
    assert dict(pairs) == expected


def test_an_arrow_of_the_lanes_can_be_clicked(
    browser: Browser, reported: Reported, graph: Graph
) -> None:
    row = row_of_opened(browser, reported, unchoke(graph))
    browser.open(reported.page, f"axis=order&from={row - 15}&to={row + 15}")
    browser.ask(
        """const mark = lanes.marks.find(one => one.row === arguments[0]);
        const box = lanes.canvas.getBoundingClientRect();
        for (const type of ["pointerdown", "pointerup"]) {
          lanes.canvas.dispatchEvent(new PointerEvent(type, {pointerId: 1, bubbles: true,
            clientX: box.left + mark.x, clientY: box.top + mark.y}));
        }""".replace(
            "canvas.dispatch", "canvas.setPointerCapture = () => {}, lanes.canvas.dispatch"
        ),
        row,
    )
    assert browser.ask("return S.event") == row
    assert browser.texts("#card h2") == ["unchoke"]
    assert "PeerActor._unchoke_came" in browser.texts("#card .explained")[0]
    assert browser.texts("#card .bytes td:first-child") == ["0\u20133", "4"]


def test_filters_leave_what_fits(browser: Browser, reported: Reported, graph: Graph) -> None:
    browser.open(reported.page, "view=story&collapse=false&type=decision:pick_piece")
    picks = [one for one in graph.events if one.data.get("what") == "pick_piece"]
    assert browser.ask("return [...wantedRows].map(row => T.id(row))") == [one.id for one in picks]
    browser.open(reported.page, "view=story&piece=3&actor=fetch/Storage")
    rows = browser.ask("return [...wantedRows].map(row => [T.events.p[row], T.id(row)])")
    assert rows
    assert all(3 in pieces for pieces, _ in rows)
    browser.ask(
        "const field = document.querySelector('[name=text]'); field.value = 'store_runs';"
        "field.dispatchEvent(new Event('input'))"
    )
    assert browser.ask("return [...wantedRows].every(row => T.label(row) === 'store_runs')")


def test_a_client_can_be_chosen_as_everybodys_peer(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "view=story&peer=seed")
    assert browser.ask("return document.querySelector('[name=peer]').value") == "seed"
    actors = browser.ask(
        "return [...new Set([...wantedRows].map(row => T.fullName(T.actorOf[row])))]"
    )
    assert "fetch/Peer-1" in actors
    assert all(actor.startswith("fetch/") for actor in actors)


def test_a_link_leads_back_to_exactly_this_view(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    browser.press("\ue014", "\ue014", "o", "+", "+")  # two steps; in order; closer
    browser.wait_for("return location.hash.includes('from=') && location.hash === fragment()")
    before = browser.ask("return {...S}")
    fragment = browser.address.partition("#")[2]
    browser.open(reported.page, fragment)
    after = browser.ask("return {...S}")
    assert after["event"] == before["event"] == 1
    assert (after["axis"], after["view"]) == ("order", "lanes")
    assert after["from"] == pytest.approx(before["from"], abs=0.01)
    assert after["to"] == pytest.approx(before["to"], abs=0.01)


def test_repeats_are_one_line_that_says_what_it_stands_for(
    browser: Browser, reported: Reported
) -> None:
    browser.open(reported.page, "view=story&actor=fetch/Peer-1")
    collapsed = [text for text in browser.texts(".line .words") if "▸" in text]
    assert collapsed
    assert re.search(r"▸ \d+ . [a-z ]+", collapsed[0])
    count = browser.ask("return story.lines.length")
    browser.ask("document.querySelector('.bar input[type=checkbox]').click()")
    assert browser.ask("return story.lines.length") > count


def test_the_quiz_knows_the_trace(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "view=quiz")
    count = browser.ask("return quiz.questions.length")
    assert count >= 5
    for number in range(count):
        browser.ask("change({look: arguments[0]})", number)
        right = browser.ask("return quiz.questions[S.look].right")
        choices = browser.texts(".choice-button")
        assert choices.count(right) == 1
        picked = choices.index(right) if number % 2 else (choices.index(right) + 1) % len(choices)
        browser.ask("document.querySelectorAll('.choice-button')[arguments[0]].click()", picked)
        verdict = browser.texts(".verdict h2")[0]
        assert verdict.startswith("Right." if number % 2 else f"No: {right}")
        assert browser.texts(".verdict li")
    first = browser.ask("return {...quiz.questions.find(one => one.title === 'What comes next?')}")
    assert browser.ask("return T.cause[arguments[0]] === arguments[1]", first["next"], first["row"])


def test_the_quiz_asks_of_a_row_of_pieces_as_of_one(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "view=quiz")
    say = "return pickedText(arguments[0])"
    assert browser.ask(say, {"chosen": 64, "pieces": [64, 65, 66]}) == "pieces 64 to 66"
    assert browser.ask(say, {"chosen": 64}) == "piece 64"


def test_the_life_of_a_piece_ends_on_the_disk(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "view=pieces&look=4")
    steps = browser.texts(".one-life:first-child li")
    assert any("offered by seed" in step for step in steps)
    assert any("picked" in step for step in steps)
    assert "verified" in steps[-1]
    heads = browser.texts(".one-life h3")
    had = ["had it from the beginning" in head for head in heads]
    assert had == sorted(had), "who had to fetch it comes first"


def test_a_round_of_slots_tells_who_and_why(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "view=chokes")
    number = browser.ask(
        "return T.chokes.rounds.findIndex(round => round[4].some(v => v.is_unchoked))"
    )
    browser.ask("change({look: arguments[0]})", number)
    assert "unchoked" in browser.texts("#verdicts td")
    assert "a slot was free" in browser.texts("#verdicts td")


def test_a_round_at_the_pace_of_a_lab_is_told_in_real_seconds(
    browser: Browser, reported: Reported
) -> None:
    browser.open(reported.page, "view=chokes")
    browser.ask("Object.assign(T.chokes.rounds[0][3], {pace: 10})")
    browser.ask("T.chokes.rounds[0][4] = [{...T.chokes.rounds[0][4][0], turn_seconds: 25}]")
    browser.ask("change({look: 0})")
    (told,) = browser.texts(".round p")
    assert "Slots are reviewed every 1 s here, by a real client every 10 s." in told
    assert browser.texts("#verdicts td")[-1] == "2.50 s"


def test_the_choking_of_each_client_can_be_clicked(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "view=chokes")
    clicked = """const part = bands.parts.find(one => roundsOf(one.node).length);
        const [number, round] = roundsOf(part.node).at(-1);
        const row = part.rows[arguments[0]];
        const box = part.canvas.getBoundingClientRect();
        part.canvas.dispatchEvent(new MouseEvent("click", {
          clientX: box.left + bandX(round[0], box.width), clientY: box.top + row.y + 9}));
        return [number, row.actor];"""
    number, _ = browser.ask(clicked, 0)
    assert browser.ask("return S.look") == number
    _, peer = browser.ask(clicked, 1)
    assert browser.ask("return T.actorOf[S.event]") == peer


def test_what_peers_call_themselves_does_nothing(browser: Browser, tmp_path: Path) -> None:
    events = [
        event("bt:connection_begun", "Swarm", 1, conn=1, address=EVIL, we_dialled=True),
        event(
            "bt:message_received",
            "Peer-1",
            1,
            ms=1,
            conn=1,
            offset=0,
            length=68,
            type="handshake",
            fields={"peer_id": EVIL, "info_hash": EVIL, "reserved": EVIL},
        ),
        event("bt:message_received", "Peer-1", 2, ms=2, conn=1, offset=68, length=5, type=EVIL),
        message(EVIL, "Peer-1", EVIL, (1, 3, 4), ms=3, args={EVIL: EVIL, "piece_index": 1}),
        event(
            "actor:decision",
            "Seeder",
            5,
            ms=4,
            what="unchoke",
            chosen=[EVIL],
            rule=EVIL,
            candidates=[{"peer": EVIL, "is_unchoked": True, "reason": EVIL}],
        ),
        event("bt:connection_closed", "Peer-1", 6, ms=5, conn=1, why="\u202egnp.exe"),
    ]
    page = tmp_path / "evil.html"
    write_report([write_trace(tmp_path / "evil.jsonl", events)], page)
    for view in VIEWS:
        browser.open(page, f"view={view}&look=0&event=1")
        assert browser.ask("return window.pwned") is None
        assert browser.ask("return document.querySelectorAll('img, iframe, object').length") == 0
        assert browser.ask("return document.scripts.length") == 2
    browser.open(page, "view=story&event=3")
    assert EVIL[:40] in browser.texts("#card h2")[0]
    assert "\u202e" not in browser.ask("return document.body.textContent.slice(0, 20000)")
    assert browser.errors() == []
    assert browser.requests() == []


def test_the_lanes_move_and_zoom_by_mouse_and_by_keys(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    whole = browser.ask("return shownRange()")
    browser.ask(
        """const box = lanes.canvas.getBoundingClientRect();
        lanes.canvas.dispatchEvent(new WheelEvent("wheel",
          {deltaY: -900, clientX: box.left + 500, clientY: box.top + 50, cancelable: true}));"""
    )
    by_mouse = browser.ask("return shownRange()")
    assert by_mouse[1] - by_mouse[0] < (whole[1] - whole[0]) / 2
    browser.press("-")
    assert browser.ask("return shownRange()[1] - shownRange()[0]") > by_mouse[1] - by_mouse[0]
    browser.press("0")
    assert browser.ask("return shownRange()") == whole


def test_arrow_keys_follow_causes(browser: Browser, reported: Reported, graph: Graph) -> None:
    chosen = unchoke(graph)
    row = row_of_opened(browser, reported, chosen)
    browser.open(reported.page, f"view=story&event={row}")
    browser.press("\ue013")  # up
    cause = graph.cause(chosen)
    assert cause is not None
    assert browser.ask("return T.id(S.event)") == cause.id
    browser.press("\ue015")  # down
    assert browser.ask("return T.cause[S.event] >= 0 && T.id(T.cause[S.event])") == cause.id


def test_playing_goes_on_until_it_is_paused(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page, "event=5")
    browser.ask("player.speed = 100; togglePlay()")
    browser.wait_for("return S.event >= 15")
    browser.ask("togglePlay()")
    assert browser.ask("return player.timer") == 0


def test_light_and_dark_can_be_chosen(browser: Browser, reported: Reported) -> None:
    browser.open(reported.page)
    paper = "return getComputedStyle(document.body).backgroundColor"
    browser.press("t")
    light = browser.ask(paper)
    browser.press("t")
    assert browser.ask(paper) != light


def test_who_sent_wrong_bytes_is_named(browser: Browser, tmp_path: Path) -> None:
    events = [
        event("bt:connection_begun", "Swarm", 1, conn=1, address="10.0.0.1:1", we_dialled=True),
        event("bt:connection_begun", "Swarm", 2, conn=2, address="10.0.0.2:2", we_dialled=True),
        event("actor:spawned", "Peer-1", 1, by="Swarm", lc=[3, 1]),
        event("actor:spawned", "Peer-2", 1, by="Swarm", lc=[4, 1]),
        event("bt:piece_failed", "PieceManager", 8, ms=3, piece=4, contributors=[1, 2]),
        event(
            "actor:decision",
            "PieceManager",
            9,
            ms=4,
            what="ban_peer",
            chosen="Peer-2",
            piece=4,
            rule="bad data",
            bep=3,
        ),
    ]
    page = tmp_path / "bad.html"
    write_report([write_trace(tmp_path / "bad.jsonl", events)], page)
    browser.open(page, "view=findings")
    told = browser.texts("[data-sort=trouble] li a")
    assert "piece 4 is wrong; its blocks came from 10.0.0.1:1 and 10.0.0.2:2" in told[0]
    assert told[1].endswith("bans 10.0.0.2:2: bad data, piece 4")


def test_findings_lead_to_the_events_that_show_them(browser: Browser, tmp_path: Path) -> None:
    choke: dict[str, Any] = {"conn": 1, "type": "choke", "length": 5}
    events = [
        event("bt:connection_begun", "Swarm", 1, conn=1, address="10.0.0.1:1", we_dialled=True),
        event("bt:message_sent", "Peer-1", 1, ms=1, offset=0, **choke),
        message("Peer-1", "Storage", "store_runs", (2, 3, 4), ms=9, wait=7_000_000),
    ]
    page = tmp_path / "faulty.html"
    write_report([write_trace(tmp_path / "faulty.jsonl", events)], page)
    browser.open(page, "view=findings")
    rules = browser.texts("[data-sort=rules] h3")
    found = lint(HEADER, events)
    assert rules == list(dict.fromkeys(one.rule for one in found))
    browser.click("[data-sort=rules] li a")
    assert browser.ask("return T.id(S.event)") == found[0].event_id
    browser.click(".slow li a")
    assert browser.texts("#card h2") == ["store runs"]
    assert browser.texts(".slow li a") == ["store_runs lay in the mailbox of Storage"]


def test_a_bitfield_is_drawn_one_character_a_piece(browser: Browser, tmp_path: Path) -> None:
    bits = {"set_bits": 38, "bits": b64encode(b"\xff\xff\xff\xff\x3f").decode()}
    begins = {"conn": 1, "offset": 68, "length": 10, "type": "bitfield", "fields": bits}
    page = tmp_path / "bitfield.html"
    trace = [event("bt:message_received", "Peer-1", 1, **begins)]
    write_report([write_trace(tmp_path / "bitfield.jsonl", trace)], page)
    browser.open(page, "event=0")
    assert browser.texts("#card .bytes td:last-child")[-1] == "#" * 32 + "..######"
