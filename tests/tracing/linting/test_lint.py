from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from actortorrent.tracing.events import Event
from actortorrent.tracing.linting import RULES, lint
from tests.tracing.traces import HEADER, event, message

BLOCK = 16 * 1024
BITS = bytes([0xFF] * 5)  # the header's 40 pieces


class Script:
    """A fetch of one piece from a seed, as a trace of the level "block" has it.

    Planting takes a step out, puts one in behind another, or changes one.
    """

    def __init__(self) -> None:
        self.steps: list[tuple[str, Callable[[int, int], Event]]] = []
        self.add("checked", self.told("Storage", "PieceManager", "content_checked", verified=0))
        self.wire("handshake out", "sent", "handshake", 68, peer_id="-AT0100-us")
        self.wire("handshake in", "received", "handshake", 68, peer_id="-LT2110-them")
        self.add("introduce", self.told("PieceManager", "Peer-1", "introduce"))
        bits = base64.b64encode(BITS).decode()
        self.wire("bitfield in", "received", "bitfield", 10, bits=bits, set_bits=40)
        self.wire("interested out", "sent", "interested", 5)
        self.wire("unchoke in", "received", "unchoke", 5)
        block = block_in()
        self.wire("request out", "sent", "request", 17, **block)
        self.wire("block in", "received", "piece", 13 + BLOCK, **block)
        self.fact("verified", "bt:piece_verified", "PieceManager", piece=7)
        self.fact("end", "trace:end", "trace", events=10)

    def add(self, name: str, make: Callable[[int, int], Event], behind: str = "") -> None:
        """Put a step in: at the end, or behind another."""
        names = [step[0] for step in self.steps]
        position = names.index(behind) + 1 if behind else len(names)
        self.steps.insert(position, (name, make))

    def wire(
        self, name: str, way: str, kind: str, size: int, /, *, behind: str = "", **fields: Any
    ) -> None:
        def make(number: int, offset: int) -> Event:
            place: dict[str, Any] = {"conn": 1, "offset": offset, "length": size, "type": kind}
            return event(f"bt:message_{way}", "Peer-1", number, ms=number, **place, fields=fields)

        self.add(name, make, behind)

    def fact(self, name: str, kind: str, actor: str, *, behind: str = "", **data: Any) -> None:
        self.add(name, lambda number, _: event(kind, actor, number, ms=number, **data), behind)

    def told(self, sender: str, receiver: str, kind: str, **args: Any) -> Callable[..., Event]:
        return lambda number, _: message(
            sender, receiver, kind, (number, number + 1, number + 2), ms=number, args=args
        )

    def without(self, name: str) -> None:
        self.steps = [step for step in self.steps if step[0] != name]

    def change(self, name: str, **data: Any) -> None:
        """Change what the data of a step say; of wire messages also their fields."""
        position = [step[0] for step in self.steps].index(name)
        make = self.steps[position][1]

        def changed(number: int, offset: int) -> Event:
            one = make(number, offset)
            fields = {**one.data.get("fields", {}), **data.get("fields", {})}
            return replace(one, data={**one.data, **data, "fields": fields})

        self.steps[position] = (name, changed)

    def events(self) -> list[Event]:
        offsets = {"sent": 0, "received": 0}
        made = []
        for number, (_, make) in enumerate(self.steps):
            one = make(10 * number + 1, 0)
            way = one.name.rpartition("_")[2]
            if "offset" in one.data:
                made.append(make(10 * number + 1, offsets[way]))
                offsets[way] += one.data["length"]
            else:
                made.append(one)
        return made


def test_who_is_banned_need_not_be_banned_again_for_what_was_on_its_way() -> None:
    script = Script()
    script.fact("ban", "actor:decision", "PieceManager", what="ban_peer", chosen="Peer-1")
    ban(script)
    assert broken(script.events()) == set()


def broken(events: list[Event]) -> set[str]:
    return {finding.rule for finding in lint(HEADER, events)}


Plant = Callable[[Script], object]


def ban(script: Script) -> None:
    script.fact("failed", "bt:piece_failed", "PieceManager", behind="block in", contributors=[1])


def late_bitfield(script: Script) -> None:
    script.without("bitfield in")
    script.wire("late", "received", "bitfield", 10, behind="unchoke in")


def long_mail(script: Script) -> None:
    for number in range(600):
        name = f"mail {number}"
        mail = message("A", "B", "go", (number + 1, 5 * number + 2, 5 * number + 3), ms=number)
        full = replace(mail, data={**mail.data, "depth": 50 + number})
        script.add(name, lambda _number, _offset, full=full: full)  # type: ignore[misc]


def asks(script: Script) -> None:
    spawned = event("actor:spawned", "A", 2, by="MainThread", lc=[1, 2])
    asked = message("A", "B", "count", (5, 6, 7), op="ask")
    script.add("spawned", lambda _number, _offset: spawned)
    script.add("asked", lambda _number, _offset: asked)


def block_in(offset: int = 0, length: int = BLOCK, piece: int = 7) -> dict[str, Any]:
    return {"piece_index": piece, "block_offset": offset, "length": length}


def datagram(script: Script, way: str, kind: str, size: int) -> None:
    told = {"node": "192.0.2.7:6881", "txn": "aa", "type": kind, "bytes": size}
    script.fact(f"{kind} {way}", f"dht:message_{way}", "Dht", **told)


def reject(script: Script, offset: int = 0) -> None:
    script.without("block in")
    script.without("verified")
    script.wire("reject in", "received", "reject", 17, behind="request out", **block_in(offset))


def sums(script: Script, answered: int, ms: int = 60_000) -> None:
    """Let a request be summed up, and the peer choke us and answer it so often."""
    reject(script)
    script.without("request out")
    script.without("reject in")
    for way in ("out", "in"):
        script.change(f"handshake {way}", fields={"reserved": "0000000000100004"})
    about = {"conn": 1, "count": 1}
    script.fact("asked", "bt:requests_sent", "Peer-1", behind="unchoke in", **about)
    script.wire("choke in", "received", "choke", 5, behind="asked")
    for number in range(answered):
        script.wire(f"r{number}", "received", "reject", 17, behind="choke in", **block_in())
    closed = event("bt:connection_closed", "Peer-1", 99, ms=ms, conn=1, why="it went")
    script.without("end")
    script.add("closed", lambda _number, _offset: closed)
    script.add("end", lambda _number, _offset: event("trace:end", "trace", 1, ms=ms, events=10))


AMPLIFIED = (("received", "get_peers", 95), ("sent", "answer", 96))


def found_in_the_dht_though_private(script: Script) -> None:
    script.fact("private", "bt:torrent_is_private", "Swarm", behind="checked", was_known=True)
    script.fact("found", "bt:peers_found", "Swarm", source="DHT", new=1)


PLANTED: list[tuple[str, Plant]] = [
    ("handshake-first", lambda s: s.without("handshake in")),
    ("handshake-first", lambda s: s.wire("again", "sent", "handshake", 68, behind="unchoke in")),
    (
        "wrong-torrent",
        lambda s: s.change("handshake in", fields={"info_hash": "00" * 20}),
    ),
    ("second-bitfield", lambda s: s.wire("b", "received", "bitfield", 10, behind="bitfield in")),
    ("late-bitfield", late_bitfield),
    ("bitfield-size", lambda s: s.change("bitfield in", length=11)),
    ("bitfield-size", lambda s: s.change("bitfield in", fields={"set_bits": 41})),
    ("request-while-choked", lambda s: s.without("unchoke in")),
    (
        "request-while-choked",
        lambda s: s.fact(
            "sum", "bt:requests_received", "Peer-1", behind="verified", conn=1, count=3
        ),
    ),
    ("request-without-interest", lambda s: s.without("interested out")),
    (
        "block-while-choking",
        lambda s: s.without("unchoke in"),
    ),
    (
        "block-while-choking",
        lambda s: s.fact("sum", "bt:blocks_sent", "Peer-1", behind="verified", conn=1, count=3),
    ),
    ("said-twice", lambda s: s.wire("again", "sent", "interested", 5, behind="interested out")),
    ("said-twice", lambda s: s.wire("choke", "sent", "choke", 5, behind="interested out")),
    (
        "interest-in-nothing",
        lambda s: s.wire("i", "received", "interested", 5, behind="bitfield in"),
    ),
    ("interest-in-nothing", lambda s: s.without("bitfield in")),
    ("unasked-block", lambda s: s.without("request out")),
    ("unasked-block", lambda s: s.change("block in", fields=block_in(offset=BLOCK))),
    (
        "cancel-unasked",
        lambda s: s.wire("c", "sent", "cancel", 17, behind="block in", **block_in(piece=8)),
    ),
    (
        "out-of-range",
        lambda s: s.wire("h", "received", "have", 9, behind="block in", piece_index=40),
    ),
    ("out-of-range", lambda s: s.change("request out", fields=block_in(offset=1024 * 1024))),
    ("over-long-request", lambda s: s.change("request out", fields=block_in(length=256 * 1024))),
    ("have-not-had", lambda s: s.wire("h", "sent", "have", 9, behind="verified", piece_index=8)),
    ("have-not-sent", lambda s: s.change("bitfield in", fields={"bits": "AAAAAAA="})),
    (
        "verified-twice",
        lambda s: s.fact("v", "bt:piece_verified", "PieceManager", behind="verified", piece=7),
    ),
    ("bad-data-unpunished", ban),
    (
        "too-many-unchoked",
        lambda s: s.fact(
            "d", "actor:decision", "Seeder", what="unchoke", chosen=["Peer-1", "Peer-2"], slots=1
        ),
    ),
    ("ask-in-actor", asks),
    ("growing-mailbox", long_mail),
    ("long-handling", lambda s: s.change("introduce", dur=6_000_000_000)),
    ("failed", lambda s: s.change("introduce", status="error")),
    ("failed", lambda s: s.fact("f", "actor:failed", "Storage", error="OSError: disk full")),
    ("hangs", lambda s: s.change("introduce", status="undelivered")),
    (
        "causality",
        lambda s: s.add("cause", lambda _n, _o: event("x", "A", 3, cause="PieceManager#91")),
    ),
    ("unasked-reject", lambda s: reject(s, offset=BLOCK)),
    ("unasked-reject", lambda s: sums(s, answered=2)),
    ("unanswered-request", lambda s: sums(s, answered=0)),
    ("stream", lambda s: s.change("request out", offset=10)),
    ("lost-events", lambda s: s.fact("g", "trace:gap", "trace", lost=3)),
    ("unasked-answer", lambda s: datagram(s, "received", "answer", 60)),
    ("amplified", lambda s: [datagram(s, *one) for one in AMPLIFIED]),
    ("private", found_in_the_dht_though_private),
]


def test_a_fetch_as_it_should_be_breaks_no_rule() -> None:
    assert lint(HEADER, Script().events()) == []


@pytest.mark.parametrize(("rule", "plant"), PLANTED, ids=[rule for rule, _ in PLANTED])
def test_what_is_planted_is_found(rule: str, plant: Plant) -> None:
    script = Script()
    plant(script)
    assert rule in broken(script.events())


def test_every_rule_was_planted() -> None:
    assert {rule for rule, _ in PLANTED} == set(RULES)


def test_a_finding_says_who_did_what_where_and_what_forbids_it() -> None:
    script = Script()
    script.without("unchoke in")
    (found,) = [one for one in lint(HEADER, script.events()) if one.rule == "request-while-choked"]
    assert found.text == "we asked while choked"
    assert found.actor == "Peer-1"
    assert found.event_id in {one.id for one in script.events()}
    assert found.to_json()["source"] == "BEP 3"


def test_a_request_that_crossed_our_choke_breaks_none() -> None:
    script = Script()
    for kind in ("unchoke", "choke"):
        script.wire(kind, "sent", kind, 5)
    script.wire("have", "sent", "have", 9, piece_index=7)
    script.wire("i", "received", "interested", 5)
    script.wire("late", "received", "request", 17, **block_in())
    assert broken(script.events()) == set()


def test_a_block_that_the_peer_read_before_it_choked_breaks_none() -> None:
    script = Script()
    script.wire("choke in", "received", "choke", 5, behind="request out")
    assert broken(script.events()) == set()


def test_aria2_may_send_another_bitfield() -> None:
    script = Script()
    script.change("handshake in", fields={"peer_id": "A2-1-36-0-xyz"})
    script.wire("again", "received", "bitfield", 10, behind="block in", set_bits=40)
    assert broken(script.events()) == set()


def test_a_trace_that_breaks_off_is_not_blamed_for_what_might_have_come() -> None:
    script = Script()
    ban(script)
    script.without("end")
    assert broken(script.events()) == set()


def test_whoever_rejects_each_request_breaks_none() -> None:
    script = Script()
    reject(script)
    assert broken(script.events()) == set()
    script = Script()
    sums(script, answered=1)
    assert broken(script.events()) == set()


def test_whoever_was_choked_a_moment_ago_may_still_hear_of_its_requests() -> None:
    script = Script()
    sums(script, answered=0, ms=20_000)
    assert broken(script.events()) == set()


def test_who_is_banned_is_no_finding() -> None:
    script = Script()
    ban(script)
    script.fact("ban", "actor:decision", "PieceManager", what="ban_peer", chosen="Peer-1")
    assert broken(script.events()) == set()
