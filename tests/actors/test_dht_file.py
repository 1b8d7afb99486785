from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actortorrent.actors.dht_file import FILE, DhtFile, default_folder
from actortorrent.wire.addresses import Address
from actortorrent.wire.dht_nodes import NodeId, NodeInfo
from actortorrent.wire.dht_state import DhtState, SavedNode

STATE = DhtState(SavedNode(NodeId(7), (NodeInfo(NodeId(8), Address("192.0.2.7", 1)),)))


@contextmanager
def opened(folder: Path | None) -> Iterator[DhtFile]:
    file = DhtFile(folder)
    try:
        yield file
    finally:
        file.close()


def test_what_was_saved_is_there_the_next_time(tmp_path: Path) -> None:
    with opened(tmp_path / "cache" / "ours") as file:
        assert file.load() == DhtState()
        assert file.save(STATE)
    with opened(tmp_path / "cache" / "ours") as file:
        assert file.load() == STATE
    assert [path.name for path in (tmp_path / "cache" / "ours").iterdir()] == [str(FILE)]


def test_who_comes_second_does_without(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        first.load()
        first.save(STATE)
        with opened(tmp_path) as second:
            assert second.load() == DhtState()
            assert not second.save(DhtState())
        assert first.save(STATE)
    with opened(tmp_path) as third:
        assert third.load() == STATE


@pytest.mark.parametrize("raw", [b"", b"d", b"x" * 100_000])
def test_a_file_that_is_not_whole_counts_as_none(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / FILE).write_bytes(raw)
    with opened(tmp_path) as file:
        assert file.load() == DhtState()
        assert file.save(STATE)
        assert file.load() == STATE


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "other").write_bytes(b"not ours")
    (tmp_path / "ours" / f"{FILE}.new").symlink_to(tmp_path / "other")
    with opened(tmp_path / "ours") as file:
        file.load()
        assert not file.save(STATE)
    assert (tmp_path / "other").read_bytes() == b"not ours"


def test_where_no_folder_can_be_made_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with opened(tmp_path / "file" / "folder") as file:
        assert file.load() == DhtState()
        assert not file.save(STATE)


def test_without_a_folder_nothing_is_kept() -> None:
    with opened(None) as file:
        assert file.load() == DhtState()
        assert not file.save(STATE)


def test_the_usual_folder_is_that_of_caches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder().name == "actortorrent"
