"""The live view says at any width how it stands, and never shows 0 % without a reason."""

from __future__ import annotations

import io
import threading

import pytest
from msgspec.structs import replace
from rich.console import Console

from actortorrent.cli.failures import Failure
from actortorrent.cli.views.bar import BarView, draw
from actortorrent.cli.views.view import Job
from actortorrent.rules.progress import Progress
from tests.cli.samples import ASKING, CHECKING, COMPLETE, FETCHING, JOB, SEEDING

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
BAR = "━"


def drawn(progress: Progress, job: Job = JOB, *, width: int = 80, verbose: bool = False) -> str:
    output = io.StringIO()
    console = Console(file=output, width=width, force_terminal=False, color_system=None)
    console.print(draw(job, progress, is_verbose=verbose))
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def terminal() -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, width=80, force_terminal=True, color_system="standard"), output


def test_a_fetch_is_drawn_in_five_lines() -> None:
    assert drawn(FETCHING) == (
        f"{JOB.name}{'700 MiB in 1 file':>{80 - len(JOB.name)}}\n"
        f"{BAR * 30}{'42.0 %':>50}\n"
        "294 of 700 MiB  down 4.5 MiB/s  up 512 KiB/s  1 min 30 s left  ratio 0.10\n"
        "5 peers: 3 serve us, we serve 1 of 2 interested, dialling 2 more\n"
        "1:05  fetching from 3 peers"
    )


def test_of_a_link_the_parts_of_the_torrent_are_drawn_and_then_what_it_is() -> None:
    link = replace(JOB, name="debian", total_bytes=0, wanted_bytes=0, file_count=0, wanted_files=0)
    metadata = Progress(
        phase="metadata",
        activity="metadata: 2 of 4 parts, from 3 peers",
        elapsed_seconds=2.0,
        peers_connected=3,
        metadata_parts=2,
        metadata_part_count=4,
    )
    assert drawn(metadata, link) == (
        f"debian{'by its info-hash':>74}\n"
        f"{BAR * 36}{'50.0 %':>44}\n"
        "3 peers\n"
        "0:02  metadata: 2 of 4 parts, from 3 peers"
    )
    console, output = terminal()
    view = BarView(console=console)
    view.begin(link)
    view.learn(JOB)
    view.show(FETCHING)
    view.fail(Failure("", "", 1))
    assert JOB.name in output.getvalue()


def test_while_nothing_comes_the_reason_is_shown() -> None:
    assert drawn(ASKING).splitlines()[1:] == [
        f"{'0.0 %':>80}",
        "0 B of 700 MiB  down 0 B/s  up 0 B/s",
        "no peers connected, none known",
        "0:01  asking tracker.debian.org",
    ]


def test_a_reason_too_long_for_a_line_is_shown_all_the_same() -> None:
    activity = "3 peers known, none connected (192.0.2.1:6881: connection refused); trying again"
    lines = drawn(replace(ASKING, activity=activity), width=40).splitlines()
    assert " ".join(lines[4:]) == f"0:01  {activity}"
    assert all(len(line) <= 40 for line in lines)


def test_without_an_activity_at_least_the_phase_is_shown() -> None:
    assert drawn(Progress(phase="starting")).endswith("0:00  starting")


def test_while_checking_the_bar_is_what_was_checked() -> None:
    lines = drawn(CHECKING).splitlines()
    assert lines[1].endswith("50.0 %")
    assert lines[2] == "350 of 700 MiB checked"


def test_while_seeding_only_the_upload_is_a_rate() -> None:
    lines = drawn(SEEDING).splitlines()
    assert lines[1].endswith("100.0 %")
    assert lines[2:4] == [
        "700 of 700 MiB  up 512 KiB/s  ratio 0.10",
        "5 peers: we serve 1 of 2 interested, dialling 2 more",
    ]


def test_who_dials_long_dials_of_so_many() -> None:
    dialling = replace(ASKING, peers_dialling=8, peers_known=1200)
    assert "no peers connected, dialling 8 of 1,200 known" in drawn(dialling)


def test_where_others_reach_us_is_shown() -> None:
    console, output = terminal()
    view = BarView(console=console)
    view.begin(JOB)
    view.listening(6881)
    view.show(ASKING)
    view.fail(Failure("", "", 1))
    assert "no peers connected, none known; our port is 6881" in output.getvalue()


def test_while_stopping_it_says_how_to_leave_at_once() -> None:
    stopping = replace(FETCHING, phase="stopping", activity="saying goodbye to the trackers")
    assert drawn(stopping).endswith("saying goodbye to the trackers (Ctrl-C again exits at once)")


def test_verbose_adds_pieces_waste_and_trackers() -> None:
    assert drawn(FETCHING, verbose=True).splitlines()[5:] == [
        "1,176 of 2,800 pieces verified, 2.0 MiB received in vain",
        "tracker tracker.debian.org: 60 peers, next in 25 min",
    ]


def test_some_of_the_files_are_so_many_of_all() -> None:
    some = replace(JOB, file_count=12, wanted_files=3)
    assert drawn(FETCHING, some).splitlines()[0].endswith("700 MiB in 3 of 12 files")


@pytest.mark.parametrize("width", [20, 40, 80, 120, 300])
def test_no_line_is_wider_than_the_terminal_and_none_wraps(width: int) -> None:
    busy = replace(FETCHING, activity="busy")
    lines = drawn(busy, replace(JOB, name="long name " * 40), width=width).splitlines()
    assert len(lines) == 5
    assert all(len(line) <= width for line in lines)


def test_names_and_messages_of_strangers_steer_no_terminal() -> None:
    hostile = "\x1b[2J[red]\x1b]0;owned\x07\u202e"
    progress = replace(FETCHING, activity=hostile, trackers=(hostile,))
    console, output = terminal()
    view = BarView(is_verbose=True, console=console)
    view.begin(replace(JOB, name=hostile))
    view.show(progress)
    view.notice(hostile)
    view.fail(Failure("", "", 1))
    assert "\x1b[2J" not in output.getvalue()
    assert "\x1b]0;" not in output.getvalue()
    assert "\u202e" not in output.getvalue()
    assert "note: \\x1b[2J[red]\\x1b]0;owned" in output.getvalue()


def test_the_echo_of_ctrl_c_comes_on_a_line_of_its_own() -> None:
    console, output = terminal()
    view = BarView(console=console)
    view.begin(JOB)
    view.show(FETCHING)
    assert output.getvalue().endswith("\n")
    view.fail(Failure("", "", 1))


def test_the_cursor_comes_back_whatever_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    for is_failure in (False, True):
        console, output = terminal()
        view = BarView(console=console)
        view.begin(JOB)
        view.show(FETCHING)
        if is_failure:
            view.fail(Failure("", "", 1))
        else:
            view.end(JOB, COMPLETE)
        assert output.getvalue().rindex(SHOW_CURSOR) > output.getvalue().rindex(HIDE_CURSOR)
    assert "every piece matches its hash" in capsys.readouterr().out


def test_drawing_needs_no_thread() -> None:
    before = threading.active_count()
    console, _ = terminal()
    view = BarView(console=console)
    view.begin(JOB)
    view.show(FETCHING)
    assert threading.active_count() == before
    view.fail(Failure("", "", 1))


def test_a_terminal_without_unicode_gets_a_bar_of_ascii() -> None:
    raw = io.BytesIO()
    ascii_only = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    console = Console(file=ascii_only, width=80, force_terminal=False, color_system=None)
    console.print(draw(JOB, FETCHING))
    ascii_only.flush()
    assert b"-" * 30 in raw.getvalue()
