"""Two sessions on one machine, and one folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.errors import ExitCode, StorageError
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import error_of, fetch, fetching, seeding
from tests.sessions.scripted_peer import ScriptedPeer, never_unchoke

PIECE = 32 * 1024


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(20 * PIECE, piece_length=PIECE)


def test_a_second_fetch_into_the_same_folder_is_refused_while_the_first_goes_on(
    content: Content, tmp_path: Path
) -> None:
    into = tmp_path / "into"
    with ScriptedPeer(content, never_unchoke) as peer, fetching(content, into, [peer]):
        error = error_of(fetching(content, into, [peer]))
    assert isinstance(error, StorageError)
    assert error.exit_code is ExitCode.DISK
    assert str(into) in str(error)
    assert error.hint


def test_the_folder_is_free_again_when_the_first_has_ended(
    content: Content, tmp_path: Path
) -> None:
    into = tmp_path / "into"
    with ScriptedPeer(content, never_unchoke) as peer, fetching(content, into, [peer]):
        pass
    with seeding(content) as seed:
        fetch(content, into, [seed])


def test_two_torrents_are_fetched_into_one_folder_at_once(
    content: Content, content_maker: ContentMaker, tmp_path: Path
) -> None:
    other = content_maker({"other.bin": 3 * PIECE}, piece_length=PIECE)
    into = tmp_path / "into"
    with (
        ScriptedPeer(content, never_unchoke) as peer,
        fetching(content, into, [peer]),
        seeding(other) as seed,
    ):
        fetch(other, into, [seed])


def test_what_is_being_fetched_is_served_from_the_same_folder(
    content: Content, tmp_path: Path
) -> None:
    with (
        ScriptedPeer(content, never_unchoke) as peer,
        fetching(content, content.folder, [peer], keep_seeding=True) as first,
    ):
        first.wait_until(lambda progress: progress.phase == "seeding", "all to be found there")
        with seeding(content) as second:
            fetch(content, tmp_path / "into", [second])
