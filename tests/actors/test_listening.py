from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from actortorrent.actors import listening
from actortorrent.actors.listening import accept_some, open_listeners
from actortorrent.errors import UsageError
from actortorrent.wire.addresses import Address

LOCALHOST = "127.0.0.1"


@contextmanager
def listeners_on(port: int | None, bind: str | None) -> Iterator[tuple[socket.socket, ...]]:
    listeners = open_listeners(port, bind)
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def accept_one(listener: socket.socket) -> Address:
    listener.settimeout(60)
    ((sock, address),) = accept_some(listener, 1)
    sock.close()
    return address


def test_ipv4_and_ipv6_share_one_port() -> None:
    with listeners_on(0, None) as listeners:
        assert len({port_of(listener) for listener in listeners}) == 1
        assert listeners[0].family == socket.AF_INET
        assert len(listeners) == 1 or listeners[1].family == socket.AF_INET6
        for listener, host in zip(listeners, (LOCALHOST, "::1"), strict=False):
            with closing(socket.create_connection((host, port_of(listener)), timeout=60)) as client:
                address = accept_one(listener)
                assert address == Address(host, client.getsockname()[1])


def test_a_machine_without_ipv6_listens_on_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    open_one = listening._open_listener

    def no_ipv6(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no such family")
        return open_one(family, host, port)

    monkeypatch.setattr(listening, "_open_listener", no_ipv6)
    with listeners_on(0, None) as listeners:
        assert [listener.family for listener in listeners] == [socket.AF_INET]


def test_an_address_of_ours_is_the_only_one_listened_on() -> None:
    with listeners_on(0, LOCALHOST) as listeners:
        assert [listener.getsockname()[0] for listener in listeners] == [LOCALHOST]


def test_without_a_wish_the_first_customary_port_that_is_free_is_taken() -> None:
    with listeners_on(None, LOCALHOST) as first, listeners_on(None, LOCALHOST) as second:
        ports = [port_of(first[0]), port_of(second[0])]
        assert ports[0] < ports[1]
        assert ports[0] in range(6881, 6890)


def test_when_all_customary_ports_are_taken_any_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with listeners_on(0, LOCALHOST) as taken:
        monkeypatch.setattr(listening, "CUSTOMARY_PORTS", (port_of(taken[0]),))
        with listeners_on(None, LOCALHOST) as listeners:
            assert port_of(listeners[0]) != port_of(taken[0])


def test_a_port_that_is_taken_is_named() -> None:
    with listeners_on(0, LOCALHOST) as taken:
        port = port_of(taken[0])
        with pytest.raises(UsageError, match=f"cannot listen on port {port} of {LOCALHOST}: "):
            open_listeners(port, LOCALHOST)


def test_an_address_that_is_not_ours_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on any port of 192\.0\.2\.1: "):
        open_listeners(0, "192.0.2.1")


def test_no_more_connections_are_accepted_at_a_time_than_asked_for() -> None:
    with listeners_on(0, LOCALHOST) as (listener,):
        clients = [socket.create_connection((LOCALHOST, port_of(listener))) for _ in range(3)]
        counts = []
        for _ in range(3):
            accepted = list(accept_some(listener, 2))
            counts.append(len(accepted))
            for sock, _ in accepted:
                sock.close()
        for client in clients:
            client.close()
        assert counts == [2, 1, 0]
