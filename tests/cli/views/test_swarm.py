"""What a running lab shows."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from actortorrent.cli.views.swarm import make_swarm_view
from actortorrent.cli.views.swarm_map import MapView, draw_pieces
from actortorrent.lab.observing import MemberPicture, SwarmPicture
from actortorrent.lab.scenarios import Member, Role

SEED = Member(name="seed-1", role=Role.SEED, rate=1000)
LEECH = Member(name="leech-1", role=Role.LEECH, rate=1000)
STRANGER = Member(name="aria2", role=Role.ARIA2, rate=1000)
ALL, HALF = 0b1111, 0b0011


def picture(seconds: float, pieces: int, **leech: object) -> SwarmPicture:
    part = pieces.bit_count() / 4
    members = (
        MemberPicture(member=SEED, pieces=ALL, part=1.0, is_complete=True, serves=("leech-1",)),
        MemberPicture(
            member=LEECH,
            pieces=pieces,
            part=part,
            is_complete=pieces == ALL,
            **leech,  # type: ignore[arg-type]
        ),
        MemberPicture(member=STRANGER),
    )
    return SwarmPicture(members=members, piece_count=4, elapsed_seconds=seconds, tracker="there")


def test_a_map_is_as_dark_as_its_pieces_are_there() -> None:
    assert draw_pieces(0b0011, 4, 4) == "██··"
    assert draw_pieces(0b0011, 4, 8) == "████····"
    assert draw_pieces(0b0111, 4, 2) == "█▒"
    assert draw_pieces(0, 1000, 5) == "·····"
    assert draw_pieces((1 << 1000) - 2, 1000, 5) == "▓████"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_live_picture_fits_any_terminal(width: int) -> None:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    view = MapView("two peers", console)
    view.show(picture(1.0, HALF))
    view.show(picture(2.0, ALL, banned=("seed-1",)))
    view.close()
    shown = out.getvalue()
    assert "seed-1" in shown
    assert "leech-1 is complete" in " ".join(shown.split())


def test_plain_lines_say_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    view = make_swarm_view("lines", "two peers")
    view.step("tracker", "http://here")
    for seconds, pieces in ((0.1, 0), (2.5, HALF), (3.0, ALL)):
        view.show(picture(seconds, pieces))
    view.close()
    assert capsys.readouterr().out.splitlines() == [
        "tracker   http://here",
        "[0:02] leech-1 50 %, aria2 ?; 1 slot in use, 0 B/s in all",
        "[0:03] leech-1 is complete",
    ]


def test_json_lines_draw_the_pieces(capsys: pytest.CaptureFixture[str]) -> None:
    make_swarm_view("json", "two peers").show(picture(1.0, HALF))
    start, swarm = map(json.loads, capsys.readouterr().out.splitlines())
    assert start["schema"] == "actortorrent-lab/1"
    assert [one["pieces"] for one in swarm["members"]] == ["####", "##..", None]
    assert swarm["members"][0]["serves"] == ["leech-1"]
