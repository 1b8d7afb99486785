"""What came of an attack, and the bounds that it must keep."""

from __future__ import annotations

from dataclasses import dataclass

from tests.hostile.behaviours import Behaviour
from tests.hostile.vitals import MIB

MOST_GROWTH_BYTES = 20 * MIB
MOST_BYTES = 150 * MIB
TRACEBACK = "Traceback (most recent call last)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Say what came of one attack.

    Attributes:
        whys: what the log says.
        unexplained: connections of which it says nothing.
        served_seconds: from the end of the attack until an honest peer had a block.
        fetched_seconds: until what it brought was verified.
        growth_bytes: of memory, at the peak.
        peak_bytes: of memory.
        threads, descriptors: more than before, when all had settled.
    """

    whys: list[str]
    growth_bytes: int
    peak_bytes: int
    threads: int
    descriptors: int
    unexplained: int = 0
    served_seconds: float = 0.0
    fetched_seconds: float = 0.0

    def faults(self, behaviour: Behaviour, patience: float = 1.0) -> list[str]:
        """Return what is to be said against it.

        Args:
            behaviour: what it came of.
            patience: how many times as long as it should take an honest peer may wait.
        """
        found = []
        if self.served_seconds > patience * behaviour.within_seconds:
            found.append(f"an honest peer was served after {self.served_seconds:.1f} s")
        if not behaviour.is_told_by(self.whys):
            found.append(f"expected {behaviour.why!r} in the log, found {sorted(set(self.whys))}")
        if self.unexplained:
            found.append(f"of {self.unexplained} connections the log does not say why they ended")
        if self.growth_bytes > MOST_GROWTH_BYTES:
            found.append(f"memory grew by {self.growth_bytes / MIB:.1f} MiB")
        if self.peak_bytes > MOST_BYTES:
            found.append(f"it took {self.peak_bytes / MIB:.1f} MiB")
        if self.threads > 0 or self.descriptors > 0:
            found.append(f"{self.threads} threads and {self.descriptors} descriptors stayed")
        return found
