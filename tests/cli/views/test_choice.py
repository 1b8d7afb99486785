"""`--progress`, `-q` and where the output goes choose the view."""

from __future__ import annotations

import sys

import pytest

from actortorrent.cli.views import make_view
from actortorrent.cli.views.bar import BarView
from actortorrent.cli.views.json_lines import JsonView
from actortorrent.cli.views.lines import LinesView
from actortorrent.cli.views.silent import SilentView
from tests.cli.samples import COMPLETE, FETCHING, JOB


@pytest.mark.parametrize(
    ("kind", "view"),
    [("bar", BarView), ("lines", LinesView), ("json", JsonView), ("none", SilentView)],
)
def test_each_kind_has_its_view(kind: str, view: type) -> None:
    assert type(make_view(kind)) is view


@pytest.mark.parametrize(
    ("is_terminal", "term", "view"),
    [
        (True, "xterm-256color", BarView),
        (True, "dumb", LinesView),
        (False, "xterm", LinesView),
    ],
)
def test_auto_is_a_bar_only_where_the_cursor_can_move(
    is_terminal: bool, term: str, view: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: is_terminal)
    monkeypatch.setenv("TERM", term)
    assert type(make_view("auto")) is view


def test_quiet_prints_nothing_but_json_that_was_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = make_view("auto", is_quiet=True)
    view.begin(JOB)
    view.show(FETCHING)
    view.notice("a tracker's warning")
    view.end(JOB, COMPLETE)
    assert capsys.readouterr() == ("", "")
    assert type(make_view("json", is_quiet=True)) is JsonView


def test_without_progress_there_are_still_notices_and_a_summary(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = make_view("none")
    view.begin(JOB)
    view.show(FETCHING)
    view.notice("a tracker's warning")
    view.end(JOB, COMPLETE)
    captured = capsys.readouterr()
    assert captured.err == "note: a tracker's warning\n"
    assert captured.out.startswith("complete")
