"""A storage on a real disk among good and bad peers, kills and damaged files, beside a model.

The model knows of each block whether it is in the books and whether its bytes are right. After
every step storage and model agree on which state each piece is in, and what is had is on the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from actortorrent.rules.bitfield import indexes_of, mask_of
from actortorrent.rules.geometry import BLOCK_BYTES, Run
from actortorrent.rules.run_hashing import RunHasher
from tests.actors.storage_fakes import StorageUnderTest
from tests.content import Content, make_content

SIZES = {"a.bin": 75_000, "empty": 0, "sub/b.bin": 40_001, "c.bin": 30_000}
PIECE_BYTES = 2 * BLOCK_BYTES  # so that rows are lent
PIECES = 5
PIECE_INDEXES = st.integers(0, PIECES - 1)
CONNS = st.integers(1, 3)
HASHING = (1, 2)  # of these, the storage is told what they hashed
IS_BAD = st.sampled_from([False, False, True])


@cache
def content() -> Content:
    """Return the torrent that all of them fetch, in five pieces; the last is short."""
    return make_content(Path(tempfile.mkdtemp()), SIZES, piece_length=PIECE_BYTES)


class StorageOnADisk(RuleBasedStateMachine):
    """Play the peers and the piece manager of one storage after another."""

    def __init__(self) -> None:
        super().__init__()
        self.output = Path(tempfile.mkdtemp())
        self.verified: set[int] = set()
        self.begin()

    def begin(self) -> None:
        """Start a session, and take over what it finds."""
        self.storage = StorageUnderTest(content(), self.output)
        self.geometry = self.storage.geometry
        self.hashers = {conn: RunHasher(self.geometry) for conn in range(10)}
        self.bad_senders: dict[int, set[int]] = {}
        self.blocks: dict[int, dict[int, bool]] = {}  # of unfinished pieces: whether right
        self.verified = set(indexes_of(self.storage.check()))
        self.storage.settle()
        for _, stored, _ in self.storage.manager.all("runs_stored"):
            for one in stored:
                self.note_blocks(one.run, self.is_right_on_disk)
        self.storage.manager.heard.clear()

    def note_blocks(self, run: Run, is_right: Callable[[Run], bool]) -> None:
        known = self.blocks.setdefault(run.piece_index, {})
        for block in indexes_of(run.block_mask & ~mask_of(known)):
            known[block] = is_right(self.geometry.run(run.piece_index, block, 1))

    # --- what peers bring -----------------------------------------------------------------------

    @rule(data=st.data(), conn=CONNS, is_bad=st.booleans())
    def a_block_comes(self, data: st.DataObject, conn: int, is_bad: bool) -> None:
        piece_index = data.draw(PIECE_INDEXES)
        first = data.draw(st.integers(0, self.geometry.block_count(piece_index) - 1))
        run = self.geometry.run(piece_index, first, 1)
        self.store(run, conn, {piece_index} if is_bad else set())

    @rule(
        piece_index=PIECE_INDEXES,
        senders=st.lists(st.tuples(CONNS, IS_BAD), min_size=2, max_size=2),
        is_backwards=st.booleans(),
    )
    def a_piece_comes_from_two(
        self, piece_index: int, senders: list[tuple[int, bool]], is_backwards: bool
    ) -> None:
        blocks = list(range(self.geometry.block_count(piece_index)))
        order = blocks[::-1] if is_backwards else blocks
        for block, (conn, is_bad) in zip(order, senders, strict=False):
            run = self.geometry.run(piece_index, block, 1)
            self.store(run, conn, {piece_index} if is_bad else set())

    @rule(first=PIECE_INDEXES, count=st.integers(1, PIECES), conn=CONNS, bad=st.sets(PIECE_INDEXES))
    def a_row_comes(self, first: int, count: int, conn: int, bad: set[int]) -> None:
        self.store(self.geometry.row(first, min(count, PIECES - first)), conn, bad)

    def store(self, run: Run, conn: int, bad: set[int]) -> None:
        """Hand over a run, some pieces of it bad; the storage must say of it what the model does."""
        heard = self.storage.manager
        heard.heard.clear()
        hasher = self.hashers[conn] if conn in HASHING else None
        filled = self.storage.filled(run, self.bytes_of(run, bad), hasher)
        self.storage.proxy.store_runs.defer(conn, (filled,))
        self.storage.settle()
        parts = self.geometry.split(run)
        became = [self.part_comes(part, conn, part.piece_index in bad) for part in parts]
        ((told_conn, (stored,), verified),) = heard.all("runs_stored")
        assert (told_conn, stored.run) == (conn, run)
        assert stored.buffer.length == run.length  # the lease came back, with its buffer
        assert stored.was_useful == any(became)
        verdicts = dict(zip(run.pieces, became, strict=True))
        assert list(verified) == [piece for piece, one in verdicts.items() if one == "verified"]
        assert [piece for piece, _ in heard.all("piece_failed")] == [
            piece for piece, one in verdicts.items() if one == "failed"
        ]
        for piece_index, guilty in heard.all("peers_sent_bad_data"):
            assert set(guilty) <= self.bad_senders[piece_index]

    def bytes_of(self, run: Run, bad: set[int]) -> bytes:
        stretches = [(part, self.storage.stretch(part)) for part in self.geometry.split(run)]
        return b"".join(
            bytes(byte ^ 0xFF for byte in data) if part.piece_index in bad else data
            for part, data in stretches
        )

    def part_comes(self, run: Run, conn: int, is_bad: bool) -> str:
        """Return what becomes of a piece by a run; nothing if it is of no use."""
        piece_index = run.piece_index
        known = self.blocks.get(piece_index, {})
        is_whole = run == self.geometry.whole_piece(piece_index)
        is_known = not is_whole and known.keys() >= set(indexes_of(run.block_mask))
        if piece_index in self.verified or is_known:
            return ""
        if is_bad:
            self.bad_senders.setdefault(piece_index, set()).add(conn)
        if is_whole:  # it is judged by itself, whatever was there before
            known = dict.fromkeys(indexes_of(run.block_mask), not is_bad)
        else:
            self.note_blocks(run, lambda _: not is_bad)
            known = self.blocks[piece_index]
        if len(known) < self.geometry.block_count(piece_index):
            return "stored"
        self.blocks.pop(piece_index, None)
        if all(known.values()):
            self.verified.add(piece_index)
        return "verified" if all(known.values()) else "failed"

    # --- what happens to the session --------------------------------------------------------------

    @rule()
    def its_record_is_saved(self) -> None:
        self.storage.save_on_time()

    @rule()
    def it_stops_and_goes_on(self) -> None:
        verified, blocks = self.verified, self.blocks
        self.storage.stop()
        self.begin()
        assert self.verified == verified
        assert self.blocks == blocks

    @rule()
    def it_is_killed_and_goes_on(self) -> None:
        verified = self.verified
        self.storage.kill()
        self.begin()
        assert self.verified >= verified

    @precondition(lambda self: self.written_files())
    @rule(data=st.data(), is_killed=st.booleans(), harm=st.sampled_from(["gone", "cut", "flipped"]))
    def a_file_is_damaged_meanwhile(self, data: st.DataObject, is_killed: bool, harm: str) -> None:
        if is_killed:
            self.storage.kill()
        else:
            self.storage.stop()
        path = data.draw(st.sampled_from(self.written_files()))
        where = data.draw(st.integers(0, path.stat().st_size - 1))
        _damage(path, harm, where)
        self.begin()  # and all that it then has is on the disk

    def written_files(self) -> list[Path]:
        paths = [self.output / path for path, _ in content().files]
        return [path for path in paths if path.exists() and path.stat().st_size]

    # --- what always holds ------------------------------------------------------------------------

    def is_right_on_disk(self, run: Run) -> bool:
        return self.on_disk(run) == self.storage.stretch(run)

    def on_disk(self, run: Run) -> bytes:
        """Return the bytes at a run's place; what is not there is left out."""
        offset = self.geometry.piece_offset(run.piece_index) + run.offset
        found = b""
        for span in self.storage.layout.file_map.spans(offset, run.length):
            path = self.output / content().files[span.file_index][0]
            if path.exists():
                with path.open("rb") as file:
                    file.seek(span.file_offset)
                    found += file.read(span.length)
        return found

    @invariant()
    def what_is_had_is_on_the_disk(self) -> None:
        for piece_index in self.verified:
            assert self.is_right_on_disk(self.geometry.whole_piece(piece_index))

    @invariant()
    def each_piece_is_in_the_state_that_the_model_says(self) -> None:
        store = self.storage.actor._store
        assert store.verified == mask_of(self.verified)
        assert dict(store.partial.stored_blocks()) == {
            piece_index: mask_of(known) for piece_index, known in self.blocks.items()
        }
        assert not self.verified & self.blocks.keys()

    def teardown(self) -> None:
        """Have all that is lacking come that is lacking; then it is known without a look."""
        try:
            for piece_index in range(PIECES):
                self.store(self.geometry.whole_piece(piece_index), 9, set())
            self.storage.stop()
            content().assert_same_in(self.output)
            self.begin()
            assert self.verified == set(range(PIECES))
            assert self.storage.actor._plan.to_check == 0
        finally:
            self.storage.stop()
            shutil.rmtree(self.output)


def _damage(path: Path, harm: str, where: int) -> None:
    """Harm a file so that its time tells, as it does where somebody else wrote to it."""
    before = path.stat()
    if harm == "gone":
        path.unlink()
        return
    with path.open("r+b") as file:
        file.seek(where)
        byte = file.read(1)
        file.seek(where)
        if harm == "cut":
            file.truncate()
        else:
            file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1_000_000))


TestStorageOnADisk = StorageOnADisk.TestCase
TestStorageOnADisk.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
