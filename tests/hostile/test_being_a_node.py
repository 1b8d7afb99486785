"""A node of the DHT survives whatever is sent to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile.behaviours import Behaviour
from tests.hostile.judging import is_well_afterwards, survives
from tests.hostile.stages import BEING_A_NODE, Arena


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    with BEING_A_NODE.open(tmp_path_factory.mktemp("hostile") / "stage") as opened:
        yield opened


@pytest.mark.parametrize("behaviour", BEING_A_NODE.behaviours, ids=str)
def test_it_survives(arena: Arena, behaviour: Behaviour) -> None:
    survives(arena, behaviour)


def test_afterwards_it_is_idle_and_ends_well(arena: Arena) -> None:
    is_well_afterwards(arena)
