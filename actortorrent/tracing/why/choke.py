"""Why a peer is choked: the rule that decided it, and whom it chose instead.

Each decision on the slots stands in the trace with all its candidates and the figures
that were compared (BEP 3 leaves the rule to the client; ours is in rules/choking.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from actortorrent.tracing.events import DECISION, Event
from actortorrent.tracing.show import Line, Part
from actortorrent.tracing.why.story import NodeStory, Story, conn_named
from actortorrent.tracing.wording import size_text

REVIEW_SECONDS = 10  # between two reviews of the slots, at the usual pace (rules/choking.py)
RULES: Mapping[str, str] = {
    "tit-for-tat": "every {review} the slots go to who sends us most; one is drawn by lot",
    "turns": "we have all we want: slots go round, so that everybody gets a turn",
    "fill free slots": "who is served goes on; a free slot goes to who waits",
}
RULE_IS = "ours, as BEP 3 leaves it to the client:"
MOST_SHOWN = 12


class Verdict(Struct, frozen=True):
    """Say what one peer got in a decision, with the figures that were compared.

    A rate is its `recent_..._bytes` over `recent_..._seconds`; older traces lack these.
    """

    conn: int
    who: str
    is_unchoked: bool
    reason: str
    download_rate: int
    upload_rate: int
    turn_seconds: int
    recent_downloaded_bytes: int = 0
    recent_download_seconds: float = 0.0
    recent_uploaded_bytes: int = 0
    recent_upload_seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class ChokeAnswer(Struct, frozen=True):
    """Say why one peer was choked, or not, at one moment.

    Attributes:
        node: who decided; nothing in a trace of one.
        event_id, seconds: of the decision; nothing and 0 if none was ever taken on the peer.
        verdict: what the peer got.
        chosen: those that got a slot.
        choked, unchoked: how often it was refused and served, in all decisions of the trace.
        pace: how many times as fast as usual slots were reviewed and turns passed (the lab);
            the `turn_seconds` of verdicts are by that clock.
    """

    node: str
    conn: int
    who: str
    event_id: str = ""
    seconds: float = 0.0
    rule: str = ""
    slots: int = 0
    verdict: Verdict | None = None
    chosen: tuple[Verdict, ...] = ()
    choked: int = 0
    unchoked: int = 0
    pace: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Return the answer as JSON has it."""
        return {
            "node": self.node,
            "conn": self.conn,
            "peer": self.who,
            "decision": self.event_id or None,
            "seconds": self.seconds,
            "rule": self.rule,
            "rule_says": self._rule_says(),
            "bep": 3,
            "slots": self.slots,
            "pace": self.pace,
            "verdict": self.verdict.to_json() if self.verdict else None,
            "chosen": [one.to_json() for one in self.chosen],
            "times_choked": self.choked,
            "times_unchoked": self.unchoked,
        }

    def lines(self) -> Iterator[Line]:
        """Yield the answer for people."""
        by = f"{self.node}: " if self.node else ""
        if self.verdict is None:
            yield (Part("heading", f"{by}{self.who}"), Part("plain", " was never up for a slot:"))
            yield (Part("plain", "  no decision in this trace names it"),)
            return
        state = "is unchoked" if self.verdict.is_unchoked else "is choked"
        yield (Part("heading", f"{by}{self.who} {state}: {self.verdict.reason}"),)
        yield (Part("quiet", f"  decided at {self.seconds:.4f} s, event {self.event_id}"),)
        yield (Part("decision", f"  rule {self.rule}"), Part("plain", f", {RULE_IS}"))
        yield (Part("plain", f"    {self._rule_says() or 'unknown to this version'}"),)
        yield (Part("plain", f"  {self._figures(self.verdict)}"),)
        if made_of := _made_of(self.verdict):
            yield (Part("quiet", f"  that is {made_of}"),)
        yield (Part("plain", f"  {self._chosen_text()}"),)
        for one in self.chosen[:MOST_SHOWN]:
            yield (
                Part("actor", f"    {one.who}"),
                Part("plain", f"  {one.reason}; {self._figures(one)}"),
            )
        if len(self.chosen) > MOST_SHOWN:
            yield (Part("quiet", f"    ... and {len(self.chosen) - MOST_SHOWN} more"),)
        total = self.choked + self.unchoked
        yield (Part("quiet", f"  of {total} decisions on it, {self.unchoked} gave it a slot"),)

    def _rule_says(self) -> str:
        review = f"{REVIEW_SECONDS / self.pace:g} s"
        if self.pace != 1:
            review += f" (a real client: {REVIEW_SECONDS} s)"
        return RULES.get(self.rule, "").format(review=review)

    def _figures(self, one: Verdict) -> str:
        rates = f"sends us {size_text(one.download_rate)}/s, gets {size_text(one.upload_rate)}/s"
        return f"{rates}, turn {one.turn_seconds / self.pace:.3g} s ago"

    def _chosen_text(self) -> str:
        if not self.chosen:
            return f"no other peer got one of the {self.slots} slots"
        instead = "" if self.verdict and self.verdict.is_unchoked else " instead"
        return f"{len(self.chosen)} of {self.slots} slots went{instead} to:"


def why_choke(story: Story, peer: str, at_seconds: float | None = None) -> list[ChokeAnswer]:
    """Answer for each connection that leads to a peer, by who decided.

    Without a time it is the last review that refused the peer though it was interested;
    else the last decision that did, or that named it at all.
    """
    answers = [_answer(story, node, conn, at_seconds) for node, conn in story.conns_called(peer)]
    telling = {answer.node for answer in answers if answer.verdict is not None}
    # A node may have dropped further connections to the same peer before any decision.
    return [one for one in answers if one.verdict is not None or one.node not in telling]


def _answer(story: Story, node: NodeStory, conn: int, at_seconds: float | None) -> ChokeAnswer:
    decisions = [(event, _verdicts(node, event)) for event in node.events if is_on_slots(event)]
    named = [(event, all_) for event, all_ in decisions if any(one.conn == conn for one in all_)]
    blank = ChokeAnswer(node.name, conn, node.peer_text(conn))
    if not named:
        return blank
    event, verdicts = _told(story, named, conn, at_seconds)
    own = [one for _, all_ in named for one in all_ if one.conn == conn]
    slots = event.data.get("slots")
    return ChokeAnswer(
        node=node.name,
        conn=conn,
        who=node.peer_text(conn),
        event_id=event.id,
        seconds=story.seconds(event.time_ns),
        rule=str(event.data.get("rule")),
        slots=slots if type(slots) is int else 0,
        verdict=next(one for one in verdicts if one.conn == conn),
        chosen=tuple(one for one in verdicts if one.is_unchoked and one.conn != conn),
        choked=sum(not one.is_unchoked for one in own),
        unchoked=sum(one.is_unchoked for one in own),
        pace=_pace(event),
    )


def _told(
    story: Story, named: list[tuple[Event, list[Verdict]]], conn: int, at_seconds: float | None
) -> tuple[Event, list[Verdict]]:
    if at_seconds is not None:
        before = [one for one in named if story.seconds(one[0].time_ns) <= at_seconds]
        return (before or named[:1])[-1]
    refused = [
        one
        for one in named
        for verdict in one[1]
        if verdict.conn == conn and not verdict.is_unchoked and verdict.reason != "not interested"
    ]
    reviews = [one for one in refused if one[0].data.get("rule") != "fill free slots"]
    return (reviews or refused or named)[-1]


def is_on_slots(event: Event) -> bool:
    """Say whether an event decides who is served: the answers need no other."""
    return event.name == DECISION and event.data.get("what") == "unchoke"


def _verdicts(node: NodeStory, event: Event) -> list[Verdict]:
    candidates = event.data.get("candidates")
    verdicts = []
    for one in candidates if isinstance(candidates, list) else []:
        conn = conn_named(one.get("peer")) if isinstance(one, dict) else None
        if conn is not None:
            verdicts.append(
                Verdict(
                    conn=conn,
                    who=node.peer_text(conn),
                    is_unchoked=one.get("is_unchoked") is True,
                    reason=str(one.get("reason")),
                    download_rate=_number(one.get("download_rate")),
                    upload_rate=_number(one.get("upload_rate")),
                    turn_seconds=_number(one.get("turn_seconds")),
                    recent_downloaded_bytes=_number(one.get("recent_downloaded_bytes")),
                    recent_download_seconds=_seconds(one.get("recent_download_seconds")),
                    recent_uploaded_bytes=_number(one.get("recent_uploaded_bytes")),
                    recent_upload_seconds=_seconds(one.get("recent_upload_seconds")),
                )
            )
    return verdicts


def _pace(event: Event) -> float:
    pace = event.data.get("pace")
    return pace if isinstance(pace, (int, float)) and 0 < pace < float("inf") else 1.0


def _made_of(one: Verdict) -> str:
    """Return the bytes and seconds of which the rates were made."""
    came = (one.recent_downloaded_bytes, one.recent_download_seconds, "from it")
    went = (one.recent_uploaded_bytes, one.recent_upload_seconds, "to it")
    return ", ".join(
        f"{size_text(byte_count)} {which} in {seconds:.1f} s"
        for byte_count, seconds, which in (came, went)
        if seconds
    )


def _number(value: Any) -> int:
    return int(value) if isinstance(value, (int, float)) else 0


def _seconds(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
