from __future__ import annotations

import pytest

from actortorrent.actors.resolving import is_local, reachable_from, resolve
from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address

V4, V6 = Address("192.0.2.1", 1), Address("2001:db8::1", 1)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "2002:7f00:1::"),
    ],
)
def test_addresses_that_are_not_of_the_public_internet_are_local(host: str) -> None:
    assert is_local(Address(host, 80))


@pytest.mark.parametrize("host", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_public_addresses_are_not_local(host: str) -> None:
    assert not is_local(Address(host, 80))


def test_an_address_resolves_to_itself() -> None:
    assert resolve("127.0.0.1", 80) == (Address("127.0.0.1", 80),)
    assert resolve("::1", 80) == (Address("::1", 80),)


@pytest.mark.parametrize("host", ["nobody.invalid", "a" * 70, "a..b", "ü" * 64])
def test_a_host_without_an_address_is_an_error_of_the_tracker(host: str) -> None:
    with pytest.raises(TrackerError, match="no address found"):
        resolve(host, 80)


def test_from_an_address_of_ours_only_its_own_kind_is_reached() -> None:
    assert reachable_from(None, (V4, V6)) == (V4, V6)
    assert reachable_from("127.0.0.1", (V4, V6)) == (V4,)
    assert reachable_from("::1", (V4, V6)) == (V6,)
    with pytest.raises(TrackerError, match="reached from ::1"):
        reachable_from("::1", (V4,))
