"""A class in a user's file chooses the pieces; what is wrong with it is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent import capture_trace, load_picker
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode, PickerError, UsageError
from tests.conftest import ContentMaker
from tests.sessions.running import error_of, fetch, fetching, seeding

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples" / "pickers.py"


def test_the_pieces_come_as_a_users_picker_chooses(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(16 * 65_536)
    picker = load_picker(f"{EXAMPLES}:Backwards")
    with capture_trace() as trace, seeding(content) as seed:
        fetch(content, tmp_path / "out", [seed], picker=picker)
    picks = [one for one in trace.named("actor:decision") if one.data["what"] == "pick_piece"]
    assert [pick.data["chosen"] for pick in picks] == list(range(15, -1, -1))
    assert {pick.data["rule"] for pick in picks} == {"Backwards"}


@pytest.mark.parametrize("name", ["Backwards", "CommonestFirst", "Window", "Streamer"])
def test_the_examples_fetch_all(content_maker: ContentMaker, tmp_path: Path, name: str) -> None:
    content = content_maker(20 * 65_536 + 1)
    with seeding(content) as seed:
        fetch(content, tmp_path / "out", [seed], picker=load_picker(f"{EXAMPLES}:{name}"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mine.py"


def test_a_picker_that_fails_ends_the_session_with_its_file_and_line(
    content_maker: ContentMaker, tmp_path: Path, file: Path
) -> None:
    file.write_text("class Mine:\n    def choose(self, candidates, counts, rng):\n        1 / 0\n")
    content = content_maker(300_000)
    with seeding(content) as seed:
        session = fetching(content, tmp_path / "out", [seed], picker=load_picker(f"{file}:Mine"))
        error = error_of(session)
    assert isinstance(error, PickerError)
    assert str(error) == f"{file}, line 3: Mine.choose failed: ZeroDivisionError: division by zero"


GOOD = "class Mine:\n    def choose(self, candidates, counts, rng): return 0\n"


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("class Mine:\n  def choose(self", "Mine", "mine.py, line 2: SyntaxError: "),
        ("\nimport nowhere_to_be_found", "Mine", "mine.py, line 2: ModuleNotFoundError: "),
        ("raise SystemExit(3)", "Mine", "mine.py, line 1: SystemExit: 3"),
        ("", "Mine", "expected a class Mine in"),
        ("def Mine(): ...", "Mine", "expected a class Mine in"),
        ("class Mine: ...", "Mine", "mine.py: Mine has no method choose"),
        ("class Mine:\n  choose = 3", "Mine", "Mine has no method choose"),
        ("class Mine:\n  def choose(self): ...", "Mine", "expected choose(self, candidates,"),
        ("class Mine:\n  def __init__(self, x): ...", "Mine", "Mine cannot be made: TypeError: "),
    ],
)
def test_what_is_no_picker_is_refused(file: Path, text: str, name: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_picker(f"{file}:{name}")
    assert words in str(caught.value)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("place", ["", "mine.py", "mine.py:", ":Mine", "no/such.py:Mine"])
def test_a_place_without_file_or_class_is_refused(place: str) -> None:
    with pytest.raises(UsageError):
        load_picker(place)


def test_a_dataclass_may_be_a_picker(file: Path) -> None:
    head = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\n"
    file.write_text(head + GOOD)
    assert load_picker(f"{file}:Mine")


def test_the_command_line_tells_a_bad_picker_with_the_code_of_bad_usage(
    content_maker: ContentMaker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torrent = str(content_maker(1000).torrent)
    into = ["--output", str(tmp_path / "out"), "--no-trackers"]
    assert run(["fetch", torrent, *into, "--picker", "nowhere.py:Mine"]) == ExitCode.USAGE
    assert "no file nowhere.py" in capsys.readouterr().err
    both = ["--sequential", "--picker", f"{EXAMPLES}:Backwards"]
    assert run(["fetch", torrent, *into, *both]) == ExitCode.USAGE
    assert "give one" in capsys.readouterr().err
