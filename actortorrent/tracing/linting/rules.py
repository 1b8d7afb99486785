"""The rules that `trace lint` holds a trace to: what each says, and where it stands.

Those of the wire are those of BEP 3 and BEP 6, and are judged in both directions; those of actors are our
own. A rule is broken only where the trace proves it: a request that crossed a choke on
its way breaks none.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

OURS = "our rule: docs/architecture.md"
TRACE = "our rule: docs/reading-a-trace.md"


class Rule(Struct, frozen=True):
    """Say what must hold, and who says so."""

    says: str
    source: str


RULES: Mapping[str, Rule] = {
    # --- the order of the peer protocol
    "handshake-first": Rule("A connection begins with a handshake, once each way", "BEP 3"),
    "wrong-torrent": Rule("The handshakes of a connection name the same torrent", "BEP 3"),
    "late-bitfield": Rule("A bitfield is the first message or none", "BEP 3"),
    "second-bitfield": Rule("A bitfield is sent once; later pieces are told by have", "BEP 3"),
    "bitfield-size": Rule("A bitfield has a bit for each piece, and no spare one set", "BEP 3"),
    # --- choking and interest
    "request-while-choked": Rule("Nobody asks for blocks while choked", "BEP 3"),
    "request-without-interest": Rule("Whoever asks for blocks has said interested", "BEP 3"),
    "block-while-choking": Rule("Whoever chokes sends no blocks", "BEP 3"),
    "said-twice": Rule("We tell a change of choke or interest, not again what was told", OURS),
    "interest-in-nothing": Rule("Interested means that the other has a piece one lacks", "BEP 3"),
    "too-many-unchoked": Rule("No more peers are unchoked than there are slots", OURS),
    # --- blocks and pieces
    "unasked-block": Rule("A block answers a request", "BEP 3"),
    "cancel-unasked": Rule("A cancel takes back a request", "BEP 3"),
    "unasked-reject": Rule("A reject answers a request", "BEP 6"),
    "unanswered-request": Rule("Who chokes rejects what it does not answer", "BEP 6"),
    "out-of-range": Rule("Messages name pieces and bytes that the torrent has", "BEP 3"),
    "over-long-request": Rule("A request is for 128 KiB at most; 16 KiB is usual", "BEP 3"),
    "have-not-had": Rule("Only a piece that was verified is told by have", "BEP 3"),
    "have-not-sent": Rule("A verified piece is told to every peer that lacks it", "BEP 3"),
    "verified-twice": Rule("A piece is verified once", OURS),
    "bad-data-unpunished": Rule("Who alone sent a piece of a wrong hash is banned", OURS),
    # --- the DHT
    "unasked-answer": Rule("An answer in the DHT answers a query", "BEP 5"),
    "amplified": Rule("Who may not hear us is sent no more bytes than came from it", OURS),
    # --- private torrents
    "private": Rule(
        "A private torrent's peers come from its trackers, from nowhere else", "BEP 27"
    ),
    # --- actors
    "ask-in-actor": Rule("Actors tell each other, and never wait for an answer", OURS),
    "growing-mailbox": Rule("A mailbox does not grow for ever", OURS),
    "long-handling": Rule("The handling of a message waits for nothing", OURS),
    "failed": Rule("No actor fails, no handling ends in an error", OURS),
    "hangs": Rule("No actor hangs, none waits for another that waits for it", OURS),
    # --- the trace itself
    "causality": Rule("Nothing happens before its cause, no moment twice", TRACE),
    "stream": Rule("Each wire message begins where the one before ended", TRACE),
    "lost-events": Rule("A trace is whole", TRACE),
}


class Finding(Struct, frozen=True):
    """Say where a trace breaks a rule.

    Attributes:
        rule: a key of `RULES`.
        event_id: of the event that shows it; of the last one where it is an absence.
        text: who did what, in a sentence.
    """

    rule: str
    event_id: str
    actor: str
    time_ns: int
    text: str

    def to_json(self) -> dict[str, object]:
        """Return the finding with what its rule says."""
        rule = RULES[self.rule]
        return {
            "rule": self.rule,
            "says": rule.says,
            "source": rule.source,
            "event": self.event_id,
            "actor": self.actor,
            "time": self.time_ns,
            "text": self.text,
        }
