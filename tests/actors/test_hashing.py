from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actortorrent.actors import hashing
from actortorrent.actors.hashing import OpenFile, UnreadableFileError, core_count, hash_pieces
from actortorrent.rules.geometry import FileMap, Geometry

Hashes = list[tuple[int, bytes | None]]


class Content:
    """Keep files of chance bytes, and hash them."""

    def __init__(self, folder: Path, lengths: Sequence[int], piece_length: int) -> None:
        self.paths = [folder / str(index) for index in range(len(lengths))]
        self.file_map = FileMap(lengths)
        self.geometry = Geometry(sum(lengths), piece_length)
        for path, length in zip(self.paths, lengths, strict=True):
            path.write_bytes(random.Random(str(path)).randbytes(length))

    def open_file(self, index: int) -> int:
        return os.open(self.paths[index], os.O_RDONLY)

    def hashes(self, **how: object) -> Hashes:
        batches = hash_pieces(self.geometry, self.file_map, self.open_file, **how)  # type: ignore[arg-type]
        return [one for batch in batches for one in batch]

    def expected(self) -> Hashes:
        whole = b"".join(path.read_bytes() for path in self.paths)
        step = self.geometry.piece_length
        pieces = [whole[start : start + step] for start in range(0, len(whole), step)]
        return [(index, hashlib.sha1(piece).digest()) for index, piece in enumerate(pieces)]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(0, 400), min_size=1, max_size=8),
    piece_length=st.integers(1, 300),
    workers=st.integers(1, 4),
)
def test_files_are_hashed_as_one_row_of_bytes(
    tmp_path: Path, lengths: list[int], piece_length: int, workers: int
) -> None:
    content = Content(tmp_path, lengths, piece_length)
    assert content.hashes(workers=workers) == content.expected()


def test_pieces_longer_than_a_buffer_and_files_longer_than_a_batch_are_hashed(
    tmp_path: Path,
) -> None:
    content = Content(tmp_path, [3_000_000, 1, 9_000_001], 1_000_000)
    assert content.hashes() == content.expected()


def test_small_pieces_come_in_order_from_many_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "MAX_BATCH_PIECES", 3)
    content = Content(tmp_path, [10_000], 16)
    assert content.hashes(workers=4) == content.expected()


def test_only_the_wanted_pieces_are_hashed(tmp_path: Path) -> None:
    content = Content(tmp_path, [100], 10)
    expected = content.expected()
    assert content.hashes(pieces=[2, 3, 9]) == [expected[2], expected[3], expected[9]]
    assert content.hashes(pieces=[]) == []


def test_content_of_no_bytes_has_no_pieces(tmp_path: Path) -> None:
    assert Content(tmp_path, [0, 0], 10).hashes() == []


def test_padding_is_zeros_that_lie_on_no_disk(tmp_path: Path) -> None:
    content = Content(tmp_path, [6, 500_004, 10], 10)
    content.paths[1].write_bytes(bytes(500_004))
    expected = content.expected()
    content.paths[1].unlink()
    assert content.hashes(padding={1}) == expected


def test_pieces_of_a_missing_file_have_no_hash(tmp_path: Path) -> None:
    content = Content(tmp_path, [15, 10, 15], 10)
    expected = dict(content.expected())
    content.paths[1].unlink()
    assert dict(content.hashes()) == expected | {1: None, 2: None}


def test_pieces_behind_the_end_of_a_short_file_have_no_hash(tmp_path: Path) -> None:
    content = Content(tmp_path, [15, 15], 10)
    expected = dict(content.expected())
    os.truncate(content.paths[0], 12)
    assert dict(content.hashes()) == expected | {1: None}


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    content = Content(tmp_path, [10, 10], 10)
    content.paths[1].unlink()
    content.paths[1].mkdir()
    with pytest.raises(UnreadableFileError) as unreadable:
        content.hashes()
    assert unreadable.value.file_index == 1
    assert isinstance(unreadable.value.cause, IsADirectoryError)


def test_what_the_opener_raises_reaches_the_caller(tmp_path: Path) -> None:
    content = Content(tmp_path, [10], 10)

    def refuse(index: int) -> int:
        raise LookupError(index)

    with pytest.raises(LookupError):
        list(hash_pieces(content.geometry, content.file_map, refuse))


def test_progress_goes_up_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "BATCH_BYTES", 20)
    seen: list[tuple[int, int]] = []
    content = Content(tmp_path, [95], 10)
    content.hashes(workers=1, on_progress=lambda done, total: seen.append((done, total)))
    done = [done for done, _ in seen]
    assert done[0] == 20
    assert done == sorted(done)
    assert seen[-1] == (95, 95)


def test_closing_the_generator_cancels_and_closes_the_files(tmp_path: Path) -> None:
    content = Content(tmp_path, [50_000_000], 1_000_000)
    opened = Opened(content.open_file)
    with closing(hash_pieces(content.geometry, content.file_map, opened)) as hashes:
        next(hashes)
    for descriptor in opened.descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)


def test_each_thread_has_at_most_one_file_open(tmp_path: Path) -> None:
    content = Content(tmp_path, [100] * 200, 1000)
    opened = Opened(content.open_file)
    list(hash_pieces(content.geometry, content.file_map, opened, workers=2))
    assert opened.most_at_once <= 2


def test_there_is_at_least_one_core() -> None:
    assert core_count() >= 1


class Opened:
    """Open files and remember how many were open at a time."""

    def __init__(self, open_file: OpenFile) -> None:
        self._open_file = open_file
        self.descriptors: set[int] = set()
        self.most_at_once = 0

    def __call__(self, index: int) -> int:
        descriptor = self._open_file(index)
        self.descriptors.add(descriptor)
        self.most_at_once = max(self.most_at_once, sum(map(is_open, self.descriptors)))
        return descriptor


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
