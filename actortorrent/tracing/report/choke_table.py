"""Who choked whom and when, and why: the flags of each connection, and the rounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actortorrent.tracing.events import DECISION, STATE, Event

MAX_CHANGES = 100_000
MAX_ROUNDS = 5_000
FLAGS = ("am_choking", "am_interested", "peer_choking", "peer_interested")


class ChokeTable:
    """Collect the flags of connections as they change, and the decisions on slots."""

    def __init__(self, actor: Callable[[str], int]) -> None:
        self._actor = actor
        self._changes: list[list[int]] = []
        self._rounds: list[list[Any]] = []
        self._left_out = 0

    def see(self, event: Event, row: int, micros: int) -> None:
        """Take what an event says of choking and interest."""
        data = event.data
        if event.name == "actor:spawned":
            state = data.get("state")
            for key, value in state.items() if isinstance(state, dict) else ():
                self._change(event.actor, row, micros, key, value)
        elif event.name == STATE:
            self._change(event.actor, row, micros, data.get("key"), data.get("new"))
        elif event.name == DECISION and data.get("what") == "unchoke":
            self._round(event, row, micros)

    def _change(self, actor: str, row: int, micros: int, key: object, value: object) -> None:
        if key not in FLAGS or not isinstance(value, bool):
            return
        if len(self._changes) >= MAX_CHANGES:
            self._left_out += 1
            return
        flag = FLAGS.index(str(key))
        self._changes.append([micros, row, self._actor(actor), flag, int(value)])

    def _round(self, event: Event, row: int, micros: int) -> None:
        candidates = event.data.get("candidates")
        if not isinstance(candidates, list) or len(self._rounds) >= MAX_ROUNDS:
            self._left_out += 1
            return
        node, slash, _ = event.actor.rpartition("/")
        verdicts = [
            {**one, "peer": self._actor(f"{node}{slash}{one.get('peer')}")}
            for one in candidates
            if isinstance(one, dict)
        ]
        figures = {key: event.data.get(key) for key in ("rule", "slots", "pace")}
        self._rounds.append([micros, row, self._actor(event.actor), figures, verdicts])

    def to_json(self) -> dict[str, Any]:
        """Return the changes of flags (time, row, actor, flag, value), and the rounds."""
        return {
            "flags": list(FLAGS),
            "changes": self._changes,
            "rounds": self._rounds,
            "left_out": self._left_out,
        }
