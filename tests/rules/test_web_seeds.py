from __future__ import annotations

from actortorrent.rules import web_seeds
from actortorrent.rules.web_seeds import (
    MOST_FAILURES,
    WebSeedStatus,
    conn_of_web_seed,
    is_web_seed,
    rest_seconds,
    source_name,
    web_seeds_activity,
)

ONE = WebSeedStatus(number=1, url="http://a:80/…")
TWO = WebSeedStatus(number=2, url="http://b:80/…")


def test_no_web_seed_has_the_number_of_a_peer() -> None:
    assert is_web_seed(conn_of_web_seed(1))
    assert not is_web_seed(1)
    assert not is_web_seed(0), "that stands for an earlier session"
    assert (source_name(conn_of_web_seed(2)), source_name(2)) == ("WebSeed-2", "Peer-2")


def test_each_failure_in_a_row_doubles_the_rest_up_to_a_limit() -> None:
    rests = [rest_seconds(failures, None) for failures in range(1, MOST_FAILURES)]
    assert rests[:4] == [1, 2, 4, 8]
    assert all(rest is not None and rest <= web_seeds.MOST_REST_SECONDS for rest in rests)


def test_too_many_failures_in_a_row_are_the_end() -> None:
    assert rest_seconds(MOST_FAILURES, None) is None
    assert rest_seconds(MOST_FAILURES, 5.0) is None


def test_a_server_may_ask_for_a_longer_rest_but_not_for_ever() -> None:
    assert rest_seconds(1, 30.0) == 30
    assert rest_seconds(3, 1.0) == 4
    assert rest_seconds(1, 1e18) == web_seeds.MOST_WANTED_REST_SECONDS


def test_people_are_told_which_server_is_asked_or_why_none_is() -> None:
    assert web_seeds_activity([ONE], 0.0) == "waiting for web seed http://a:80/…"
    assert web_seeds_activity([ONE, TWO], 9.0) == "fetching from web seed http://a:80/… and 1 more"
    resting = WebSeedStatus(number=1, url="http://a:80/…", rests_because="it answers 503")
    told = "web seed http://a:80/…: it answers 503; trying again"
    assert web_seeds_activity([resting], 0.0) == told
    assert web_seeds_activity([resting, TWO], 0.0) == "waiting for web seed http://b:80/…"
    empty = WebSeedStatus(number=1, url="http://a:80/…", has_nothing=True)
    assert web_seeds_activity([empty], 0.0) == ""
    gone = WebSeedStatus(number=1, url="http://a:80/…", is_gone=True)
    assert web_seeds_activity([gone], 0.0) == ""
