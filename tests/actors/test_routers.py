"""Routers that speak UPnP and have a will of their own; a real one is in tests/peers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from actortorrent.actors import routers
from actortorrent.actors.routers import Routers
from actortorrent.errors import PortMappingError
from actortorrent.rules.port_mapping import LIFETIME_SECONDS, MappingCall, MappingDone, Way
from actortorrent.wire.port_mapping import MappingGranted, MappingRequest, Transport

PORT = 6881
MAP = MappingRequest(Transport.TCP, PORT, PORT, LIFETIME_SECONDS)
TAKE_BACK = MappingRequest(Transport.TCP, PORT, PORT, 0)


class Device:
    """Stand for the library's view of a router.

    Args:
        refuses: the error with which it answers whoever asks for a port for some time.
        address: what it calls its own.
    """

    lanaddr = "10.0.0.2"

    def __init__(self, refuses: str = "", address: str = "192.0.2.7") -> None:
        self._refuses = refuses
        self._address = address
        self.asked: list[tuple[Any, ...]] = []

    def addportmapping(self, *what: Any) -> bool:
        self.asked.append(("add", *what))
        if self._refuses and what[-1]:
            raise Exception(self._refuses)
        return True

    def addanyportmapping(self, *what: Any) -> int:
        self.asked.append(("any", *what))
        return 40_000

    def deleteportmapping(self, *what: Any) -> bool:
        self.asked.append(("delete", *what))
        return True

    def externalipaddress(self) -> str:
        return self._address


Find = Callable[[Device], list[str | None]]


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Find:
    """Return what makes a device the one that is found; it returns for whom it was looked."""

    def find(device: Device) -> list[str | None]:
        looked: list[str | None] = []

        def find_upnp(bind: str | None) -> Device:
            looked.append(bind)
            return device

        monkeypatch.setattr(routers, "find_upnp", find_upnp)
        return looked

    return find


def permit() -> None:
    """Let it be."""


def ask(asked: Routers, request: MappingRequest = MAP) -> MappingDone:
    return asked.ask(MappingCall(1, (request,), bytes(12), Way.UPNP), permit)


WORDS = (PORT, "TCP", "10.0.0.2", PORT, "actortorrent", "")


def test_the_port_is_asked_for_with_a_lifetime_and_given_back_at_the_same_device(
    find: Find,
) -> None:
    device = Device()
    looked = find(device)
    router = Routers("10.0.0.2")
    granted = MappingGranted(PORT, LIFETIME_SECONDS, "192.0.2.7")
    assert ask(router) == MappingDone(1, Way.UPNP, (granted,))
    ask(router, TAKE_BACK)
    assert device.asked == [("add", *WORDS, LIFETIME_SECONDS), ("delete", PORT, "TCP")]
    assert looked == ["10.0.0.2"], "to look takes seconds: once is enough"


def test_a_port_that_another_machine_has_is_exchanged_for_any(find: Find) -> None:
    find(Device("ConflictInMappingEntry"))
    assert ask(Routers(None)).granted[0].external_port == 40_000


def test_a_router_that_knows_no_lifetimes_is_asked_without_one(find: Find) -> None:
    device = Device("OnlyPermanentLeasesSupported")
    find(device)
    granted = ask(Routers(None)).granted[0]
    assert device.asked[-1] == ("add", *WORDS, 0)
    assert granted.lifetime_seconds == LIFETIME_SECONDS, "so that it is asked again, and taken back"


def test_what_a_router_says_is_told_safely_and_it_is_looked_for_anew(find: Find) -> None:
    looked = find(Device("no\x1b[31m\nway"))
    router = Routers(None)
    for _ in range(2):
        with pytest.raises(PortMappingError, match=r"^UPnP: no\\x1b\[31m\\nway$"):
            ask(router)
    assert looked == [None, None]


@pytest.mark.parametrize("address", ["", "\x1b[31m", "router.example"])
def test_an_address_that_is_none_is_not_told(find: Find, address: str) -> None:
    find(Device(address=address))
    assert ask(Routers(None)).granted[0].external_host == ""


def test_nothing_is_asked_without_permission(find: Find) -> None:
    device = Device()
    find(device)

    def refuse() -> None:
        raise PortMappingError("cancelled")

    with pytest.raises(PortMappingError, match="cancelled"):
        Routers(None).ask(MappingCall(1, (MAP,), bytes(12), Way.UPNP), refuse)
    assert device.asked == []


class Library:
    """Stand for the library, which finds a device that it dialled from 10.0.0.2."""

    def __init__(self) -> None:
        self.searched: list[str] = []

    def UPnP(self, *, discoverdelay: int, multicastif: str) -> Library:  # noqa: ARG002, N802 - its names
        self.searched.append(multicastif)
        self.lanaddr = Device.lanaddr
        return self

    def discover(self) -> None: ...

    def selectigd(self) -> None: ...


@pytest.mark.parametrize(
    ("bind", "usual", "why"),
    [
        ("10.0.0.9", "10.0.0.2", "would not be asked from 10.0.0.9"),
        ("10.0.0.9", "10.0.0.9", "was not asked from 10.0.0.9"),
    ],
)
def test_a_device_that_is_asked_from_another_address_than_ours_gets_no_port(
    monkeypatch: pytest.MonkeyPatch, bind: str, usual: str, why: str
) -> None:
    library = Library()
    monkeypatch.setitem(sys.modules, "miniupnpc", library)  # type: ignore[arg-type]
    monkeypatch.setattr(routers, "_usual_source", lambda: usual)
    with pytest.raises(PortMappingError, match=why):
        routers.find_upnp(bind)
    assert library.searched == [bind] * (bind == usual)
