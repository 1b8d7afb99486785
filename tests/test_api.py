"""The package for programs: everything by one name, imported when it is asked for."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import actortorrent
from actortorrent import (
    ContentMismatchError,
    InvalidTorrentError,
    Metainfo,
    NoProgressError,
    Progress,
    Session,
    SessionOptions,
    UsageError,
    fetch,
    parse_magnet,
    seed,
)
from actortorrent.api import locate_content, seed_session
from tests.conftest import ContentMaker
from tests.content import Content

SIZES = {"a.bin": 200_000, "b/c.txt": 1_000}


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker(SIZES, piece_length=32 * 1024)


@pytest.fixture
def seed_address(content: Content) -> Iterator[str]:
    """Seed in a thread of this process, as a program may."""
    metainfo = Metainfo.from_file(content.torrent)
    location = locate_content(metainfo, content.folder)
    options = SessionOptions(output=location.output, port=0, bind="127.0.0.1")
    is_up = threading.Event()
    session = seed_session(metainfo, options, location, on_progress=lambda _: is_up.set())
    thread = threading.Thread(target=session.run, name="seed")
    thread.start()
    assert is_up.wait(60)
    yield f"127.0.0.1:{session.port}"
    session.request_stop()
    thread.join(60)


def test_importing_the_package_imports_nothing_of_it() -> None:
    script = (
        "import sys, actortorrent; actortorrent.__version__;"
        "print(sorted(m for m in sys.modules if m.startswith('actortorrent')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "['actortorrent', 'actortorrent.version']\n"


def test_all_names_are_there_and_what_type_checkers_see_is_what_one_gets() -> None:
    tree = ast.parse(Path(actortorrent.__file__).read_text("utf-8"))
    (for_types,) = (node for node in tree.body if isinstance(node, ast.If))
    imported = {
        alias.name: f"{node.module}"
        for node in for_types.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert {*imported, "__version__"} == set(actortorrent.__all__) == set(dir(actortorrent))
    for name, module in imported.items():
        assert getattr(actortorrent, name) is getattr(sys.modules[module], name)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'fetsch'"):
        actortorrent.fetsch  # noqa: B018


def test_a_program_fetches_and_is_told_how_it_goes(
    content: Content, seed_address: str, tmp_path: Path
) -> None:
    seen: list[Progress] = []
    threads: set[threading.Thread] = set()

    def on_progress(progress: Progress) -> None:
        seen.append(progress)
        threads.add(threading.current_thread())

    summary = fetch(
        content.torrent, output=tmp_path / "out", peers=[seed_address], on_progress=on_progress
    )
    content.assert_same_in(tmp_path / "out")
    assert summary.is_complete
    assert summary.progress.fetched_bytes == content.total_length
    assert threads == {threading.current_thread()}
    assert seen[-1].is_complete


def test_it_may_be_called_again_and_again(
    content: Content, seed_address: str, tmp_path: Path
) -> None:
    for name in ("first", "second"):
        fetch(content.torrent, output=tmp_path / name, peers=[seed_address], port=0)
        content.assert_same_in(tmp_path / name)


def test_files_are_selected_by_number_and_glob(
    content: Content, seed_address: str, tmp_path: Path
) -> None:
    metainfo = Metainfo.from_file(content.torrent)
    fetch(metainfo, output=tmp_path / "out", match=["*.txt"], peers=[seed_address], port=0)
    assert (tmp_path / "out" / "content" / "b" / "c.txt").exists()
    assert not (tmp_path / "out" / "content" / "a.bin").exists()


def test_an_error_in_on_progress_ends_the_session_and_comes_out(
    content: Content, tmp_path: Path
) -> None:
    def on_progress(_: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch(content.torrent, output=tmp_path, on_progress=on_progress, port=0)


def test_seeding_ends_when_its_time_is_up(content: Content) -> None:
    summary = seed(content.folder, content.torrent, seed_seconds=0.01, port=0)
    assert summary.is_complete
    assert not summary.was_interrupted


def test_a_session_may_be_stopped_from_outside(content: Content) -> None:
    metainfo = Metainfo.from_file(content.torrent)
    options = SessionOptions(output=content.folder, keep_seeding=True, port=0)
    phases: list[str] = []

    def on_progress(progress: Progress) -> None:
        phases.append(progress.phase)
        session.request_stop()

    session = Session(metainfo, options, on_progress=on_progress)
    assert session.run().was_interrupted
    assert phases[-1] == "stopping"


def test_a_magnet_link_is_enough(content: Content, seed_address: str, tmp_path: Path) -> None:
    link = Metainfo.from_file(content.torrent).magnet_link
    for source in (link, parse_magnet(link), content.info_hash.hex()):
        folder = tmp_path / type(source).__name__ / str(len(str(source)))
        summary = fetch(
            source,
            output=folder,
            select="2",
            peers=[seed_address],
            port=0,
            bind="127.0.0.1",
            maps_port=False,
            use_dht=False,
        )
        assert summary.is_complete
        assert (folder / "content" / "b" / "c.txt").stat().st_size == SIZES["b/c.txt"]
        assert not (folder / "content" / "a.bin").exists()


def test_what_cannot_be_done_is_an_error_of_the_tree(content: Content, tmp_path: Path) -> None:
    with pytest.raises(InvalidTorrentError, match="expected an info-hash of 40"):
        fetch("magnet:?xt=urn:btih:00")
    with pytest.raises(UsageError, match="from 1 to 2, found 7"):
        fetch(content.torrent, select="7")
    with pytest.raises(UsageError, match="expected HOST:PORT"):
        fetch(content.torrent, peers=["nobody"])
    with pytest.raises(NoProgressError):
        fetch(content.torrent, output=tmp_path / "out", port=0)
    (content.folder / "content" / "a.bin").write_bytes(bytes(200_000))
    (content.folder / "content" / "b" / "c.txt").write_bytes(bytes(1_000))
    with pytest.raises(ContentMismatchError):
        seed(content.folder, content.torrent, port=0)
