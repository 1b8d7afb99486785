from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actortorrent.errors import ActorTorrentError, PeerProtocolError
from actortorrent.wire.block_rows import BlockRow
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.legal_order import State
from actortorrent.wire.message_reading import decode
from actortorrent.wire.messages import (
    MAX_BLOCK_BYTES,
    Bitfield,
    Cancel,
    Choke,
    Extended,
    Have,
    Interested,
    KeepAlive,
    Message,
    NotInterested,
    Piece,
    PieceHeader,
    Port,
    Request,
    Unchoke,
    Unknown,
)
from actortorrent.wire.peer_protocol import Block, Event, OnMessage, PeerProtocol, Requests

KIB = 1024
BLOCK = 16 * KIB
INFO_HASH = b"h" * 20
THEIRS = Handshake(INFO_HASH, b"-LT2110-123456789012")
PIECES, PIECE_LENGTH = 20, 64 * KIB
TOTAL_LENGTH = 19 * PIECE_LENGTH + 20_000


def new_protocol(
    *, we_dialled: bool = True, on_message: OnMessage | None = None, trace_blocks: bool = False
) -> PeerProtocol:
    return PeerProtocol(
        INFO_HASH,
        b"-AT0100-abcdefghijkl",
        PIECES,
        piece_length=PIECE_LENGTH,
        total_length=TOTAL_LENGTH,
        we_dialled=we_dialled,
        on_message=on_message,
        trace_blocks=trace_blocks,
    )


def met_protocol(*messages: Message) -> PeerProtocol:
    """Return one that has shaken hands and heard some messages."""
    protocol = new_protocol()
    protocol.handshake()
    protocol.receive(b"".join(message.encode() for message in (THEIRS, *messages)))
    return protocol


def as_event(message: Message | Handshake) -> Event:
    if isinstance(message, Piece):
        return Block(message.piece_index, message.block_offset, memoryview(message.data))
    return message


# --- receiving ----------------------------------------------------------------------------

BLOCK_NAMES = st.tuples(
    st.integers(0, PIECES - 2), st.integers(0, PIECE_LENGTH - 1), st.integers(1, BLOCK)
).filter(lambda name: name[1] + name[2] <= PIECE_LENGTH)
LATER_MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.sampled_from([KeepAlive(), Choke(), Unchoke(), Interested(), NotInterested()]),
    st.builds(Have, st.integers(0, PIECES - 1)),
    BLOCK_NAMES.map(lambda name: Request(*name)),
    BLOCK_NAMES.map(lambda name: Cancel(*name)),
    BLOCK_NAMES.map(lambda name: Piece(name[0], name[1], bytes((name[2] % 256,)) * name[2])),
    st.builds(Piece, st.just(PIECES - 1), st.just(0), st.just(bytes(20_000))),
    st.builds(Extended, st.integers(0, 255), st.binary(max_size=50)),
    st.builds(Unknown, st.integers(30, 255), st.binary(max_size=50)),
    st.builds(Port, st.integers(0, 65535)),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LATER_MESSAGES, max_size=12), st.data())
def test_any_split_of_the_stream_gives_the_same_events(
    messages: list[Message], data: st.DataObject
) -> None:
    said = [THEIRS, Bitfield(b"\xff\x00\xf0"), *messages]
    stream = b"".join(message.encode() for message in said)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    protocol = new_protocol()
    protocol.handshake()
    protocol.send(Unchoke())
    events: list[Event] = []
    for begin, end in pairwise(sorted({0, *cuts, len(stream)})):
        events += protocol.receive(stream[begin:end])
    silent = KeepAlive, Unknown
    assert events == [as_event(message) for message in said if not isinstance(message, silent)]
    assert protocol.bytes_received == len(stream)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=10), st.booleans())
def test_garbage_is_the_peers_fault_and_costs_little_memory(
    chunks: list[bytes], has_shaken_hands: bool
) -> None:
    protocol = met_protocol() if has_shaken_hands else new_protocol()
    try:
        for chunk in chunks:
            protocol.receive(chunk)
    except PeerProtocolError:
        assert protocol.their_state is State.CLOSED
    assert len(protocol.receive_buffer()) <= 2 * MAX_BLOCK_BYTES


@given(st.integers(MAX_BLOCK_BYTES + 10, 2**32 - 1))
def test_a_length_over_the_limit_is_refused_before_anything_is_kept(length: int) -> None:
    protocol = met_protocol()
    with pytest.raises(PeerProtocolError, match=f"expected at most 131081 bytes, found {length}"):
        protocol.receive(length.to_bytes(4))


def test_keep_alives_are_consumed() -> None:
    protocol = met_protocol(Bitfield(b"\0\0\0"))
    stream = KeepAlive().encode() * 3 + Have(1).encode() + KeepAlive().encode()
    assert protocol.receive(stream) == [Have(1)]
    assert protocol.receive(Have(2).encode()) == [Have(2)]


def test_a_message_waits_for_its_last_byte_which_its_length_does_not_count() -> None:
    protocol = met_protocol()
    stream = Have(1).encode()
    for count in range(1, len(stream)):
        assert protocol.receive(stream[count - 1 : count]) == []
    assert protocol.receive(stream[-1:]) == [Have(1)]


def test_a_block_is_a_view_into_the_receive_buffer() -> None:
    protocol = met_protocol(Unchoke())
    stream = Piece(1, BLOCK, b"b" * 1000).encode()
    free = protocol.receive_buffer()
    free[: len(stream)] = stream
    (block,) = protocol.received(len(stream))
    assert isinstance(block, Block)
    assert block == (1, BLOCK, memoryview(b"b" * 1000))
    assert str(block) == "piece 1, offset 16384, 1000 bytes"
    free[13:15] = b"!!"
    assert bytes(block.data[:3]) == b"!!b"


@pytest.mark.parametrize("piece_index", [0, PIECES - 1])
def test_blocks_of_the_longest_length_are_taken(piece_index: int) -> None:
    length = min(MAX_BLOCK_BYTES, PIECE_LENGTH if piece_index == 0 else 20_000)
    protocol = met_protocol(Unchoke())
    (block,) = protocol.receive(Piece(piece_index, 0, bytes(length)).encode())
    assert isinstance(block, Block)
    assert len(block.data) == length


@pytest.mark.parametrize(
    "piece",
    [
        Piece(PIECES, 0, b"x"),
        Piece(0, PIECE_LENGTH, b"x"),
        Piece(0, PIECE_LENGTH - 1, b"xx"),
        Piece(PIECES - 1, 20_000, b"x"),
        Piece(0, 2**32 - 1, b"x" * BLOCK),
        Piece(0, 0, b""),
    ],
    ids=str,
)
def test_a_block_outside_its_piece_is_refused(piece: Piece) -> None:
    protocol = met_protocol(Unchoke())
    with pytest.raises(PeerProtocolError, match="expected"):
        protocol.receive(piece.encode())


def test_what_the_peer_says_of_itself_is_known() -> None:
    protocol = met_protocol()
    assert (protocol.peer_choking, protocol.peer_interested) == (True, False)
    protocol.receive(Unchoke().encode() + Interested().encode())
    assert (protocol.peer_choking, protocol.peer_interested) == (False, True)
    protocol.receive(Choke().encode() + NotInterested().encode())
    assert (protocol.peer_choking, protocol.peer_interested) == (True, False)


def test_a_request_that_met_our_choke_is_void() -> None:
    protocol = met_protocol(Interested())
    request = Request(0, 0, BLOCK)
    assert protocol.receive(request.encode()) == []
    protocol.send(Unchoke())
    assert protocol.receive(request.encode()) == [request]
    protocol.send(Choke())
    assert protocol.receive(request.encode()) == []
    assert protocol.requests_received == 3


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([Piece(0, 0, b"x")], "found piece"),
        ([Have(PIECES)], "under 20"),
        ([Bitfield(bytes(4))], "3 bytes, found 4"),
        ([Bitfield(b"\0\0\x08")], "spare bits"),
        ([Request(0, 0, MAX_BLOCK_BYTES + 1)], "1 to 131072"),
    ],
    ids=str,
)
def test_a_broken_rule_closes_the_conversation(messages: list[Message], fault: str) -> None:
    protocol = met_protocol()
    with pytest.raises(PeerProtocolError, match=fault):
        protocol.receive(b"".join(message.encode() for message in messages))
    assert protocol.our_state is protocol.their_state is State.CLOSED
    with pytest.raises(PeerProtocolError, match="expected nothing more"):
        protocol.receive(KeepAlive().encode())
    with pytest.raises(ActorTorrentError, match="expected nothing more"):
        protocol.send(KeepAlive())


def test_a_bitfield_may_come_in_the_middle_as_aria2_sends_it() -> None:
    said = [Bitfield(b"\x80\0\0"), Have(1), Bitfield(b"\xf0\0\0")]
    assert met_protocol().receive(b"".join(message.encode() for message in said)) == said


def test_a_bitfield_may_come_behind_extended_messages() -> None:
    bitfield = Bitfield(b"\x80\0\0")
    protocol = met_protocol(KeepAlive(), Extended(0, b"de"), Port(1), Unknown(33, b"x"))
    assert protocol.receive(bitfield.encode()) == [bitfield]


def test_a_handshake_for_another_torrent_is_refused() -> None:
    with pytest.raises(
        PeerProtocolError, match=f"expected info-hash {'68' * 20}, found {'78' * 2}"
    ):
        new_protocol().receive(Handshake(b"x" * 20, b"p" * 20).encode())


def test_a_peer_that_speaks_something_else_is_refused_before_68_bytes() -> None:
    with pytest.raises(PeerProtocolError, match="expected a BitTorrent handshake"):
        new_protocol().receive(b"GET /")


def test_a_second_handshake_is_refused() -> None:
    with pytest.raises(PeerProtocolError):
        met_protocol().receive(THEIRS.encode())


# --- sending ------------------------------------------------------------------------------


def test_whoever_dials_speaks_first() -> None:
    dialling, dialled = new_protocol(), new_protocol(we_dialled=False)
    with pytest.raises(ActorTorrentError, match="before the dialling peer's"):
        dialled.handshake()
    dialled.receive(dialling.handshake())
    (answer,) = dialling.receive(dialled.handshake())
    assert isinstance(answer, Handshake)
    assert answer.info_hash == INFO_HASH


@pytest.mark.parametrize(
    "sent",
    [
        [Interested()],
        [THEIRS, THEIRS],
        [THEIRS, Interested(), Request(0, 0, BLOCK)],
        [THEIRS, Interested(), Piece(0, 0, b"x")],
    ],
    ids=lambda sent: " / ".join(message.name for message in sent),
)
def test_breaking_the_order_ourselves_is_a_bug(sent: list[Message | Handshake]) -> None:
    protocol = new_protocol()
    for message in sent[:-1]:
        protocol.send(message)
    with pytest.raises(ActorTorrentError) as caught:
        protocol.send(sent[-1])
    assert not isinstance(caught.value, PeerProtocolError)


def test_requests_need_an_unchoke_and_our_interest() -> None:
    protocol = met_protocol()
    with pytest.raises(ActorTorrentError, match="while choked"):
        protocol.requests(0, 0, BLOCK, BLOCK)
    protocol.receive(Unchoke().encode())
    with pytest.raises(ActorTorrentError, match="without interest"):
        protocol.requests(0, 0, BLOCK, BLOCK)
    protocol.send(Interested())
    assert protocol.requests(0, 0, BLOCK, BLOCK) == Request(0, 0, BLOCK).encode()


@pytest.mark.parametrize(
    ("offset", "length", "blocks"),
    [
        (0, 40_000, [(0, BLOCK), (BLOCK, BLOCK), (2 * BLOCK, 40_000 - 2 * BLOCK)]),
        (BLOCK, 2 * BLOCK, [(BLOCK, BLOCK), (2 * BLOCK, BLOCK)]),
        (0, 7, [(0, 7)]),
        (0, 0, []),
    ],
)
def test_the_requests_of_a_run_are_written_at_once(
    offset: int, length: int, blocks: list[tuple[int, int]]
) -> None:
    protocol = met_protocol(Unchoke())
    protocol.send(Interested())
    sent = protocol.bytes_sent
    requests = protocol.requests(3, offset, length, BLOCK)
    assert requests == b"".join(Request(3, *block).encode() for block in blocks)
    assert protocol.requests_sent == len(blocks)
    cancels = protocol.cancels(3, offset, length, BLOCK)
    assert cancels == b"".join(Cancel(3, *block).encode() for block in blocks)
    assert protocol.bytes_sent == sent + len(requests) + len(cancels)


def test_the_header_of_a_block_counts_the_block_that_follows_it() -> None:
    protocol = met_protocol(Interested())
    protocol.send(Unchoke())
    sent = protocol.bytes_sent
    header = protocol.piece_header(2, BLOCK, 1000)
    assert header + bytes(1000) == Piece(2, BLOCK, bytes(1000)).encode()
    assert protocol.bytes_sent == sent + 1013
    assert (protocol.blocks_sent, protocol.block_bytes_sent) == (1, 1000)


def test_haves_are_written_at_once() -> None:
    assert met_protocol().haves((3, 5)) == Have(3).encode() + Have(5).encode()


# --- what a trace sees ----------------------------------------------------------------------


class Watcher:
    """Keep what was reported of one end's messages."""

    def __init__(self) -> None:
        self.seen: dict[str, list[tuple[int, int, Message | Handshake]]] = {}

    def __call__(
        self, direction: str, stream_offset: int, length: int, message: Message | Handshake
    ) -> None:
        self.seen.setdefault(direction, []).append((stream_offset, length, message))


def talk(*, trace_blocks: bool) -> tuple[PeerProtocol, Watcher, PeerProtocol, Watcher]:
    """Let two ends of one connection exchange some messages and blocks."""
    here, there = Watcher(), Watcher()
    leech = new_protocol(on_message=here, trace_blocks=trace_blocks)
    seed = new_protocol(on_message=there, we_dialled=False, trace_blocks=trace_blocks)
    seed.receive(leech.handshake())
    leech.receive(seed.handshake() + seed.send(Bitfield(b"\xff\xff\xf0")))
    seed.receive(leech.send(Interested()) + leech.send(KeepAlive()))
    leech.receive(seed.send(Unchoke()))
    seed.receive(leech.requests(1, 0, 2 * BLOCK, BLOCK) + leech.cancels(1, BLOCK, BLOCK, BLOCK))
    leech.receive(seed.piece_header(1, 0, BLOCK) + bytes(BLOCK))
    seed.receive(leech.haves((1,)) + leech.send(NotInterested()))
    leech.receive(seed.send(Choke()))
    return leech, here, seed, there


@pytest.mark.parametrize("trace_blocks", [False, True])
def test_stream_offset_and_length_name_the_same_message_at_both_ends(trace_blocks: bool) -> None:
    leech, here, seed, there = talk(trace_blocks=trace_blocks)
    assert here.seen["sent"] == there.seen["received"]
    assert here.seen["received"] == there.seen["sent"]
    assert (leech.bytes_sent, leech.bytes_received) == (seed.bytes_received, seed.bytes_sent)
    if trace_blocks:
        for seen in (here.seen["sent"], here.seen["received"]):
            assert all(one[0] + one[1] == after[0] for one, after in pairwise(seen))


def test_blocks_and_requests_are_reported_only_when_asked_for_but_always_counted() -> None:
    for trace_blocks in (False, True):
        leech, here, seed, _ = talk(trace_blocks=trace_blocks)
        reported = [one[2] for one in here.seen["sent"] + here.seen["received"]]
        assert (Request(1, 0, BLOCK) in reported) is trace_blocks
        assert (PieceHeader(1, 0, BLOCK) in reported) is trace_blocks
        assert Cancel(1, BLOCK, BLOCK) in reported
        assert (leech.requests_sent, seed.requests_received) == (2, 2)
        assert (leech.blocks_received, seed.blocks_sent) == (1, 1)
        assert (leech.block_bytes_received, seed.block_bytes_sent) == (BLOCK, BLOCK)


def test_what_is_reported_holds_no_block() -> None:
    _, here, _, _ = talk(trace_blocks=True)
    (header,) = (one[2] for one in here.seen["received"] if one[2].name == "piece")
    assert str(header) == "piece 1, offset 0, 16384 bytes"
    assert decode(b"\x07" + bytes(8) + b"x").name == header.name


def test_requests_in_a_row_are_one_event() -> None:
    protocol = met_protocol(Interested())
    protocol.send(Unchoke())
    names = [(0, 0, BLOCK), (0, BLOCK, BLOCK), (7, 5, 1), (PIECES - 1, 0, 20_000)]
    stream = b"".join(Request(*name).encode() for name in names)
    protocol.receive_buffer()[: len(stream)] = stream
    # The last piece is looked at more closely, as it is shorter than the others.
    rows = (BlockRow(0, 0, 2 * BLOCK, BLOCK), BlockRow(7, 5, 1, 1))
    assert protocol.received(len(stream)) == [Requests(rows), Request(*names[3])]
    assert protocol.requests_received == 4


def test_headers_of_several_blocks_are_those_of_each() -> None:
    row = BlockRow(0, 0, BLOCK + 5, BLOCK)
    together, one_by_one = met_protocol(), met_protocol()
    for protocol in (together, one_by_one):
        protocol.send(Interested())
        with pytest.raises(ActorTorrentError, match="choke"):
            protocol.piece_headers(row)
        protocol.send(Unchoke())
    assert together.piece_headers(row) == [one_by_one.piece_header(*name) for name in row.blocks()]
    for count in ("bytes_sent", "blocks_sent", "block_bytes_sent"):
        assert getattr(together, count) == getattr(one_by_one, count)


@pytest.mark.parametrize(
    "name", [(PIECES, 0, 1), (0, PIECE_LENGTH - 1, 2), (0, 0, 0), (0, 0, MAX_BLOCK_BYTES + 1)]
)
def test_among_many_requests_a_wrong_one_is_found(name: tuple[int, int, int]) -> None:
    protocol = met_protocol(Interested())
    protocol.send(Unchoke())
    right = Request(0, 0, BLOCK).encode()
    with pytest.raises(PeerProtocolError, match="expected"):
        protocol.receive(2 * right + Request(*name).encode() + right)
