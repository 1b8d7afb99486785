"""What the tests of all stages have in common."""

from __future__ import annotations

from tests.hostile.behaviours import Behaviour
from tests.hostile.stages import Arena

PATIENCE = 15.0  # times as long as it should take, on a machine that is busy with something else
IDLE_SECONDS = 0.5
MOST_BUSY = 0.05  # of a core; the goal is 0.01, and `make hostile` prints what it is


def survives(arena: Arena, behaviour: Behaviour) -> None:
    """Fail unless the client stays within its bounds, serves, fetches, and says what went wrong."""
    faults = arena.meet(behaviour).faults(behaviour, PATIENCE)
    assert not faults, f"{behaviour}: {'; '.join(faults)}"
    assert not arena.complaints()


def is_well_afterwards(arena: Arena) -> None:
    """Fail unless the client is idle now, and ends well."""
    assert arena.busy(IDLE_SECONDS) < MOST_BUSY
    arena.finish()
    assert not arena.complaints()
