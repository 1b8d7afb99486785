from __future__ import annotations

import errno
import random
import select
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from actortorrent.actors import peer_socket
from actortorrent.actors.peer_socket import (
    MAX_PENDING_BYTES,
    EncryptedSocket,
    PeerSocket,
    endpoints_of,
    error_of_dialling,
    open_dialling_socket,
)
from actortorrent.errors import PeerProtocolError
from actortorrent.wire.stream_keys import Cipher, new_cipher

LOCALHOST = "127.0.0.1"
SECONDS = 60.0
MIB = 1024 * 1024


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server((LOCALHOST, 0))) as listener:
        listener.settimeout(SECONDS)
        yield listener


@pytest.fixture(params=["as here", "without MSG_DONTWAIT", "without sendmsg"])
def pair(
    request: pytest.FixtureRequest, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[PeerSocket, socket.socket]]:
    """Return a peer's socket as we own it, and the other end of its connection."""
    if request.param == "without MSG_DONTWAIT":
        monkeypatch.setattr(peer_socket, "_DONT_WAIT", 0)
    if request.param == "without sendmsg":
        monkeypatch.setattr(peer_socket, "_HAS_SENDMSG", False)
    theirs = socket.create_connection(listener.getsockname(), timeout=SECONDS)
    accepted, _ = listener.accept()
    ours = PeerSocket(accepted)
    with closing(theirs), closing(ours):
        yield ours, theirs


Pair = tuple[PeerSocket, socket.socket]


def read(ours: PeerSocket, size: int = 65_536) -> bytes:
    """Wait until the socket is readable, and read."""
    assert select.select([ours.sock], [], [], SECONDS)[0]
    buffer = bytearray(size)
    return bytes(buffer[: ours.read_into(memoryview(buffer))])


def receive(theirs: socket.socket, ours: PeerSocket, byte_count: int) -> bytes:
    """Read what was sent, and let the rest be sent whenever there is room."""
    received = bytearray()
    while len(received) < byte_count:
        received += theirs.recv(65_536)
        ours.flush()
    return bytes(received)


# --- reading --------------------------------------------------------------------------------------


def test_what_is_there_is_read_and_no_more_is_waited_for(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"hello")
    assert read(ours, 3) == b"hel"
    assert read(ours) == b"lo"
    assert ours.read_into(memoryview(bytearray(10))) == 0


def test_a_connection_that_the_peer_closed_is_an_error(pair: Pair) -> None:
    ours, theirs = pair
    theirs.sendall(b"bye")
    theirs.close()
    assert read(ours) == b"bye"
    with pytest.raises(ConnectionError, match="closed by the peer"):
        read(ours)


# --- sending --------------------------------------------------------------------------------------


def test_parts_arrive_in_order_and_at_once(pair: Pair) -> None:
    ours, theirs = pair
    ours.send(b"one ", b"", memoryview(b"two "))
    ours.send()
    ours.send(b"three")
    assert ours.pending_bytes == 0
    assert receive(theirs, ours, 13) == b"one two three"
    assert ours.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_what_does_not_fit_waits_until_there_is_room(pair: Pair) -> None:
    ours, theirs = pair
    ours.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    rng = random.Random(0)
    parts = [rng.randbytes(rng.choice([1, 13, 16_384, 70_000])) for _ in range(150)]
    sent = b"".join(parts)
    ours.send(*parts[:100])
    assert ours.pending_bytes > 0
    for part in parts[100:]:
        ours.send(part)
    assert receive(theirs, ours, len(sent)) == sent
    assert ours.pending_bytes == 0


def test_a_peer_that_does_not_read_is_not_waited_for_for_ever(pair: Pair) -> None:
    ours, _ = pair

    def send_on() -> None:
        for _ in range(100):
            ours.send(bytes(MIB))

    with pytest.raises(PeerProtocolError, match="a peer that reads"):
        send_on()
    assert ours.pending_bytes <= MAX_PENDING_BYTES + MIB


def test_two_that_send_much_to_each_other_do_not_wait_for_each_other(pair: Pair) -> None:
    ours, their_socket = pair
    theirs = PeerSocket(their_socket)
    count = 3 * MIB
    for peer in (ours, theirs):
        peer.send(bytes(count))
    received = {ours: 0, theirs: 0}
    while min(received.values()) < count:
        for peer in received:
            if select.select([peer.sock], [], [], 0)[0]:
                received[peer] += len(read(peer))
            peer.flush()
    assert received == {ours: count, theirs: count}


def test_sending_to_a_peer_that_has_gone_is_an_error(pair: Pair) -> None:
    ours, theirs = pair
    theirs.close()

    def send_on() -> None:
        for _ in range(1000):
            ours.send(b"anybody?")
            select.select([ours.sock], [], [], 0.001)

    with pytest.raises(ConnectionError):
        send_on()


def test_closing_forgets_what_waits(pair: Pair) -> None:
    ours, theirs = pair
    ours.send(b"last words")
    ours.close()
    assert theirs.recv(100) == b"last words"
    assert theirs.recv(100) == b""


# --- dialling -------------------------------------------------------------------------------------


def dial(port: int, bind: str | None = None) -> socket.socket:
    """Dial, and wait until it is decided."""
    sock = open_dialling_socket(endpoints_of(LOCALHOST, port, bind)[0], bind)
    assert select.select([], [sock], [], SECONDS)[1]
    return sock


@pytest.mark.parametrize("bind", [None, LOCALHOST])
def test_a_connection_stands_when_its_socket_becomes_writable(
    listener: socket.socket, bind: str | None
) -> None:
    with closing(dial(listener.getsockname()[1], bind)) as sock:
        assert error_of_dialling(sock) is None
        accepted, address = listener.accept()
        with closing(accepted):
            assert address == sock.getsockname()


def test_a_refusal_is_told_with_its_reason(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    with closing(dial(port)) as sock:
        error = error_of_dialling(sock)
    assert error is not None
    assert error.errno == errno.ECONNREFUSED
    assert error.strerror == "Connection refused"


def test_an_address_that_is_not_ours_cannot_be_bound_to(listener: socket.socket) -> None:
    endpoint = endpoints_of(LOCALHOST, listener.getsockname()[1], None)[0]
    with pytest.raises(OSError, match="assign requested address"):
        open_dialling_socket(endpoint, "192.0.2.1")


def test_a_host_is_reached_only_by_the_family_of_the_address_bound_to() -> None:
    assert {family for family, _ in endpoints_of("localhost", 80, LOCALHOST)} == {socket.AF_INET}
    with pytest.raises(OSError, match=r"."):
        endpoints_of("::1", 80, LOCALHOST)


@pytest.mark.parametrize("host", ["..", "a" * 64, "\ud800"])
def test_a_name_that_nobody_can_have_is_an_ordinary_error(host: str) -> None:
    with pytest.raises(OSError, match="no name that a host can have"):
        endpoints_of(host, 80, None)


# --- encrypted ------------------------------------------------------------------------------------


def ciphers() -> tuple[Cipher, Cipher]:
    """Return one direction's cipher as both ends have it."""
    return new_cipher(b"k" * 20), new_cipher(b"k" * 20)


def test_what_is_read_from_an_encrypted_stream_is_decrypted_where_it_lies(pair: Pair) -> None:
    plain, theirs = pair
    sending, receiving = ciphers()
    ours = EncryptedSocket(plain, new_cipher(b"x" * 20), receiving)
    theirs.sendall(sending.update(b"hello"))
    assert read(ours, 3) == b"hel"
    assert read(ours) == b"lo"
    assert ours.read_into(memoryview(bytearray(10))) == 0


def test_what_waited_when_encryption_began_goes_first_and_what_is_sent_stays_as_it_was(
    pair: Pair,
) -> None:
    plain, theirs = pair
    plain.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
    before, block = bytes(3 * MIB), bytearray(b"block" * 50_000)
    plain.send(before)
    assert plain.pending_bytes > 0
    sending, receiving = ciphers()
    ours = EncryptedSocket(plain, sending, new_cipher(b"x" * 20))
    ours.send(b"header", memoryview(block)[:100_000])
    ours.send(memoryview(block)[100_000:])
    assert block == b"block" * 50_000
    came = receive(theirs, ours, len(before) + 6 + len(block))
    assert came[: len(before)] == before
    assert receiving.update(came[len(before) :]) == b"header" + block
    assert ours.pending_bytes == 0
