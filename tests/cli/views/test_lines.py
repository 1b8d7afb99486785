"""Plain lines come when there is something new, and not too often."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from actortorrent.cli.views.lines import LinesView
from actortorrent.rules.progress import Progress
from tests.cli.samples import ASKING, CHECKING, COMPLETE, FETCHING, INTERRUPTED, JOB, MIB, SEEDING

RATES = "down 4.5 MiB/s  up 512 KiB/s"
DOING = "fetching from 3 peers"


def printed(
    moments: Iterable[Progress], capsys: pytest.CaptureFixture[str], *, verbose: bool = False
) -> list[str]:
    view = LinesView(is_verbose=verbose)
    for moment in moments:
        view.show(moment)
    return capsys.readouterr().out.splitlines()


def test_it_begins_with_what_is_fetched_and_where_to(capsys: pytest.CaptureFixture[str]) -> None:
    LinesView().begin(JOB)
    assert capsys.readouterr().out == (
        "fetching debian-13.2-netinst.iso: 700 MiB in 1 file, /data/debian-13.2-netinst.iso\n"
    )


def test_a_line_says_time_share_amount_rates_and_activity(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert printed([ASKING, FETCHING], capsys) == [
        "[0:01]   0.0 %  0 B of 700 MiB  down 0 B/s  up 0 B/s  asking tracker.debian.org",
        f"[1:05]  42.0 %  294 of 700 MiB  {RATES}  1 min 30 s left  ratio 0.10  {DOING}",
    ]


def test_what_is_checked_is_no_share_of_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = printed([CHECKING], capsys)
    assert line == "[0:01]          350 of 700 MiB checked  checking what is already here"


def test_of_a_torrent_that_is_not_known_yet_its_parts_are_what_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asking = Progress(phase="metadata", activity="metadata: no peers known", elapsed_seconds=1.0)
    known = replace(
        asking,
        activity="metadata: 3 of 5 parts, from 2 peers",
        elapsed_seconds=9.0,
        metadata_parts=3,
        metadata_part_count=5,
    )
    assert printed([asking, known], capsys) == [
        "[0:01]          metadata: no peers known",
        "[0:09]  60.0 %  metadata: 3 of 5 parts, from 2 peers",
    ]


def test_what_stays_the_same_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    moments = [replace(FETCHING, elapsed_seconds=float(second)) for second in range(100)]
    assert len(printed(moments, capsys)) == 1


def test_figures_are_told_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    moments = [
        replace(FETCHING, elapsed_seconds=tick / 2, verified_bytes=tick * MIB) for tick in range(80)
    ]
    assert [line[:7] for line in printed(moments, capsys)] == [
        "[0:00] ",
        "[0:10] ",
        "[0:20] ",
        "[0:30] ",
    ]


def test_an_activity_that_flickers_is_told_every_two_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    moments = [
        replace(FETCHING, elapsed_seconds=tick / 2, activity=f"{tick % 2} peers")
        for tick in range(20)
    ]
    assert len(printed(moments, capsys)) <= 5


def test_a_new_phase_is_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    seeding = replace(SEEDING, elapsed_seconds=FETCHING.elapsed_seconds + 0.1)
    assert len(printed([FETCHING, seeding], capsys)) == 2


def test_verbose_adds_peers_pieces_and_trackers(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed([FETCHING], capsys, verbose=True)[1:] == [
        "        5 peers: 3 serve us, we serve 1 of 2 interested, dialling 2 more",
        "        1,176 of 2,800 pieces verified, 2.0 MiB received in vain",
        "        tracker tracker.debian.org: 60 peers, next in 25 min",
    ]


def test_a_notice_goes_to_stderr_and_steers_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LinesView().notice("tracker says \x1b[2J")
    captured = capsys.readouterr()
    assert captured.err == "note: tracker says \\x1b[2J\n"
    assert captured.out == ""


def test_the_summary_of_a_fetch_says_what_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    LinesView().end(JOB, COMPLETE)
    assert capsys.readouterr().out.splitlines() == [
        "complete  debian-13.2-netinst.iso: every piece matches its hash",
        "fetched   700 MiB in 2 min 40 s, 4.4 MiB/s on average",
        "sent      30.0 MiB, ratio 0.04",
        "files     /data/debian-13.2-netinst.iso",
        "next      actortorrent seed /data debian.torrent serves it to others",
    ]


def test_the_time_of_a_fetch_goes_with_its_rate_whatever_came_before_and_after(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LinesView().end(JOB, replace(COMPLETE, elapsed_seconds=3600.0))  # an hour of seeding
    assert "fetched   700 MiB in 2 min 40 s, 4.4 MiB/s on average" in capsys.readouterr().out


def test_the_summary_of_an_interrupted_fetch_says_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LinesView().end(JOB, INTERRUPTED)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "stopped   debian-13.2-netinst.iso: 42.0 % is here, and saved"
    assert lines[-2].startswith("trace     it's a trace.jsonl (actortorrent trace show 'it'")
    assert lines[-1] == "next      run the same command again to go on"


def test_who_stops_while_checking_does_not_know_what_is_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    LinesView().end(JOB, replace(INTERRUPTED, progress=CHECKING))
    first = capsys.readouterr().out.splitlines()[0]
    assert first == "stopped   debian-13.2-netinst.iso: before all that is here was checked"


def test_content_that_was_here_already_was_not_fetched(capsys: pytest.CaptureFixture[str]) -> None:
    nothing = replace(COMPLETE.progress, fetched_bytes=0, uploaded_bytes=0, ratio=0.0)
    LinesView().end(JOB, replace(COMPLETE, progress=nothing))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "complete  debian-13.2-netinst.iso: all 700 MiB were here already"
    assert not any(line.startswith("fetched") for line in lines)


def test_the_summary_of_some_files_says_of_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    LinesView().end(replace(JOB, file_count=12, wanted_files=3), COMPLETE)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("complete  3 of 12 files of debian-13.2-netinst.iso: ")
    assert not any(line.startswith("next") for line in lines)


def test_the_summary_of_seeding_says_how_long_and_how_much(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nothing = replace(COMPLETE.progress, fetched_bytes=0)
    LinesView().end(replace(JOB, command="seed"), replace(COMPLETE, progress=nothing))
    assert capsys.readouterr().out.splitlines() == [
        "seeded    debian-13.2-netinst.iso for 2 min 40 s",
        "sent      30.0 MiB, ratio 0.04",
        "files     /data/debian-13.2-netinst.iso",
    ]
