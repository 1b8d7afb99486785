"""The figures of a report: who gave whom how much and when, and how busy each actor was."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

from actortorrent.tracing.events import MESSAGE, TIMER, Event

RECEIVED, SENT = "received", "sent"
FINEST_MICROS = 10_000  # a step of the curves at the least
MOST_STEPS = 300  # of a curve


class Tallies:
    """Count bytes by connection and time, and what each actor handled."""

    def __init__(self, actor: Callable[[str], int]) -> None:
        self._actor = actor
        self._bytes: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
        self._blocks: Counter[tuple[str, str]] = Counter()
        self._handled: dict[str, list[int]] = {}
        self._by_kind: Counter[tuple[str, str]] = Counter()

    def see(self, event: Event, category: str, label: str, micros: int) -> None:
        """Count an event."""
        self._by_kind[category, label] += 1
        if event.name in (MESSAGE, TIMER):
            self._count_handling(event)
        elif event.name.startswith("bt:"):
            self._count_bytes(event, micros)

    def _count_handling(self, event: Event) -> None:
        data = event.data
        wait, work, depth = (_count(data.get(key)) for key in ("wait", "dur", "depth"))
        sums = self._handled.setdefault(event.actor, [0, 0, 0, 0])
        sums[0] += 1
        sums[1] += work // 1000
        if event.name == MESSAGE:  # a timer waits on purpose
            sums[2] = max(sums[2], wait // 1000)
            sums[3] = max(sums[3], depth)

    def _count_bytes(self, event: Event, micros: int) -> None:
        direction = event.name.rpartition("_")[2]
        data = event.data
        if event.name in ("bt:blocks_received", "bt:blocks_sent"):
            blocks, size = _count(data.get("count")), _count(data.get("block_bytes"))
        elif data.get("type") == "piece" and isinstance(data.get("fields"), dict):
            blocks, size = 1, _count(data["fields"].get("length"))
        else:
            return
        self._blocks[event.actor, direction] += blocks
        self._bytes[event.actor, direction][micros // FINEST_MICROS] += size

    def to_json(self, end_micros: int) -> dict[str, Any]:
        """Return all figures; curves have `MOST_STEPS` steps until `end_micros` at most."""
        steps = max(1, -(-end_micros // FINEST_MICROS))
        width = -(-steps // MOST_STEPS)
        return {
            "step_micros": width * FINEST_MICROS,
            "transfers": [
                {
                    "peer": self._actor(name),
                    "direction": direction,
                    "blocks": self._blocks[name, direction],
                    "bytes": sum(curve.values()),
                    "curve": _rebinned(curve, width),
                }
                for (name, direction), curve in self._bytes.items()
            ],
            "actors": [[self._actor(name), *sums] for name, sums in self._handled.items()],
            "kinds": [[*kind, count] for kind, count in self._by_kind.most_common()],
        }


def _rebinned(curve: Counter[int], width: int) -> list[list[int]]:
    wider: Counter[int] = Counter()
    for step, size in curve.items():
        wider[step // width] += size
    return [[step, wider[step]] for step in sorted(wider)]


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
