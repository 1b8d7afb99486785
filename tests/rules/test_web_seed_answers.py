from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.rules import web_seed_answers
from actortorrent.rules.web_seed_answers import Body, Fault, Refusal, judge_answer, retry_seconds
from actortorrent.rules.web_seed_ranges import Part

NOW = 1_700_000_000.0
LARGE = web_seed_answers.WHOLE_FILE_BYTES + 1
PART = Part(3, 100, 50, LARGE, "http://m.example/a")
SMALL = Part(3, 100, 50, 1000, "http://m.example/a")
ALL = Part(3, 0, LARGE, LARGE, "http://m.example/a")


def judge(status: int, part: Part = PART, **headers: str) -> Body | Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return judge_answer(status, named, part, NOW)


def fault_of(status: int, part: Part = PART, **headers: str) -> Fault:
    answer = judge(status, part, **headers)
    assert isinstance(answer, Refusal)
    return answer.fault


def test_the_range_asked_for_is_taken() -> None:
    assert judge(206, content_range=f"bytes 100-149/{LARGE}", content_length="50") == Body(0, 50)
    assert judge(206, content_range="bytes 100-149/*") == Body(0, 50)


@pytest.mark.parametrize(
    "content_range", ["", "bytes 100-150/*", "bytes 0-49/*", "bytes */9", "100-149/*", "bytes 1-"]
)
def test_another_range_is_of_no_use(content_range: str) -> None:
    assert fault_of(206, content_range=content_range) is Fault.USELESS


def test_a_body_longer_than_its_range_is_of_no_use() -> None:
    found = fault_of(206, content_range="bytes 100-149/*", content_length="51")
    assert found is Fault.USELESS


def test_a_file_of_another_length_is_another_file() -> None:
    assert fault_of(206, content_range="bytes 100-149/999") is Fault.LACKS_FILE
    assert fault_of(200, SMALL, content_length="999") is Fault.LACKS_FILE


def test_of_a_small_file_that_comes_whole_the_part_is_taken() -> None:
    assert judge(200, SMALL, content_length="1000") == Body(100, 50)
    assert judge(200, SMALL) == Body(100, 50)


def test_a_large_file_that_comes_whole_is_taken_only_if_it_was_wanted_whole() -> None:
    assert judge(200, ALL, content_length=str(LARGE)) == Body(0, LARGE)
    assert fault_of(200, content_length=str(LARGE)) is Fault.USELESS


@pytest.mark.parametrize("status", [401, 403, 404, 410, 416, 451])
def test_a_refused_file_is_lacking(status: int) -> None:
    answer = judge(status)
    assert isinstance(answer, Refusal)
    assert (answer.fault, answer.file_index) == (Fault.LACKS_FILE, 3)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 599])
def test_a_busy_server_is_asked_again(status: int) -> None:
    answer = judge(status, retry_after="7")
    assert isinstance(answer, Refusal)
    assert (answer.fault, answer.retry_seconds) == (Fault.BUSY, 7.0)


@pytest.mark.parametrize("status", [100, 201, 204, 300, 304, 600, 999, 0])
def test_any_other_answer_is_of_no_use(status: int) -> None:
    assert fault_of(status) is Fault.USELESS


def test_a_packed_body_is_of_no_use() -> None:
    headers = {"content_range": "bytes 100-149/*", "content_encoding": "gzip"}
    assert fault_of(206, **headers) is Fault.USELESS


def test_a_server_may_say_when_to_come_again_by_a_date() -> None:
    assert retry_seconds(formatdate(NOW + 90, usegmt=True), NOW) == 90
    assert retry_seconds(formatdate(NOW - 90, usegmt=True), NOW) == 0


@given(st.text())
def test_no_retry_after_breaks_anything(text: str) -> None:
    found = retry_seconds(text, NOW)
    assert found is None or found >= 0
