from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules.metadata_fetching import MetadataLedger
from actortorrent.rules.metadata_serving import TIMES_SERVED, MetadataServing
from actortorrent.wire.metadata_exchange import (
    MAX_METADATA_BYTES,
    PART_BYTES,
    MetadataKind,
    MetadataMessage,
)

INFO = bytes(range(256)) * 160  # two parts and a half


def test_a_part_is_sent_with_the_size_of_the_whole() -> None:
    serving = MetadataServing(INFO)
    assert serving.size == len(INFO)
    for part in range(3):
        expected = INFO[part * PART_BYTES : (part + 1) * PART_BYTES]
        answer = serving.answer(part)
        assert answer == MetadataMessage(MetadataKind.DATA, part, len(INFO), expected)


def test_what_there_is_none_of_is_rejected() -> None:
    assert MetadataServing(INFO).answer(3) == MetadataMessage(MetadataKind.REJECT, 3)


@pytest.mark.parametrize("info", [b"", bytes(MAX_METADATA_BYTES + 1)], ids=["none", "too much"])
def test_who_has_none_that_can_be_sent_rejects_all_and_says_no_size(info: bytes) -> None:
    serving = MetadataServing(info)
    assert serving.size is None
    assert serving.answer(0).kind is MetadataKind.REJECT


def test_a_peer_gets_all_of_it_a_few_times_and_then_rejects() -> None:
    serving = MetadataServing(INFO)
    kinds = [serving.answer(number % 3).kind for number in range(3 * TIMES_SERVED + 5)]
    assert kinds == [MetadataKind.DATA] * 3 * TIMES_SERVED + [MetadataKind.REJECT] * 5


def test_what_one_serves_another_fetches() -> None:
    serving, ledger = MetadataServing(INFO), MetadataLedger(hashlib.sha1(INFO).digest())
    ledger.peer_offers(1, serving.size or 0)
    while requests := ledger.requests(0.0):
        for one in requests:
            payload = serving.answer(one.part_index).encode()
            answer = MetadataMessage.from_payload(payload)
            assert answer is not None
            ledger.answer_came(1, answer, 0.0)
    assert ledger.metadata == INFO


@given(st.integers(1, 3 * PART_BYTES), st.lists(st.integers(0, 5), max_size=20))
def test_what_is_sent_is_what_was_asked_for_and_only_so_much(
    info_bytes: int, asked: list[int]
) -> None:
    info = bytes(number % 251 for number in range(info_bytes))
    serving = MetadataServing(info)
    sent = [serving.answer(part_index) for part_index in asked]
    for part_index, answer in zip(asked, sent, strict=True):
        begin = part_index * PART_BYTES
        assert answer.part_index == part_index
        assert answer.data in (b"", info[begin : begin + PART_BYTES])
        assert bool(answer.data) == (answer.kind is MetadataKind.DATA)
    whole_parts = -(-info_bytes // PART_BYTES)
    possible = sum(part_index < whole_parts for part_index in asked)
    carried = sum(bool(answer.data) for answer in sent)
    assert carried == min(possible, TIMES_SERVED * whole_parts)
