"""`trace lint`: find where a trace breaks a rule of the protocol, or one of our own.

::

    findings = lint(header, events)     # of one trace or a merged one; events by time
    RULES[finding.rule].source          # the BEP, or where our rule stands
"""

from __future__ import annotations

from collections.abc import Iterable

from actortorrent.tracing.events import WIRE_RECEIVED, Event
from actortorrent.tracing.header import TraceHeader
from actortorrent.tracing.linting.actors import ActorRules
from actortorrent.tracing.linting.causality import Causality
from actortorrent.tracing.linting.content import ContentRules
from actortorrent.tracing.linting.dht import DhtRules
from actortorrent.tracing.linting.private import PrivateRules
from actortorrent.tracing.linting.rules import OURS, RULES, Finding, Rule
from actortorrent.tracing.linting.wire import WireRules

__all__ = ["RULES", "Finding", "Lint", "Rule", "lint"]

MAX_OF_A_RULE = 100  # findings told of one rule and actor; the rest would say the same


def lint(header: TraceHeader, events: Iterable[Event]) -> list[Finding]:
    """Return all findings, by time; the events come by time, too, and none is kept."""
    judge = Lint(header)
    for event in events:
        judge.hear(event)
    return judge.end()


class Lint:
    """Hold all nodes of a trace to all rules; to be told all events by time."""

    def __init__(self, header: TraceHeader) -> None:
        self._is_merged = bool(header.nodes)
        headers = {node.name: node.header for node in header.nodes} or {"": header}
        self._linters = {node: _Linter(of_node) for node, of_node in headers.items()}
        self._causality = Causality()

    def hear(self, event: Event) -> None:
        """Judge one event."""
        linter = self._linters.get(event.actor.partition("/")[0] if self._is_merged else "")
        if linter is not None:
            linter.hear(event)
        self._causality.hear(event)

    def end(self) -> list[Finding]:
        """Judge what never came, and return all findings, by time."""
        found = [finding for linter in self._linters.values() for finding in linter.end()]
        return sorted([*found, *self._causality.findings], key=lambda finding: finding.time_ns)


class _Linter:
    """Hold one node to all rules."""

    def __init__(self, header: TraceHeader) -> None:
        self._is_of_others = bool(header.imported_from)  # whom our own rules do not bind
        self._findings: list[Finding] = []
        self._counts: dict[tuple[str, str], int] = {}
        self._wire = WireRules(header, self._blame)
        self._content = ContentRules(header, self._wire, self._blame)
        self._actors = ActorRules(self._blame)
        self._dht = DhtRules(self._blame)
        self._private = PrivateRules(self._blame)

    def hear(self, event: Event) -> None:
        self._content.hear(event)
        self._wire.hear(event)
        self._actors.hear(event)
        self._dht.hear(event)
        self._private.hear(event)

    def end(self) -> list[Finding]:
        self._content.end()
        return self._findings

    def _blame(self, rule: str, event: Event, text: str) -> None:
        if event.name == WIRE_RECEIVED and "match" in event.data:
            return  # the sender's own trace is judged, too, and knows better
        if self._is_of_others and RULES[rule].source == OURS:
            return
        key = (rule, event.actor)
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] <= MAX_OF_A_RULE:
            self._findings.append(Finding(rule, event.id, event.actor, event.time_ns, text))
