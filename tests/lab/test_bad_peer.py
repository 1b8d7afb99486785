"""Who sent bad data is named, in the members' own decisions and in the report, and nobody else."""

from __future__ import annotations

import re
from pathlib import Path

from actortorrent.tracing.report.writing import write_report
from tests.lab.runs import Seen
from tests.tracing.report.browser import Browser


def test_the_bad_peer_is_banned_and_nobody_else(labs: dict[str, Seen]) -> None:
    seen = labs["bad-peer"]
    banned = [one.banned for one in seen.outcome.members]
    assert ("bad-peer",) in banned
    assert set(banned) <= {(), ("bad-peer",)}
    assert sum(one.wasted_bytes for one in seen.outcome.members) > 0
    for leech in seen.leeches:
        names = seen.names_by_conn(leech)
        for ban in seen.decisions(leech, "ban_peer"):
            assert names[int(ban["chosen"].removeprefix("Peer-"))] == "bad-peer"


def test_the_report_names_the_culprit_and_nobody_else(
    labs: dict[str, Seen], browser: Browser, tmp_path: Path
) -> None:
    seen = labs["bad-peer"]
    page = tmp_path / "report.html"
    write_report([seen.aftermath.merged], page)
    browser.open(page, "view=findings")
    found = browser.texts("[data-sort=trouble] li")
    bans = [re.search(r"(\S+) bans (.+): bad data, piece \d+", text) for text in found]
    named = {(ban[1], ban[2]) for ban in bans if ban}
    guilty = {who for _, who in named}
    assert guilty == {"bad-peer"}
    banning = {leech for leech in seen.leeches if seen.decisions(leech, "ban_peer")}
    assert {by for by, _ in named} == banning
    failed = [text for text in found if "is wrong; its blocks came from" in text]
    assert failed
    assert all("bad-peer" in text.partition("came from")[2] for text in failed)
