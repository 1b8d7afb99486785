"""When a router is asked again."""

from __future__ import annotations

import pytest

from actortorrent.rules.port_mapping import SHORTEST_RENEWAL_SECONDS, seconds_to_renewal
from actortorrent.wire.port_mapping import MappingGranted


@pytest.mark.parametrize(
    ("lifetimes", "seconds"),
    [((3600,), 1800), ((100, 3600), 50), ((2**32 - 1,), 1800), ((1,), SHORTEST_RENEWAL_SECONDS)],
)
def test_a_mapping_is_renewed_at_half_of_its_time(
    lifetimes: tuple[int, ...], seconds: float
) -> None:
    granted = tuple(MappingGranted(6881, lifetime) for lifetime in lifetimes)
    assert seconds_to_renewal(granted) == seconds
