"""The extensions' messages against libtorrent, with nothing around them but a blocking socket."""

from __future__ import annotations

import random
import socket
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

from actortorrent.rules.allowed_fast import allowed_fast_set
from actortorrent.rules.metadata_fetching import MetadataLedger
from actortorrent.rules.metadata_serving import MetadataServing
from actortorrent.rules.peer_exchange import ExchangeHearing, ExchangeTelling
from actortorrent.wire.addresses import Address
from actortorrent.wire.extension_handshake import (
    EXTENSION_HANDSHAKE_ID,
    METADATA_ID,
    PEX_ID,
    UT_METADATA,
    UT_PEX,
    ExtensionHandshake,
)
from actortorrent.wire.handshake import Handshake, new_peer_id, reserved_bytes
from actortorrent.wire.legal_order import State
from actortorrent.wire.magnet import parse_magnet
from actortorrent.wire.messages import (
    AllowedFast,
    Choke,
    Extended,
    HaveAll,
    HaveNone,
    Interested,
    Message,
    Reject,
    Request,
    Unchoke,
)
from actortorrent.wire.metadata_exchange import MetadataKind, MetadataMessage
from actortorrent.wire.metainfo import Metainfo
from actortorrent.wire.peer_exchange import ContactFlags, PeerExchange
from actortorrent.wire.peer_protocol import Block, Event, PeerProtocol, Requests
from tests.conftest import ContentMaker
from tests.content import Content
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed

LOCALHOST = "127.0.0.1"
BLOCK = 16 * 1024
SIZE = 40 * BLOCK
LIBTORRENT_ALLOWS = 5  # pieces, to whom it chokes
ALSO_LOCAL = "127.1.2.0"  # BEP 6 leaves the last byte out, libtorrent does not: let it be 0
OURS = ((UT_METADATA, METADATA_ID), (UT_PEX, PEX_ID))


def with_long_metadata(content_maker: ContentMaker) -> Content:
    """Return content of little more than names: its info dictionary has four parts."""
    return content_maker({f"{number:03}-{'x' * 80}": 100 for number in range(400)})


class Talk:
    """One connection: our end of the protocol, and what the peer's extensions are."""

    def __init__(self, sock: socket.socket, protocol: PeerProtocol) -> None:
        self.sock = sock
        self.protocol = protocol
        self.theirs = ExtensionHandshake()

    def events(self) -> Generator[Event]:
        """Yield what comes; handshakes of the extensions are read on the way."""
        while count := self.sock.recv_into(self.protocol.receive_buffer()):
            for event in self.protocol.received(count):
                if isinstance(event, Extended) and event.extended_id == EXTENSION_HANDSHAKE_ID:
                    told = ExtensionHandshake.from_payload(event.payload)
                    self.theirs = self.theirs.updated_by(told)
                yield event

    def say(self, *messages: Message | Handshake) -> None:
        self.sock.sendall(b"".join(self.protocol.send(message) for message in messages))


def protocol_of(content: Content, *, is_known: bool = True, we_dialled: bool) -> PeerProtocol:
    return PeerProtocol(
        content.info_hash,
        new_peer_id(random.Random()),
        content.piece_count if is_known else 0,
        piece_length=content.piece_length,
        total_length=content.total_length,
        we_dialled=we_dialled,
        reserved=reserved_bytes(extensions=True, fast=True),
    )


def dialled(
    stack: ExitStack, content: Content, port: int, *, is_known: bool, ours: str = LOCALHOST
) -> Talk:
    """Return a connection to a client, on which our handshake is said."""
    sock = stack.enter_context(closing(socket.create_connection((LOCALHOST, port), 10, (ours, 0))))
    talk = Talk(sock, protocol_of(content, is_known=is_known, we_dialled=True))
    sock.sendall(talk.protocol.handshake())
    return talk


def test_metadata_comes_from_two_of_libtorrent_at_once(content_maker: ContentMaker) -> None:
    content = with_long_metadata(content_maker)
    ledger = MetadataLedger(content.info_hash)
    senders: set[int] = set()
    with ExitStack() as stack:
        seeds = [stack.enter_context(libtorrent_seed(content)) for _ in range(2)]
        talks = [dialled(stack, content, seed.port, is_known=False) for seed in seeds]
        streams = [talk.events() for talk in talks]
        for conn, (talk, stream) in enumerate(zip(talks, streams, strict=True)):
            while not talk.theirs.id_of(UT_METADATA):
                if isinstance(next(stream), Handshake):
                    talk.say(ExtensionHandshake(OURS).message(), HaveNone())
            assert talk.protocol.speaks_fast
            assert ledger.peer_offers(conn, talk.theirs.metadata_size or 0)
            assert talk.theirs.client.startswith("libtorrent")
            assert talk.theirs.your_ip == LOCALHOST
        owed = 0
        while ledger.metadata is None:
            for one in ledger.requests(0.0):
                talk = talks[one.conn]
                asked = MetadataMessage(MetadataKind.REQUEST, one.part_index)
                talk.say(Extended(talk.theirs.id_of(UT_METADATA), asked.encode()))
                owed += 1
            for conn, stream in enumerate(streams):
                senders.add(conn)
                answer = next_metadata(stream)
                assert answer.kind is MetadataKind.DATA
                ledger.answer_came(conn, answer, 0.0)
                owed -= 1
            assert owed >= 0
    assert senders == {0, 1}
    assert ledger.metadata == Metainfo.from_file(content.torrent).raw_info


def next_metadata(stream: Iterator[Event]) -> MetadataMessage:
    for event in stream:
        if isinstance(event, Extended) and event.extended_id == METADATA_ID:
            message = MetadataMessage.from_payload(event.payload)
            assert message is not None
            return message
    raise AssertionError("the peer hung up")


def test_libtorrent_learns_the_torrent_from_us_by_our_magnet_link(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = with_long_metadata(content_maker)
    torrent = Metainfo.from_file(content.torrent)
    serving = MetadataServing(torrent.raw_info)
    with closing(socket.create_server((LOCALHOST, 0))) as listener:
        listener.settimeout(60)
        here = Address(*listener.getsockname())
        link = replace(parse_magnet(torrent.magnet_link), peers=(here,), name="ä b").link
        with libtorrent_fetch(content, tmp_path, extra=["--magnet", link]) as leech:
            sock, _ = listener.accept()
            sock.settimeout(60)
            with closing(sock):
                serve_metadata(Talk(sock, protocol_of(content, we_dialled=False)), serving)
                leech.process.wait_for_line('"event": "metadata"')


def serve_metadata(talk: Talk, serving: MetadataServing) -> None:
    """Serve until the peer knows the torrent, and says that it wants the content."""
    for event in talk.events():
        if isinstance(event, Handshake):
            hello = ExtensionHandshake(OURS, "test 1.0", metadata_size=serving.size)
            talk.say(talk.protocol.our_handshake, hello.message(), HaveAll())
        elif isinstance(event, Extended) and event.extended_id == METADATA_ID:
            asked = MetadataMessage.from_payload(event.payload)
            assert asked is not None
            answer = serving.answer(asked.part_index)
            assert answer.kind is MetadataKind.DATA
            talk.say(Extended(talk.theirs.id_of(UT_METADATA), answer.encode()))
        elif isinstance(event, Interested):
            return


def test_libtorrent_has_all_and_allows_us_the_same_pieces_as_we_would(
    content_maker: ContentMaker,
) -> None:
    content = content_maker(SIZE, piece_length=BLOCK)
    allowed: list[int] = []
    with ExitStack() as stack:
        seed = stack.enter_context(libtorrent_seed(content))
        talk = dialled(stack, content, seed.port, is_known=True, ours=ALSO_LOCAL)
        said = talk.events()
        assert isinstance(next(said), Handshake)
        talk.say(HaveNone(), Interested())
        assert HaveAll() in (next(said) for _ in range(3))
        while len(allowed) < LIBTORRENT_ALLOWS:
            event = next(said)
            if isinstance(event, AllowedFast):
                allowed.append(event.piece_index)
        talk.say(Request(allowed[0], 0, BLOCK))
        block = next(event for event in said if isinstance(event, Block))
        assert (block.piece_index, len(block.data)) == (allowed[0], BLOCK)
    ours = allowed_fast_set(content.info_hash, ALSO_LOCAL, content.piece_count, LIBTORRENT_ALLOWS)
    assert tuple(allowed) == ours


def test_libtorrent_takes_a_reject_and_asks_again(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(SIZE, piece_length=BLOCK)
    with closing(socket.create_server((LOCALHOST, 0))) as listener:
        listener.settimeout(60)
        here = f"{LOCALHOST}:{listener.getsockname()[1]}"
        with libtorrent_fetch(content, tmp_path, peers=[here]):
            sock, _ = listener.accept()
            sock.settimeout(60)
            with closing(sock):
                protocol = protocol_of(content, we_dialled=False)
                rejected = reject_all(Talk(sock, protocol))
    assert len(rejected) >= 3, "after a reject it goes on asking, and does not hang up"


def reject_all(talk: Talk) -> list[Request]:
    """Unchoke the peer, reject its first requests, choke it, and unchoke it again."""
    rejected: list[Request] = []
    for event in talk.events():
        if isinstance(event, Handshake):
            talk.say(talk.protocol.our_handshake, HaveAll())
        elif isinstance(event, Interested):
            talk.sock.sendall(talk.protocol.send(Unchoke()))
        elif isinstance(event, (Requests, Request)):
            names = _names_of(event)
            rejected += [Request(*name) for name in names]
            rejects = b"".join(talk.protocol.send(Reject(*name)) for name in names)
            again = talk.protocol.send(Choke()) + rejects + talk.protocol.send(Unchoke())
            talk.sock.sendall(again)
            if len(rejected) >= 3:
                return rejected
    return rejected


def _names_of(event: Requests | Request) -> list[tuple[int, int, int]]:
    if isinstance(event, Requests):
        return [name for row in event.rows for name in row.blocks()]
    return [(event.piece_index, event.block_offset, event.length)]


def test_libtorrent_dials_whom_we_tell_it_of(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker(SIZE)
    with ExitStack() as stack:
        seed = stack.enter_context(libtorrent_seed(content))
        listener = stack.enter_context(closing(socket.create_server((LOCALHOST, 0))))
        listener.settimeout(60)
        here = f"{LOCALHOST}:{listener.getsockname()[1]}"
        leech = stack.enter_context(libtorrent_fetch(content, tmp_path / "into", peers=[here]))
        sock, _ = listener.accept()
        sock.settimeout(60)
        talk = Talk(stack.enter_context(closing(sock)), protocol_of(content, we_dialled=False))
        exchange_handshakes(talk)
        telling = ExchangeTelling(Address(LOCALHOST, leech.port))
        seed_there = {Address(LOCALHOST, seed.port): ContactFlags.REACHABLE}
        message = telling.next_message(seed_there, 0.0)
        assert message is not None
        talk.say(Extended(talk.theirs.id_of(UT_PEX), message.encode()))
        leech.wait_until_done()
    content.assert_same_in(tmp_path / "into")


def test_libtorrent_tells_us_of_others(content_maker: ContentMaker) -> None:
    content = content_maker(SIZE)
    with ExitStack() as stack:
        seed = stack.enter_context(libtorrent_seed(content))
        other = dialled(stack, content, seed.port, is_known=True)
        said = exchange_handshakes(other, listen_port=7_999)
        talk = dialled(stack, content, seed.port, is_known=True)
        exchanges = (
            PeerExchange.from_payload(event.payload)
            for event in exchange_handshakes(talk)
            if isinstance(event, Extended) and event.extended_id == PEX_ID
        )
        contacts = ExchangeHearing(Address(LOCALHOST, seed.port)).message_came(next(exchanges), 0.0)
        assert Address(LOCALHOST, 7_999) in {contact.address for contact in contacts}
        said.close()


def exchange_handshakes(talk: Talk, listen_port: int | None = None) -> Generator[Event]:
    """Say hello both ways; return what comes behind the peer's."""
    events = talk.events()
    for event in events:
        if isinstance(event, Handshake):
            if talk.protocol.our_state is State.AWAITING_HANDSHAKE:
                talk.say(talk.protocol.our_handshake)
            talk.say(ExtensionHandshake(OURS, listen_port=listen_port).message(), HaveNone())
        if talk.theirs.id_of(UT_PEX):
            break
    return events
