from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from actortorrent.actors.socket_inbox import MAIL_BEFORE_SOCKETS, SocketInbox
from tests.actors.inbox_kinds import SOCKET_KINDS, call, inbox_of_kind, take, tell
from tests.leaks import FD_FOLDER


@pytest.fixture(params=SOCKET_KINDS)
def inbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SocketInbox]:
    with inbox_of_kind(request.param, monkeypatch) as inbox:
        assert isinstance(inbox, SocketInbox)
        yield inbox


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two connected sockets."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        yield ours, theirs


Pair = tuple[socket.socket, socket.socket]


def watch(inbox: SocketInbox, sock: socket.socket, how: str = "r") -> None:
    inbox.watch(sock, "ready", readable="r" in how, writable="w" in how)


def arguments(inbox: SocketInbox) -> tuple[Any, ...]:
    """Return the arguments of the next message, which must be of a socket."""
    message = inbox.get().message
    assert message.attr_path == ("ready",)
    return tuple(message.args)


def assert_quiet(inbox: SocketInbox) -> None:
    """Say that nothing comes but a timer."""
    inbox.add_timer(0.01, "quiet", ())
    assert take(inbox) == ["quiet"]


def fill(sock: socket.socket) -> None:
    """Send until the socket takes no more."""
    with contextlib.suppress(BlockingIOError):
        while sock.send(bytes(65_536)):
            pass


def drain(sock: socket.socket) -> None:
    """Read all that is there."""
    with contextlib.suppress(BlockingIOError):
        while sock.recv(1 << 20):
            pass


# --- readiness ------------------------------------------------------------------------------------


def test_what_came_makes_a_socket_readable(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours)
    assert_quiet(inbox)
    theirs.send(b"!")
    assert arguments(inbox) == (ours, True, False)
    assert arguments(inbox) == (ours, True, False)  # until it is read
    ours.recv(1)
    assert_quiet(inbox)


def test_room_to_send_makes_it_writable(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours, "w")
    assert arguments(inbox) == (ours, False, True)
    theirs.send(b"!")
    assert arguments(inbox) == (ours, False, True)
    watch(inbox, ours, "rw")
    assert arguments(inbox) == (ours, True, True)


def test_a_full_socket_is_not_writable(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    ours.setblocking(False)
    fill(ours)
    watch(inbox, ours, "rw")
    assert_quiet(inbox)
    theirs.setblocking(False)
    drain(theirs)
    assert arguments(inbox) == (ours, False, True)


def test_the_end_of_a_connection_makes_it_readable(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours)
    theirs.close()
    assert arguments(inbox) == (ours, True, False)


def test_every_ready_socket_gets_its_turn(inbox: SocketInbox) -> None:
    pairs = [socket.socketpair() for _ in range(5)]
    for ours, theirs in pairs:
        watch(inbox, ours)
        theirs.send(b"!")
    assert {arguments(inbox)[0] for _ in pairs} == {ours for ours, _ in pairs}
    for both in pairs:
        for sock in both:
            sock.close()


# --- whose turn it is ---------------------------------------------------------------------------------


def test_mail_comes_before_sockets(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours)
    theirs.send(b"!")
    tell(inbox, "mail", "mail")
    assert take(inbox, 4) == ["mail", "mail", "ready", "ready"]


def test_a_socket_gets_its_turn_though_mail_floods(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours)
    theirs.send(b"!")
    tell(inbox, *(["mail"] * 3 * MAIL_BEFORE_SOCKETS))
    round_of_turns = ["mail"] * MAIL_BEFORE_SOCKETS + ["ready"]
    assert take(inbox, 3 * len(round_of_turns)) == 3 * round_of_turns
    assert inbox.socket_turns == 3


def test_a_flood_of_mail_alone_is_worked_off_without_pause(inbox: SocketInbox) -> None:
    tell(inbox, *(["mail"] * 10 * MAIL_BEFORE_SOCKETS))
    take(inbox, 10 * MAIL_BEFORE_SOCKETS)
    assert inbox.empty()


def test_mail_gets_its_turn_though_a_socket_is_always_ready(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours, "rw")
    theirs.send(b"!")
    for _ in range(3):
        assert take(inbox, 2) == ["ready", "ready"]
        tell(inbox, "mail")
        assert take(inbox) == ["mail"]


def test_a_timer_fires_though_a_socket_is_always_ready(inbox: SocketInbox, pair: Pair) -> None:
    watch(inbox, pair[0], "w")
    inbox.add_timer(0.01, "due", ())
    while take(inbox) != ["due"]:
        pass


# --- watching no more -------------------------------------------------------------------------------------


def test_a_socket_that_is_not_watched_any_more_says_nothing(inbox: SocketInbox, pair: Pair) -> None:
    ours, theirs = pair
    watch(inbox, ours)
    theirs.send(b"!")
    inbox.unwatch(ours)
    assert_quiet(inbox)
    inbox.unwatch(ours)  # once more does no harm


def test_watching_for_nothing_is_watching_no_more_until_it_is_watched_again(
    inbox: SocketInbox, pair: Pair
) -> None:
    ours, theirs = pair
    theirs.send(b"!")
    watch(inbox, ours)
    watch(inbox, ours, "")
    assert_quiet(inbox)
    watch(inbox, ours)
    assert arguments(inbox) == (ours, True, False)


def test_what_a_socket_was_ready_for_is_forgotten_with_it(inbox: SocketInbox) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    for ours, theirs in pairs:
        watch(inbox, ours)
        theirs.send(b"!")
    first = arguments(inbox)[0]  # now the other's readiness waits for its turn
    for ours, _ in pairs:
        inbox.unwatch(ours)
    assert first in [ours for ours, _ in pairs]
    assert_quiet(inbox)
    for both in pairs:
        for sock in both:
            sock.close()


# --- descriptors --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not FD_FOLDER.exists(), reason="descriptors cannot be counted here")
@pytest.mark.parametrize("kind", SOCKET_KINDS)
def test_closing_frees_every_descriptor(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(list(FD_FOLDER.iterdir()))
    with inbox_of_kind(kind, monkeypatch) as inbox:
        tell(inbox, "mail")
        take(inbox)
        assert len(list(FD_FOLDER.iterdir())) > before
    assert len(list(FD_FOLDER.iterdir())) == before


def test_late_mail_wakes_nobody_else_who_got_the_descriptor(inbox: SocketInbox) -> None:
    inbox._is_asleep = True  # as it is to a sender that looked just before the end
    inbox.close()
    taken = [os.pipe() for _ in range(8)]  # the numbers are given away again
    inbox.put(call("late"))
    for reading, writing in taken:
        os.set_blocking(reading, False)
        with pytest.raises(BlockingIOError):
            os.read(reading, 1)
        os.close(reading)
        os.close(writing)
