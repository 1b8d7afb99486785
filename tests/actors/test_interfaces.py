"""`--bind` takes an address of ours, or the name of an interface."""

from __future__ import annotations

import ifaddr
import pytest

from actortorrent.actors.interfaces import own_address
from actortorrent.errors import UsageError


@pytest.mark.parametrize("bind", [None, "127.0.0.1", "::1"])
def test_an_address_stays_as_it_is(bind: str | None) -> None:
    assert own_address(bind) == bind


def test_an_interface_stands_for_its_address() -> None:
    loopback = next(
        adapter.nice_name
        for adapter in ifaddr.get_adapters()
        if any(ip.ip == "127.0.0.1" for ip in adapter.ips)
    )
    assert own_address(loopback) == "127.0.0.1"


def test_an_unknown_interface_is_refused_and_the_known_are_named() -> None:
    with pytest.raises(UsageError, match=r"one of its interfaces \(.+\), found 'tun99'"):
        own_address("tun99")
