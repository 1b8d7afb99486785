"""Which rules a trace breaks, where the time of each fetch went, and its longest waits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from actortorrent.tracing.events import Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.linting import RULES, Finding, Lint
from actortorrent.tracing.why import Story
from actortorrent.tracing.why.slow import PHASES, SlowAnswer, SlowFetch, answers_of
from actortorrent.tracing.wording import duration_text

MOST_OF_A_RULE = 50

RowOf = Callable[[str], int]  # the row of an event, by its id; -1 where there is none


class Findings:
    """Judge a trace as `trace lint` and `trace why slow` do; to be told all events by time."""

    def __init__(self, header: TraceHeader) -> None:
        self._lint = Lint(header)
        self._story = Story(header)
        self._fetches = {
            name: SlowFetch(self._story, node) for name, node in self._story.nodes.items()
        }

    def see(self, event: Event) -> None:
        """Judge an event."""
        self._lint.hear(event)
        node = self._story.hear(event)
        if node is not None:
            self._fetches[node.name].hear(event)

    def to_json(self, row_of: RowOf) -> dict[str, Any]:
        """Return the broken rules with their findings, and what each fetch waited for."""
        by_rule: defaultdict[str, list[Finding]] = defaultdict(list)
        for finding in self._lint.end():
            by_rule[finding.rule].append(finding)
        answers = answers_of(self._fetches.values())
        return {
            "rule_count": len(RULES),
            "rules": [_rule_json(name, found, row_of) for name, found in by_rule.items()],
            "phases": dict(PHASES),
            "slow": [_slow_json(answer, row_of) for answer in answers],
        }


def _rule_json(name: str, found: list[Finding], row_of: RowOf) -> dict[str, Any]:
    return {
        "rule": name,
        "says": RULES[name].says,
        "source": RULES[name].source,
        "count": len(found),
        "rows": [[row_of(one.event_id), one.actor, one.text] for one in found[:MOST_OF_A_RULE]],
    }


def _slow_json(answer: SlowAnswer, row_of: RowOf) -> dict[str, Any]:
    return {
        "node": answer.node,
        "took": duration_text(answer.seconds * 1e9),
        "is_complete": answer.is_complete,
        "phases": [
            [seconds / answer.seconds if answer.seconds else 0, duration_text(seconds * 1e9), name]
            for name, seconds in sorted(answer.phases.items(), key=lambda phase: -phase[1])
        ],
        "waits": [
            [row_of(wait.event_id), duration_text(wait.seconds * 1e9), wait.text]
            for wait in answer.waits
        ],
    }
