"""Strangers are held to the BEPs, with what a capture can know, and to no rule of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.captures.importing import import_capture
from actortorrent.tracing.linting import lint
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.messages import (
    Bitfield,
    Choke,
    Extended,
    Interested,
    NotInterested,
    Request,
    Unchoke,
    Unknown,
)
from tests.captures.frames import ADA_SAYS, BLOCK, Dialogue, block, handshake, pcap, written

HAVE_ALL, HAVE_NONE, ALLOWED_FAST = (
    Unknown(kind, payload).encode() for kind, payload in ((14, b""), (15, b""), (17, bytes(4)))
)
HELLO = [(0, ADA_SAYS[0]), (1, handshake())]
OFFER, WANT = (1, Bitfield(b"\xe0").encode()), (0, Interested().encode())
UNCHOKE, CHOKE = (1, Unchoke().encode()), (1, Choke().encode())
ASK, GIVE = (0, Request(0, 0, BLOCK).encode()), (1, block(0))


def rules_broken(tmp_path: Path, said: list[tuple[int, bytes]], us: str) -> set[str]:
    dialogue = Dialogue().open()
    for way, data in [*HELLO, *said]:
        dialogue.says(way, data)
    capture = written(tmp_path / "x.pcap", pcap(dialogue.close().frames))
    made = import_capture(capture, tmp_path / "x.trace", us=us)
    with TraceFile(tmp_path / "x.trace") as trace:
        return {finding.rule for finding in lint(made.header, trace.events())}


each_view = pytest.mark.parametrize("us", ["", "10.0.0.1", "10.0.0.2"])


@each_view
@pytest.mark.parametrize(
    "said",
    [
        [OFFER, WANT, UNCHOKE, ASK, GIVE],
        [OFFER, WANT, UNCHOKE, CHOKE, ASK],  # crossed on its way
        [OFFER, WANT, UNCHOKE, ASK, CHOKE, GIVE],  # read from the disk before
        [OFFER, WANT, UNCHOKE, UNCHOKE, WANT],  # said twice: a rule of ours only
        [(1, Extended(0, b"de").encode()), OFFER, WANT],
        [(1, HAVE_ALL), (0, HAVE_NONE), WANT, UNCHOKE, ASK, GIVE],
        [(1, HAVE_ALL), WANT, (1, ALLOWED_FAST), ASK, GIVE],  # choked, and allowed
    ],
)
def test_what_the_beps_allow_is_no_finding(
    tmp_path: Path, said: list[tuple[int, bytes]], us: str
) -> None:
    assert rules_broken(tmp_path, said, us) == set()


@each_view
@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("request-while-choked", [OFFER, WANT, ASK]),
        ("request-without-interest", [OFFER, UNCHOKE, ASK]),
        ("request-without-interest", [OFFER, WANT, UNCHOKE, (0, NotInterested().encode()), ASK]),
        ("block-while-choking", [OFFER, WANT, GIVE]),
        ("unasked-block", [OFFER, WANT, UNCHOKE, ASK, GIVE, (1, block(1))]),
        ("second-bitfield", [OFFER, OFFER]),
        ("late-bitfield", [UNCHOKE, OFFER]),
        ("interest-in-nothing", [WANT]),
        (
            "bitfield-size",
            [
                OFFER,
                WANT,
                UNCHOKE,
                (0, Request(9, 0, BLOCK).encode()),
                (0, Bitfield(b"\x80" * 3).encode()),
            ],
        ),
    ],
)
def test_what_they_forbid_is_found_from_every_side(
    tmp_path: Path, rule: str, said: list[tuple[int, bytes]], us: str
) -> None:
    assert rule in rules_broken(tmp_path, said, us)
