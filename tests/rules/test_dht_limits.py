from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.dht_limits import (
    MAX_ADDRESSES,
    VERIFIED_SECONDS,
    AddressCredits,
    Allowance,
    QueryLimits,
    Rates,
)
from actortorrent.wire.addresses import Address

HERE = Address("8.8.8.8", 5)
RATES = Rates(of_one=2, burst_of_one=4, of_all=5, burst_of_all=10)


def test_an_allowance_is_a_burst_and_then_so_many_a_second() -> None:
    allowance = Allowance(rate=2, burst=4, now=0.0)
    assert [allowance.take(0.0) for _ in range(5)] == [True] * 4 + [False]
    assert [allowance.take(1.0) for _ in range(3)] == [True, True, False]
    assert [allowance.take(100.0) for _ in range(5)] == [True] * 4 + [False]


def test_a_host_of_the_internet_counts_as_one_whatever_its_ports() -> None:
    limits = QueryLimits(RATES, 0.0)
    assert sum(limits.allows(Address("8.8.8.8", port), 0.0) for port in range(1, 9)) == 4


def test_on_a_private_network_each_port_counts_as_one() -> None:
    limits = QueryLimits(RATES, 0.0)
    assert all(limits.allows(Address("127.0.0.1", port), 0.0) for port in range(1, 9))


def test_in_all_there_is_a_limit_but_for_awaited_answers() -> None:
    limits = QueryLimits(RATES, 0.0)
    allowed = [limits.allows(Address(f"8.8.{n}.8", 5), 0.0) for n in range(20)]
    assert sum(allowed) == 10
    assert limits.allows(Address("8.9.9.9", 5), 0.0, is_awaited=True)


def test_who_is_over_its_own_limit_does_not_use_up_that_of_all() -> None:
    limits = QueryLimits(RATES, 0.0)
    for _ in range(100):
        limits.allows(HERE, 0.0)
    assert sum(limits.allows(Address(f"8.8.{n}.8", 5), 0.0) for n in range(20)) == 6


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 300)), max_size=100))
def test_a_credit_is_never_more_than_came_less_what_went(
    steps: list[tuple[bool, int, int]],
) -> None:
    ledger, balance = AddressCredits(), dict.fromkeys(range(4), 0)
    for is_received, who, count in steps:
        address = Address("8.8.8.8", who + 1)
        if is_received:
            ledger.received(address, count)
            balance[who] += count
        elif count <= (ledger.left(address, 0.0) or 0):
            ledger.spent(address, count)
            balance[who] -= count
    for who, left in balance.items():
        assert ledger.left(Address("8.8.8.8", who + 1), 0.0) == left


def test_what_is_forgotten_lessens_a_credit() -> None:
    ledger = AddressCredits()
    ledger.received(HERE, 100)
    for port in range(1, MAX_ADDRESSES + 1):
        ledger.received(Address("8.8.9.9", port), 100)
    assert ledger.left(HERE, 0.0) == 0
    ledger.spent(HERE, 50)
    assert ledger.left(HERE, 0.0) == 0


def test_who_hears_us_has_no_such_limit_for_a_while() -> None:
    ledger = AddressCredits()
    ledger.received(HERE, 100)
    ledger.verified(HERE, 0.0)
    assert ledger.left(HERE, VERIFIED_SECONDS - 1) is None
    assert ledger.left(HERE, VERIFIED_SECONDS) == 100
    assert ledger.left(Address("8.8.8.8", 6), 0.0) == 0
