"""What chapter 3 says of the first messages is true in a new run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.learn.claims import events_of, wire

BYTES = {"handshake": 68, "have none": 5, "interested": 5, "not interested": 5, "request": 17}
HEARD_BYTES = {"handshake": 68, "have all": 5, "unchoke": 5, "piece": 16_397}


@pytest.mark.parametrize(
    ("direction", "lengths"), [("sent", BYTES), ("received", HEARD_BYTES)], ids=str
)
def test_every_byte_belongs_to_a_message_of_the_length_told(
    fresh: Path, direction: str, lengths: dict[str, int]
) -> None:
    said = wire(fresh / "first/leech-1.trace", "Peer-1")
    messages = [data for way, _, data in said if way == direction]
    expected = 0
    for data in messages:
        assert data["offset"] == expected
        expected += data["length"]
    told = {data["type"]: data["length"] for data in messages}
    assert {kind: length for kind, length in told.items() if kind in lengths} == lengths


def test_what_one_has_is_said_first(fresh: Path) -> None:
    said = wire(fresh / "first/leech-1.trace", "Peer-1")
    sent, received = ([kind for way, kind, _ in said if way == one] for one in ("sent", "received"))
    assert received[:3] == ["handshake", "extended", "have all"]
    assert sent[:3] == ["handshake", "extended", "have none"]
    assert "have" not in sent


def test_who_dialled_speaks_first(fresh: Path) -> None:
    for name in ("seed-1", "leech-1"):
        path = fresh / f"first/{name}.trace"
        begun = [one for one in events_of(path) if one.name == "bt:connection_begun"]
        first, second = (way for way, kind, _ in wire(path, "Peer-1") if kind == "handshake")
        speaks_first = (first, second) == ("sent", "received")
        assert begun[0].data["we_dialled"] == speaks_first


def test_a_client_of_forty_lines_gets_its_bytes(fresh: Path) -> None:
    heard = (fresh / "hello.txt").read_text("utf-8").splitlines()
    assert [line.split()[0] for line in heard] == ["handshake", "bitfield", "unchoke", "piece"]
    assert heard[1].endswith("05 e0")
    assert heard[3].endswith(repr((fresh / "count.txt").read_bytes()[16 * 1024 :][:40]))


def test_the_seed_counted_what_it_was_asked_for_even_in_the_last_second(fresh: Path) -> None:
    seen = {one.name: one.data for one in events_of(fresh / "hello.trace")}
    assert seen["bt:requests_received"]["count"] == 1
    assert seen["bt:blocks_sent"]["block_bytes"] == 40
