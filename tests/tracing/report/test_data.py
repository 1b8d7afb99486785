from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable
from pathlib import Path

import pytest

from actortorrent.errors import UsageError
from actortorrent.tracing.report.data import MOST_EVENTS, report_data
from actortorrent.tracing.report.folding import Folding, quota_for
from actortorrent.tracing.report.page import packed, report_page
from actortorrent.tracing.report.piece_lives import PICKED, STORED
from actortorrent.tracing.report.sources import open_source
from actortorrent.tracing.report.writing import write_report
from tests.tracing.report.conftest import Reported
from tests.tracing.traces import event, message, write_trace

LARGEST_FILE = 20 * 1024 * 1024


def test_the_rare_is_kept_whole_and_the_frequent_is_folded() -> None:
    counts: Counter[Hashable] = Counter({"rare": 3, "often": 1000, "very_often": 10_000})
    folding = Folding(counts, 103)
    kept = {
        group: sum(folding.keeps(group) for _ in range(count)) for group, count in counts.items()
    }
    assert kept["rare"] == 3
    assert 40 <= kept["often"] <= 50
    assert 40 <= kept["very_often"] <= 50


def test_nothing_is_folded_that_has_room() -> None:
    assert quota_for([5, 6], 11) is None
    assert quota_for([5, 7], 11) == 6


def test_a_folded_trace_counts_all_and_says_what_each_event_stands_for(tmp_path: Path) -> None:
    events = [
        event(
            "bt:message_received",
            "Peer-1",
            n,
            ms=n,
            conn=1,
            type="have",
            fields={"piece_index": n % 40},
        )
        for n in range(1, 1001)
    ]
    source = open_source([write_trace(tmp_path / "long.jsonl", events)])
    data = report_data(source, most_events=100)
    shown = data["events"]
    assert len(shown["t"]) == 100
    assert data["total"] == 1000
    assert sum(count for _, count, _ in shown["folded"]) == 1000
    assert len(data["pieces"]["facts"]) == 1000  # the pieces' lives lose nothing


def test_each_piece_of_a_row_has_its_life(tmp_path: Path) -> None:
    row = {"run": {"piece_index": 6, "pieces": [6, 7, 8]}}
    events = [
        event(
            "actor:decision", "PieceManager", 1, what="pick_piece", chosen=6, pieces=[6, 7, 8],
            peer="Peer-2",
        ),
        message("Storage", "PieceManager", "runs_stored", (3, 4, 5), args={"stored": [row]}),
    ]  # fmt: skip
    data = report_data(open_source([write_trace(tmp_path / "x.jsonl", events)]))
    lives = sorted((piece, what) for _, _, _, what, piece, _ in data["pieces"]["facts"])
    assert lives == [(piece, what) for piece in (6, 7, 8) for what in (PICKED, STORED)]
    assert data["events"]["x"][0].startswith("pick_piece: 6 to 8")


def test_an_actor_that_is_told_something_before_its_start_is_shown(tmp_path: Path) -> None:
    events = [
        message("Swarm", "Store", "store_runs", (3, 4, 5), ms=1),
        event("actor:spawned", "Store", 2, ms=2, by="Swarm", lc=[1, 2], **{"class": "Storage"}),
        message("Swarm", "Store", "store_runs", (6, 7, 8), ms=3),
    ]
    data = report_data(open_source([write_trace(tmp_path / "x.jsonl", events)]), most_events=2)
    assert data["events"]["folded"] == [[0, 2, 3000]]


def test_a_million_events_fit_into_a_file_of_20_mb(reported: Reported) -> None:
    data = report_data(open_source(reported.traces))
    bytes_an_event = len(packed(data)) / len(data["events"]["t"])
    assert bytes_an_event * MOST_EVENTS < LARGEST_FILE / 2


def test_bytes_in_the_figures_are_those_of_the_torrent(reported: Reported) -> None:
    data = report_data(open_source(reported.traces))
    names = [actor[2] for actor in data["actors"]]
    sums = {
        (names[one["peer"]], one["direction"]): one["bytes"] for one in data["tallies"]["transfers"]
    }
    assert sums == {("fetch/Peer-1", "received"): 600_000, ("seed/Peer-1", "sent"): 600_000}


def test_what_never_came_is_listed(tmp_path: Path) -> None:
    asked = {"piece_index": 1, "block_offset": 0, "length": 16384}
    events = [
        event("actor:state", "Peer-1", 1, ms=1, key="am_interested", old=False, new=True),
        event("bt:message_sent", "Peer-1", 2, ms=2, conn=1, type="request", fields=asked),
        event(
            "bt:message_sent",
            "Peer-1",
            3,
            ms=3,
            conn=1,
            type="request",
            fields={**asked, "piece_index": 2},
        ),
        event("bt:message_received", "Peer-1", 4, ms=4, conn=1, type="piece", fields=asked),
        message("Seeder", "Peer-9", "choke", (1,), ms=5),
    ]
    data = report_data(open_source([write_trace(tmp_path / "x.jsonl", events)]))
    found = {one["sort"]: one for one in data["missing"]}
    assert [about["piece"] for _, about in found["requests"]["rows"]] == [2]
    assert [about["whose"] for _, about in found["interest"]["rows"]] == ["ours"]
    assert [about["status"] for _, about in found["lost"]["rows"]] == ["dead"]


def test_a_page_forbids_itself_the_network_and_foreign_scripts(reported: Reported) -> None:
    page = reported.page.read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page


def test_the_page_never_makes_elements_of_texts() -> None:
    page = report_page({})
    for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert danger not in page


def test_a_file_that_is_no_report_is_not_overwritten(reported: Reported, tmp_path: Path) -> None:
    letter = tmp_path / "letter.html"
    letter.write_text("Dear Ada")
    with pytest.raises(UsageError, match="no report"):
        write_report(reported.traces, letter)
    assert letter.read_text() == "Dear Ada"
