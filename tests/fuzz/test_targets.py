"""Every fuzz target holds on its own seeds, and on thousands of inputs near them."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import NAMES, load

MOST_BYTES = 8 * 1024 * 1024  # of memory for one short input
EDITS = st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=4), st.booleans()), max_size=4)
each_target = pytest.mark.parametrize("name", NAMES)


def edited(seed: bytes, edits: list[tuple[float, bytes, bool]]) -> bytes:
    """Return a seed with some bytes written over others, or put between them."""
    for where, put, is_inserted in edits:
        begin = int(where * len(seed))
        seed = seed[:begin] + put + seed[begin + (0 if is_inserted else len(put)) :]
    return seed


@each_target
def test_its_seeds_are_short_and_cost_little_memory(name: str) -> None:
    target = load(name)
    for seed in target.seeds():
        target.check(seed)  # the first run loads what is loaded late
        tracemalloc.start()
        try:
            target.check(seed)
            assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
        finally:
            tracemalloc.stop()
        assert len(seed) <= target.longest


@each_target
def test_it_holds_near_its_seeds_and_for_any_bytes(name: str) -> None:
    target = load(name)
    seeds = target.seeds()

    @settings(max_examples=40)
    @given(EDITS, st.binary(max_size=100))
    def holds(edits: list[tuple[float, bytes, bool]], anything: bytes) -> None:
        for seed in (*seeds, anything):
            target.check(edited(seed, edits))

    holds()
