from __future__ import annotations

import pytest

from actortorrent.rules.networks import is_local, is_unicast, network_of, plain


def test_who_may_own_a_network_is_one_there() -> None:
    assert network_of("8.8.8.8") == network_of("8.8.8.9") != network_of("8.8.9.8")
    assert network_of("2600:1f18::7") == network_of("2600:1f18::8") != network_of("2600:1f19::7")
    assert network_of("127.0.0.1") != network_of("127.0.0.2")


@pytest.mark.parametrize(
    ("host", "is_ones"),
    [
        ("8.8.8.8", True),
        ("10.0.0.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("255.255.255.255", False),
    ],
)
def test_an_address_of_many_is_nobodys(host: str, is_ones: bool) -> None:
    assert is_unicast(host) is is_ones


def test_ipv4_written_as_ipv6_is_ipv4() -> None:
    assert plain("::ffff:8.8.8.8") == plain("8.8.8.8") == "8.8.8.8"
    assert plain("2600::8") == "2600::8"
    with pytest.raises(ValueError, match=r"peer\.example"):
        plain("peer.example")


@pytest.mark.parametrize(("host", "is_inside"), [("192.168.7.1", True), ("8.8.8.8", False)])
def test_private_networks_are_not_the_internet(host: str, is_inside: bool) -> None:
    assert is_local(host) is is_inside
