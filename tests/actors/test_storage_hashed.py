"""What peers hash of what they bring: taken for true where it is of the bytes that are stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actortorrent.actors import piece_store
from actortorrent.rules.geometry import BLOCK_BYTES, Run
from actortorrent.rules.run_hashing import RunHasher
from tests.actors.storage_fakes import StorageUnderTest
from tests.conftest import ContentMaker
from tests.content import Content

PIECE_BYTES = 4 * BLOCK_BYTES


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker({"a": 3 * PIECE_BYTES}, piece_length=PIECE_BYTES)


@pytest.fixture
def storage(content: Content, tmp_path: Path) -> Iterator[StorageUnderTest]:
    under_test = StorageUnderTest(content, tmp_path / "output")
    under_test.check()
    yield under_test
    under_test.stop()


@pytest.fixture
def hashed_bytes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by the bytes of each part that the storage itself hashes."""
    counted: list[int] = []
    real = piece_store.hashlib.sha1

    class Counting:
        def __init__(self, data: Any = b"", **how: Any) -> None:
            self._sha1 = real(data, **how)
            self.digest = self._sha1.digest
            counted.extend([len(data)] * bool(data))

        def update(self, data: Any) -> None:
            counted.append(len(data))
            self._sha1.update(data)

    class Hashlib:
        sha1 = Counting

    monkeypatch.setattr(piece_store, "hashlib", Hashlib)
    return counted


class Peer:
    """Bring runs, and say what they hash to."""

    def __init__(self, storage: StorageUnderTest, conn: int) -> None:
        self._storage = storage
        self._conn = conn
        self._hasher = RunHasher(storage.geometry)

    def brings(self, run: Run, *, spoilt: bool = False) -> None:
        data = self._storage.stretch(run)
        sent = bytes(byte ^ 0xFF for byte in data) if spoilt else data
        filled = self._storage.filled(run, sent, self._hasher)
        self._storage.proxy.store_runs.defer(self._conn, (filled,))
        self._storage.settle()


def test_what_a_peer_hashed_is_not_hashed_again(
    storage: StorageUnderTest, content: Content, hashed_bytes: list[int]
) -> None:
    peer = Peer(storage, 1)
    peer.brings(storage.geometry.row(0, 2))
    for first in range(4):
        peer.brings(storage.geometry.run(2, first, 1))
    assert storage.verified() == [0, 1, 2]
    assert not hashed_bytes
    content.assert_same_in(storage.layout.output)


def test_wrong_bytes_are_found_out_by_what_their_sender_hashed(
    storage: StorageUnderTest, hashed_bytes: list[int]
) -> None:
    peer = Peer(storage, 4)
    peer.brings(storage.geometry.whole_piece(1), spoilt=True)
    assert storage.manager.all("piece_failed") == [(1, (4,))]
    assert not hashed_bytes


def test_a_chain_does_not_count_for_bytes_that_came_before_it(storage: StorageUnderTest) -> None:
    """The first part is bad, comes again, is right, and is of no use: a block is stored once."""
    peer, runs = Peer(storage, 1), [storage.geometry.run(0, first, 2) for first in (0, 2)]
    peer.brings(runs[0], spoilt=True)
    peer.brings(runs[0])
    peer.brings(runs[1])
    assert storage.verified() == []
    assert [piece for piece, _ in storage.manager.all("piece_failed")] == [0]


def test_a_chain_does_not_count_for_bytes_that_another_sent(storage: StorageUnderTest) -> None:
    first, second = Peer(storage, 1), Peer(storage, 2)
    first.brings(storage.geometry.run(0, 0, 2), spoilt=True)
    second.brings(storage.geometry.run(0, 0, 2))  # of no use, and begins a chain of its own
    second.brings(storage.geometry.run(0, 2, 2))
    assert storage.verified() == []


def test_parts_of_two_peers_are_put_together_by_the_storage(
    storage: StorageUnderTest, content: Content
) -> None:
    first, second = Peer(storage, 1), Peer(storage, 2)
    first.brings(storage.geometry.run(0, 0, 2))
    second.brings(storage.geometry.run(0, 2, 2))
    assert storage.verified() == [0]
    first.brings(storage.geometry.row(1, 2))
    content.assert_same_in(storage.layout.output)


def test_a_piece_that_failed_is_hashed_from_its_beginning(
    storage: StorageUnderTest, content: Content
) -> None:
    peer, halves = Peer(storage, 1), [storage.geometry.run(0, first, 2) for first in (0, 2)]
    peer.brings(halves[0])
    peer.brings(halves[1], spoilt=True)
    assert storage.verified() == []
    for half in halves:
        peer.brings(half)
    assert storage.verified() == [0]
    assert content.pieces_in(storage.layout.output) == {0}
