"""The sans-I/O protocol against libtorrent, with nothing around it but a blocking socket."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from actortorrent.rules.geometry import BLOCK_BYTES, Geometry
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.messages import Bitfield, Interested, Request, Unchoke
from actortorrent.wire.peer_protocol import Block, Event, PeerProtocol, Requests
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed

LOCALHOST = "127.0.0.1"
PIECE_LENGTH = 64 * 1024
SIZE = 40 * PIECE_LENGTH + 12_345  # a short last piece, and spare bits in the bitfield
GEOMETRY = Geometry(SIZE, PIECE_LENGTH)


def protocol_for(content: Content, *, we_dialled: bool) -> PeerProtocol:
    return PeerProtocol(
        content.info_hash,
        b"-AT0100-bareprotocol",
        GEOMETRY.piece_count,
        piece_length=PIECE_LENGTH,
        total_length=SIZE,
        we_dialled=we_dialled,
    )


def events_from(sock: socket.socket, protocol: PeerProtocol) -> Iterator[Event]:
    while count := sock.recv_into(protocol.receive_buffer()):
        for event in protocol.received(count):
            if isinstance(event, Requests):
                yield from (Request(*name) for row in event.rows for name in row.blocks())
            else:
                yield event


def all_requests(protocol: PeerProtocol) -> bytes:
    runs = (GEOMETRY.whole_piece(index) for index in range(GEOMETRY.piece_count))
    return b"".join(
        protocol.requests(run.piece_index, run.offset, run.length, BLOCK_BYTES) for run in runs
    )


def bytes_of(content: Content) -> bytes:
    return b"".join((content.folder / path).read_bytes() for path, _ in content.files)


def test_it_fetches_from_libtorrent(content_maker: ContentMaker) -> None:
    content = content_maker(SIZE, piece_length=PIECE_LENGTH)
    protocol = protocol_for(content, we_dialled=True)
    fetched, missing = bytearray(SIZE), SIZE
    with (
        libtorrent_seed(content) as seed,
        closing(socket.create_connection((LOCALHOST, seed.port), timeout=60)) as sock,
    ):
        sock.sendall(protocol.handshake() + protocol.send(Interested()))
        for event in events_from(sock, protocol):
            if isinstance(event, Unchoke) and not protocol.requests_sent:  # it says so twice
                sock.sendall(all_requests(protocol))
            elif isinstance(event, Block):
                begin = GEOMETRY.piece_offset(event.piece_index) + event.block_offset
                fetched[begin : begin + len(event.data)] = event.data
                missing -= len(event.data)
                if not missing:
                    break
    assert bytes(fetched) == bytes_of(content)
    assert protocol.block_bytes_received == SIZE


def test_libtorrent_fetches_from_it(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker(SIZE, piece_length=PIECE_LENGTH)
    protocol = protocol_for(content, we_dialled=False)
    data, missing = bytes_of(content), SIZE
    everything = Bitfield(b"\xff" * 5 + b"\x80")
    with closing(socket.create_server((LOCALHOST, 0))) as listener:
        listener.settimeout(60)
        ours = f"{LOCALHOST}:{listener.getsockname()[1]}"
        with libtorrent_fetch(content, tmp_path / "into", peers=[ours]) as leech:
            sock, _ = listener.accept()
            sock.settimeout(60)
            with closing(sock):
                for event in events_from(sock, protocol):
                    if isinstance(event, Handshake):
                        sock.sendall(protocol.handshake() + protocol.send(everything))
                    elif isinstance(event, Interested):
                        sock.sendall(protocol.send(Unchoke()))
                    elif isinstance(event, Request):
                        begin = GEOMETRY.piece_offset(event.piece_index) + event.block_offset
                        block = data[begin : begin + event.length]
                        header = protocol.piece_header(
                            event.piece_index, event.block_offset, event.length
                        )
                        sock.sendall(header + block)
                        missing -= event.length
                        if missing <= 0:
                            break
                leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")
