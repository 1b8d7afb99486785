"""The commands that answer questions about traces, as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.tracing.linting import RULES
from tests.tracing.traces import HEADER, event, message, write_trace

SEED_ID, LEECH_ID = "-AT0100-seedseedseed", "-AT0100-leechleechle"
ADDRESS = "127.0.0.1:6881"


def wire(way: str, lc: int, ms: float, kind: str, offset: int, length: int, **fields: Any) -> Any:
    place: dict[str, Any] = {"conn": 1, "offset": offset, "length": length, "type": kind}
    return event(f"bt:message_{way}", "Peer-1", lc, ms=ms, **place, fields=fields)


def handshakes(ours: str, theirs: str, *, we_dialled: bool) -> list[Any]:
    ways = ("sent", "received") if we_dialled else ("received", "sent")
    ids = (ours, theirs) if we_dialled else (theirs, ours)
    begun = event("bt:connection_begun", "Swarm", 1, conn=1, address=ADDRESS, we_dialled=we_dialled)
    return [
        begun,
        wire(ways[0], 2, 1, "handshake", 0, 68, peer_id=ids[0]),
        wire(ways[1], 3, 2, "handshake", 0, 68, peer_id=ids[1]),
    ]


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    """Return the trace of a seed that chokes its only peer, and says why."""
    refused = {
        "peer": "Peer-1", "is_unchoked": False, "reason": "others send us more",
        "download_rate": 0, "upload_rate": 2048, "turn_seconds": 40,
    }  # fmt: skip
    served = {**refused, "peer": "Peer-2", "is_unchoked": True, "reason": "sends us most"}
    events = [
        *handshakes(SEED_ID, LEECH_ID, we_dialled=False),
        wire("received", 4, 3, "interested", 68, 5),
        message("Peer-1", "Seeder", "peer_interested", (5, 6, 8), cause="Peer-1#4", ms=4),
        event(
            "actor:decision", "Seeder", 7, cause="Seeder#6", ms=5, what="unchoke",
            chosen=["Peer-2"], candidates=[refused, served], rule="tit-for-tat", slots=1, bep=3,
        ),
    ]  # fmt: skip
    return write_trace(tmp_path / "seed.jsonl", events)


@pytest.fixture
def leech(tmp_path: Path) -> Path:
    """Return the trace of the other end; it dialled."""
    events = [
        *handshakes(LEECH_ID, SEED_ID, we_dialled=True),
        wire("sent", 4, 2.5, "interested", 68, 5),
    ]
    return write_trace(tmp_path / "leech.jsonl", events)


def told(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> str:
    assert run(["trace", *map(str, arguments)]) == code
    return capsys.readouterr().out


def told_json(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> Any:
    return json.loads(told(capsys, *arguments, "--json", code=code))


def test_causes_and_effects_follow_an_event(seed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    causes = told(capsys, "show", seed, "--causes", "Seeder#7", "--ids").splitlines()[3:]
    assert [line.split()[1] for line in causes[:3]] == ["Peer-1#4", "Seeder#6", "Seeder#7"]
    effects = told(capsys, "show", seed, "--effects", "Peer-1#4", "--json").splitlines()
    ids = [f"{one['actor']}#{one['lc']}" for one in map(json.loads, effects)]
    assert ids == ["Peer-1#4", "Seeder#6", "Seeder#7"]


def test_an_id_that_is_none_is_told(seed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trace", "show", str(seed), "--causes", "Seeder#99"]) == ExitCode.USAGE
    assert "no event Seeder#99 in this trace" in capsys.readouterr().err


def test_merge_tells_what_was_matched_and_writes_a_trace(
    seed: Path, leech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "swarm.jsonl"
    lines = told(capsys, "merge", seed, leech, "-o", out)
    assert "matched   3 messages at both ends of 1 connection" in lines
    shown = told(capsys, "show", out, "--type", "decision", "--json")
    decision = json.loads(shown)
    event_id = f"{decision['actor']}#{decision['lc']}"
    causes = told(capsys, "show", out, "--causes", event_id).splitlines()[3:]
    who = [(line.split()[1], line.split()[2]) for line in causes[:4]]
    assert who == [
        ("leech/Peer-1", "⇒"),
        ("seed/Peer-1", "⇐"),
        ("seed/Peer-1", "→"),
        ("seed/Seeder", "◆"),
    ]


def test_what_cannot_be_written_is_told_by_its_own_name(
    seed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "nowhere" / "x.html"
    assert run(["trace", "report", str(seed), "-o", str(out)]) == ExitCode.DISK
    assert capsys.readouterr().err == f"actortorrent: {out}: No such file or directory\n"


def test_merge_refuses_to_overwrite_what_is_no_trace(
    seed: Path, leech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("mine")
    assert run(["trace", "merge", str(seed), str(leech), "-o", str(other)]) == ExitCode.USAGE
    assert "is no trace: it is not overwritten" in capsys.readouterr().err
    assert other.read_text() == "mine"


def test_why_choke_says_the_rule_and_whom_it_chose(
    seed: Path, leech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys, "why", "choke", seed, "--peer", "1")
    assert f"Peer-1 ({ADDRESS}) is choked: others send us more" in lines
    assert "rule tit-for-tat" in lines
    assert "Peer-2  sends us most" in lines
    (answer,) = told_json(capsys, "why", "choke", seed, leech, "--peer", "leech")["answers"]
    assert (answer["node"], answer["peer"]) == ("seed", "Peer-1 (leech)")
    assert [one["who"] for one in answer["chosen"]] == ["Peer-2"]


def test_why_choke_of_nobody_is_an_error(seed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["trace", "why", "choke", str(seed), "--peer", "9"]) == ExitCode.USAGE
    assert "no peer 9 in this trace" in capsys.readouterr().err


def test_why_piece_of_a_piece_that_is_none_is_an_error(
    leech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["trace", "why", "piece", str(leech), "40"]) == ExitCode.USAGE
    refused = capsys.readouterr().err
    assert refused == "actortorrent: no piece 40 in this torrent: its pieces are 0 to 39\n"


def test_what_a_trace_never_came_to_is_no_moment_of_it(
    leech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = told_json(capsys, "diff", leech, leech)["nodes"][0]["figures"]
    assert figures["seconds until all was there"] == [None, None]
    assert "never" in told(capsys, "diff", leech, leech)


def test_why_piece_and_why_slow_answer(leech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "piece 3: nobody who was connected ever had it" in told(
        capsys, "why", "piece", leech, "3"
    )
    assert told_json(capsys, "why", "piece", leech, "3")["answers"][0]["piece"] == 3
    assert "until the trace ends" in told(capsys, "why", "slow", leech)
    assert "phases" in told_json(capsys, "why", "slow", leech)["answers"][0]


def test_lint_tells_findings_with_their_source_and_by_its_exit_code(
    leech: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "interest-in-nothing" in told(capsys, "lint", leech, code=ExitCode.FINDINGS)
    (finding,) = told_json(capsys, "lint", leech, code=ExitCode.FINDINGS)["findings"]
    assert (finding["event"], finding["source"]) == ("Peer-1#4", "BEP 3")
    good = write_trace(tmp_path / "good.jsonl", handshakes(SEED_ID, LEECH_ID, we_dialled=True))
    assert "nothing found" in told(capsys, "lint", good)
    assert told_json(capsys, "lint", good) == {"findings": []}


def test_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(told(capsys, "lint", "--rules").splitlines()) == len(RULES)
    assert {one["rule"] for one in told_json(capsys, "lint", "--rules")} == set(RULES)
    assert run(["trace", "lint"]) == ExitCode.USAGE


def test_stats_and_diff_tell_figures(
    seed: Path, leech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "unchoke, tit-for-tat" in told(capsys, "stats", seed)
    assert told_json(capsys, "stats", seed, leech)["nodes"][1]["node"] == "leech"
    assert "interested to a leech" in told(capsys, "diff", leech, seed)
    assert told_json(capsys, "diff", seed, seed)["nodes"][0]["counts"] == []


def test_what_strangers_wrote_cannot_move_the_cursor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\r\n\u202e"
    begun = event("bt:connection_begun", "Swarm", 1, conn=1, address=evil, we_dialled=True)
    events = [begun, wire("received", 2, 1, evil, 0, 68, peer_id=evil)]
    file = write_trace(tmp_path / "evil.jsonl", events, header=HEADER)
    out = [
        told(capsys, "why", "choke", file, "--peer", "1"),
        told(capsys, "stats", file),
        told(capsys, "lint", file, code=ExitCode.FINDINGS),
        told(capsys, "why", "slow", file),
    ]
    assert not set("".join(out)) & set("\x1b\x07\r\u202e")
