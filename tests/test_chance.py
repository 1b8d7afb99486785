from __future__ import annotations

from pathlib import Path

import pytest

from tests.chance import TRIES, usually


def test_what_holds_is_tried_once_and_what_does_not_again_in_a_new_folder(tmp_path: Path) -> None:
    folders: list[Path] = []

    @usually
    def holds_at_last(tmp_path: Path, enough: int) -> None:
        assert not list(tmp_path.iterdir())
        folders.append(tmp_path)
        assert len(folders) >= enough

    for enough in (1, 2, TRIES):
        folders.clear()
        home = tmp_path / str(enough)
        home.mkdir()
        holds_at_last(tmp_path=home, enough=enough)
        assert len(set(folders)) == enough


def test_what_never_holds_fails_and_an_error_is_no_chance() -> None:
    tries: list[type[Exception]] = []

    @usually
    def fails(error: type[Exception]) -> None:
        tries.append(error)
        raise error

    with pytest.raises(AssertionError):
        fails(error=AssertionError)
    with pytest.raises(OSError):  # noqa: PT011 - it says nothing
        fails(error=OSError)
    assert tries == [AssertionError] * TRIES + [OSError]
