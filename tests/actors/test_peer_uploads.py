from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.actors.peer_uploads import (
    BATCH_BLOCKS,
    BATCH_BYTES,
    ENOUGH_PENDING_BYTES,
    MAX_QUEUED_REQUESTS,
    ContentGoneError,
    Uploads,
)
from actortorrent.errors import PeerProtocolError, StorageError
from actortorrent.rules.geometry import BLOCK_BYTES
from actortorrent.wire.block_rows import BlockRow, block_row
from actortorrent.wire.messages import BlockName, PieceHeader, Request

PIECES = 3
PIECE_BYTES = 160 * BLOCK_BYTES
CONTENT = [random.Random(index).randbytes(PIECE_BYTES) for index in range(PIECES)]


def name_of(request: Request) -> BlockName:
    return (request.piece_index, request.block_offset, request.length)


def row_of(request: Request) -> BlockRow:
    return block_row(name_of(request))


class Reader:
    """Reads from memory, and notes what was asked for."""

    def __init__(self, *, is_content_there: bool = True) -> None:
        self.reads: list[tuple[int, int, int]] = []
        self.is_closed = False
        self._is_content_there = is_content_there

    def read_blocks(self, row: BlockRow, blocks: Sequence[memoryview]) -> None:
        if not self._is_content_there:
            raise StorageError("cannot read it", hint="look for it")
        self.reads.append(row[:3])
        for (piece_index, offset, length), block in zip(row.blocks(), blocks, strict=True):
            block[:] = CONTENT[piece_index][offset : offset + length]

    def close(self) -> None:
        self.is_closed = True


class Socket:
    """Takes what is sent; what waits, waits until it is told otherwise."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.sent = bytearray()
        self.pending_bytes = 0
        self._keeps = keeps

    def send(self, *parts: bytes | memoryview) -> None:
        for part in parts:
            self.sent += part
            self.pending_bytes += len(part) * self._keeps


class Serving:
    """One peer's uploads, from a reader in memory to a socket in memory."""

    def __init__(
        self, *, is_limited: bool = False, keeps: bool = False, reader: Reader | None = None
    ) -> None:
        self.reader = reader or Reader()
        self.opened = 0
        self.socket = Socket(keeps=keeps)
        self.uploads = Uploads(self._open, self._headers, PIECES, is_limited=is_limited)
        self.uploads.offer(range(PIECES))

    def _open(self) -> Any:
        self.opened += 1
        return self.reader

    def _headers(self, row: BlockRow) -> list[bytes]:
        return [PieceHeader(*name).encode() for name in row.blocks()]

    def ask(self, requests: Iterable[Request]) -> None:
        self.uploads.ask([row_of(request) for request in requests])

    def serve(self) -> int:
        return self.uploads.serve(cast("Any", self.socket))


def block(piece_index: int, block_index: int) -> Request:
    return Request(piece_index, block_index * BLOCK_BYTES, BLOCK_BYTES)


def answers(requests: Iterable[Request]) -> bytes:
    """Return what the peer expects to be sent."""
    return b"".join(
        PieceHeader(one.piece_index, one.block_offset, one.length).encode()
        + CONTENT[one.piece_index][one.block_offset : one.block_offset + one.length]
        for one in requests
    )


# --- serving --------------------------------------------------------------------------------------


def test_blocks_are_served_in_the_order_asked_for() -> None:
    serving, requests = Serving(), [block(2, 5), block(0, 1), block(2, 4)]
    serving.ask(requests)
    assert serving.uploads.queued_bytes == 3 * BLOCK_BYTES
    assert serving.serve() == 3 * BLOCK_BYTES
    assert serving.socket.sent == answers(requests)
    assert serving.uploads.queued_bytes == 0
    assert serving.uploads.sent_bytes == 3 * BLOCK_BYTES


def test_neighbours_are_read_in_one_go() -> None:
    serving, requests = Serving(), [block(1, 2), block(1, 3), block(1, 4)]
    serving.ask(requests)
    serving.serve()
    assert serving.reader.reads == [(1, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES)]
    assert serving.socket.sent == answers(requests)


def test_others_are_read_one_by_one() -> None:
    serving, requests = Serving(), [block(1, 2), block(1, 4), block(0, 5), block(1, 6), block(1, 5)]
    serving.ask(requests)
    serving.serve()
    assert len(serving.reader.reads) == 5
    assert serving.socket.sent == answers(requests)


def test_a_batch_is_bounded() -> None:
    serving, requests = Serving(), [block(0, index) for index in range(160)]
    serving.ask(requests)
    serving.serve()
    assert max(length for _, _, length in serving.reader.reads) == BATCH_BYTES
    assert serving.socket.sent == answers(requests)


def test_the_reader_is_opened_when_it_is_needed_and_closed_at_the_end() -> None:
    serving = Serving()
    assert serving.opened == 0
    for _ in range(2):
        serving.ask([block(0, 0)])
        serving.serve()
    serving.uploads.close()
    assert (serving.opened, serving.reader.is_closed) == (1, True)
    Serving().uploads.close()  # which never opened one


def test_while_enough_waits_to_be_sent_no_more_is_read() -> None:
    serving, requests = Serving(keeps=True), [block(0, index) for index in range(160)]
    serving.ask(requests)
    assert serving.serve() < ENOUGH_PENDING_BYTES + BATCH_BYTES
    assert serving.uploads.can_serve
    assert serving.serve() == 0
    while serving.uploads.can_serve:
        serving.socket.pending_bytes = 0
        assert serving.serve() > 0
    assert serving.socket.sent == answers(requests)


def test_content_that_has_gone_is_told_by_its_piece() -> None:
    serving = Serving(reader=Reader(is_content_there=False))
    serving.ask([block(2, 0)])
    with pytest.raises(ContentGoneError, match="cannot read it") as gone:
        serving.serve()
    assert (gone.value.piece_index, gone.value.hint) == (2, "look for it")


class StarvedReader(Reader):
    """Finds no descriptor left."""

    def read_blocks(self, *_: object) -> None:
        raise StorageError("too many files are open") from OSError(errno.EMFILE, "too many")


def test_content_that_no_descriptor_is_left_for_has_not_gone() -> None:
    serving = Serving(reader=StarvedReader())
    serving.ask([block(2, 0)])
    with pytest.raises(StorageError, match="too many") as starved:
        serving.serve()
    assert not isinstance(starved.value, ContentGoneError)


REQUESTS = st.builds(
    Request,
    st.integers(0, PIECES - 1),
    st.integers(0, 5).map(lambda index: index * BLOCK_BYTES),
    st.sampled_from([1, 100, BLOCK_BYTES]),
)


@given(
    st.lists(REQUESTS, max_size=30),
    st.booleans(),
    st.lists(st.integers(1, 5 * BLOCK_BYTES), max_size=20),
)
def test_whatever_the_requests_and_the_limit_the_answers_are_right(
    requests: list[Request], is_limited: bool, grants: list[int]
) -> None:
    serving = Serving(is_limited=is_limited)
    uploads = serving.uploads
    serving.ask(requests)
    serving.serve()
    for grant in grants:
        if uploads.allowance is not None:
            uploads.allowance += grant
            serving.serve()
            assert uploads.allowance >= 0
            assert uploads.sent_bytes <= sum(grants)
    done = len(requests) - uploads._queue.count
    assert serving.socket.sent == answers(requests[:done])
    assert uploads.sent_bytes == sum(request.length for request in requests[:done])
    assert not uploads.can_serve
    if not is_limited:
        assert done == len(requests)


# --- what is not served -----------------------------------------------------------------------------


def test_what_is_cancelled_in_time_is_not_sent() -> None:
    serving = Serving()
    serving.ask([block(0, 0), block(0, 1), block(0, 2)])
    serving.uploads.cancel(0, BLOCK_BYTES, BLOCK_BYTES)
    serving.serve()
    assert serving.socket.sent == answers([block(0, 0), block(0, 2)])


def test_cancelling_what_does_not_wait_does_no_harm() -> None:
    serving = Serving()
    serving.ask([block(0, 0)])
    serving.uploads.cancel(0, 0, BLOCK_BYTES - 1)
    serving.uploads.cancel(0, BLOCK_BYTES, BLOCK_BYTES)
    serving.serve()
    serving.uploads.cancel(0, 0, BLOCK_BYTES)
    assert serving.socket.sent == answers([block(0, 0)])


def test_of_two_same_requests_a_cancel_takes_one() -> None:
    serving = Serving()
    serving.ask([block(0, 0), block(0, 0)])
    serving.uploads.cancel(0, 0, BLOCK_BYTES)
    assert serving.serve() == BLOCK_BYTES


def test_whoever_is_choked_is_sent_nothing_more() -> None:
    serving = Serving()
    serving.ask([block(0, 0)])
    assert serving.uploads.forget() == [name_of(block(0, 0))]
    assert serving.serve() == 0


def test_more_requests_than_anybody_needs_are_refused() -> None:
    serving = Serving()
    serving.ask([block(0, 0)] * MAX_QUEUED_REQUESTS)
    with pytest.raises(PeerProtocolError, match=f"at most {MAX_QUEUED_REQUESTS} requests"):
        serving.ask([block(0, 0)])


def test_only_what_was_offered_may_be_asked_for() -> None:
    serving = Serving()
    uploads = Uploads(serving._open, serving._headers, 20, is_limited=False)
    uploads.offer_all(bytes([0b1000_0000, 0b0000_0001, 0]))
    uploads.offer([9, 19])
    for piece_index in range(20):
        if piece_index in (0, 9, 15, 19):
            uploads.ask([row_of(block(piece_index, 0))])
        else:
            with pytest.raises(PeerProtocolError, match="a piece that we have"):
                uploads.ask([row_of(block(piece_index, 0))])


# --- what a peer that speaks BEP 6 is told --------------------------------------------------------------


def names(*requests: Request) -> list[BlockName]:
    return [name_of(request) for request in requests]


def test_what_was_never_offered_is_refused_and_the_rest_is_served() -> None:
    serving = Serving()
    serving.uploads.withdraw(1)
    asked = [row_of(block(piece_index, 0)) for piece_index in range(3)]
    refused = serving.uploads.ask(asked, may_refuse=True)
    assert list(refused) == names(block(1, 0))
    serving.serve()
    assert serving.socket.sent == answers([block(0, 0), block(2, 0)])


def test_what_is_too_much_is_refused() -> None:
    serving = Serving()
    most = [*[block(0, 0)] * (MAX_QUEUED_REQUESTS - 1), block(1, 0)]
    too_much = BlockRow(2, 0, 3 * BLOCK_BYTES, BLOCK_BYTES)
    asked = [*map(row_of, most[:-1]), too_much]
    assert serving.uploads.ask(asked, may_refuse=True) == too_much.blocks()[1:]
    assert serving.uploads.ask([row_of(most[-1])], may_refuse=True) == names(most[-1])


def test_what_is_forgotten_is_named_and_what_is_spared_is_served() -> None:
    serving = Serving()
    serving.ask([block(0, 0), block(1, 0), block(0, 1)])
    assert serving.uploads.forget(spared={1}) == names(block(0, 0), block(0, 1))
    serving.serve()
    assert serving.socket.sent == answers([block(1, 0)])


def test_a_cancel_tells_whether_it_was_in_time() -> None:
    serving = Serving()
    serving.ask([block(0, 0)])
    cancels = [serving.uploads.cancel(*name_of(block(0, 0))) for _ in range(2)]
    assert cancels == [True, False]


def test_what_cannot_be_read_still_waits_and_counts_as_unsent() -> None:
    serving = Serving(reader=Reader(is_content_there=False))
    serving.ask([block(2, 0), block(2, 1)])
    with pytest.raises(ContentGoneError):
        serving.serve()
    assert (serving.socket.sent, serving.uploads.sent_bytes) == (b"", 0)
    assert serving.uploads.withdraw(2) == names(block(2, 0), block(2, 1))
    assert not serving.uploads.can_serve


# --- a limit ----------------------------------------------------------------------------------------


def test_under_a_limit_nothing_is_sent_before_it_is_granted() -> None:
    serving = Serving(is_limited=True)
    serving.ask([block(0, 0), block(0, 1)])
    assert not serving.uploads.can_serve
    assert serving.serve() == 0


def test_a_block_is_sent_when_all_of_it_is_granted() -> None:
    serving = Serving(is_limited=True)
    serving.ask([block(0, 0), block(0, 1)])
    serving.uploads.allowance = BLOCK_BYTES - 1
    assert serving.serve() == 0
    serving.uploads.allowance += 1
    assert serving.serve() == BLOCK_BYTES
    assert serving.uploads.allowance == 0


def test_no_answer_has_more_blocks_than_one_call_may_read_into() -> None:
    assert os.sysconf("SC_IOV_MAX") >= BATCH_BLOCKS
    requests = [Request(0, offset, 1) for offset in range(2 * BATCH_BLOCKS)]
    serving = Serving()
    serving.ask(requests)
    serving.serve()
    assert serving.reader.reads == [(0, 0, BATCH_BLOCKS), (0, BATCH_BLOCKS, BATCH_BLOCKS)]
    assert bytes(serving.socket.sent) == answers(requests)
