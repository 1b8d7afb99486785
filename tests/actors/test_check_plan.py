"""What is to be checked, whatever the resume record claims and however the files look."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.actors.check_plan import FilesFound, plan_check
from actortorrent.actors.content_location import expected_paths, lay_out_content
from actortorrent.actors.resume import FileMarks
from actortorrent.rules.bitfield import indexes_of
from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.metainfo_writing import build_metainfo
from actortorrent.wire.resume_record import ResumeRecord

PIECE_BYTES = 2 * BLOCK_BYTES
FILES = [(("a",), 3 * PIECE_BYTES), (("b",), PIECE_BYTES // 2), (("c",), 3 * PIECE_BYTES)]
PIECES = 7
ALL = (1 << PIECES) - 1
HOLE = 5  # the piece that ought to be zeros
HASHES = [hashlib.sha1(bytes(PIECE_BYTES)).digest() if n == HOLE else b"?" * 20 for n in range(7)]
TORRENT = Metainfo.from_bytes(
    build_metainfo(
        name="x", piece_length=PIECE_BYTES, piece_hashes=b"".join(HASHES), files=FILES,
        is_single_file=False,
    )
)  # fmt: skip
LAYOUT = lay_out_content(TORRENT, Path("unused"), expected_paths(TORRENT), None)
SOME = st.integers(0, ALL)
LOOKS = st.tuples(st.sampled_from([-1, 0, 9]), st.sampled_from([0, 10**18]))  # size, time
LOOKS_OF_ALL = st.lists(LOOKS, min_size=len(FILES) + 1, max_size=len(FILES) + 1)
PARTIAL = st.lists(
    st.tuples(st.integers(0, PIECES - 1), st.integers(0, 7) | st.integers(0, 2**80)), max_size=8
)


def found(looks: list[tuple[int, int]], lacking: int, data: int) -> FilesFound:
    marks = FileMarks(len(looks))
    for index, (size, time_ns) in enumerate(looks):
        marks.sizes[index], marks.times_ns[index] = size, time_ns
    return FilesFound(marks, lacking, data & ~lacking)


@given(LOOKS_OF_ALL, LOOKS_OF_ALL, SOME, SOME, SOME, PARTIAL, st.booleans(), st.integers(-1, 1))
def test_nothing_is_believed_but_what_is_there_and_looks_as_it_did(
    looks: list[tuple[int, int]],
    then: list[tuple[int, int]],
    claimed: int,
    lacking: int,
    data: int,
    partial: list[tuple[int, int]],
    is_final: bool,
    late_seconds: int,
) -> None:
    record = ResumeRecord(
        TORRENT.info_hash, PIECES, claimed, tuple(size for size, _ in then),
        tuple(time_ns for _, time_ns in then), tuple(partial), is_final=is_final,
        saved_ns=10**18 + late_seconds * 10**9,
    )  # fmt: skip
    files = found(looks, lacking, data)
    plan = plan_check(TORRENT, LAYOUT, files, record)
    changed = 0
    for index, (before, now) in enumerate(zip(then[:-1], looks[:-1], strict=True)):
        if before != now:
            changed |= sum(1 << piece for piece in LAYOUT.pieces_of_file(index))
    assert not plan.verified & ~(claimed & ~changed | 1 << HOLE)
    assert not plan.verified & lacking
    assert not plan.to_check & (plan.verified | lacking)
    assert not plan.to_check & ~ALL
    unfinished = [index for index, _ in plan.partial]
    assert len(set(unfinished)) == len(unfinished)
    assert not set(unfinished) & set(indexes_of(claimed & plan.verified | changed | plan.begun))
    for index, blocks in plan.partial:
        assert 0 < blocks < LAYOUT.geometry.all_blocks(index)


@given(LOOKS_OF_ALL, SOME, SOME)
def test_without_a_record_all_that_is_there_is_looked_at_but_holes(
    looks: list[tuple[int, int]], lacking: int, data: int
) -> None:
    plan = plan_check(TORRENT, LAYOUT, found(looks, lacking, data), None)
    assert plan.to_check == ALL & ~lacking & data
    assert plan.verified == (1 << HOLE) & ~lacking & ~data
    assert plan.partial == ()
