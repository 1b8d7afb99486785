from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pykka
import pytest
from pykka import messages

from actortorrent.actors.inbox import Inbox
from actortorrent.actors.replies import Reply
from tests.actors.inbox_kinds import KINDS, PATIENCE_SECONDS, ask, call, inbox_of_kind, take, tell


@pytest.fixture(params=KINDS)
def inbox(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    with inbox_of_kind(request.param, monkeypatch) as inbox:
        yield inbox


# --- mail -----------------------------------------------------------------------------------------


def test_mail_comes_out_in_the_order_in_which_it_was_put(inbox: Inbox) -> None:
    tell(inbox, "a", "b", "c")
    assert inbox.depth() == 3
    assert not inbox.empty()
    assert take(inbox, 3) == ["a", "b", "c"]
    assert inbox.depth() == 0
    assert inbox.empty()


def test_of_many_senders_nothing_is_lost_and_each_is_heard_in_order(inbox: Inbox) -> None:
    senders, each = 6, 300

    def send(name: str) -> None:
        for number in range(each):
            inbox.put(call("heard", name, number))

    threads = [threading.Thread(target=send, args=(f"sender {i}",)) for i in range(senders)]
    for thread in threads:
        thread.start()
    heard: dict[str, list[int]] = defaultdict(list)
    inbox.add_timer(5.0, "too_late", ("nobody", 0))
    for _ in range(senders * each):
        name, number = inbox.get().message.args
        heard[name].append(number)
    for thread in threads:
        thread.join()
    assert heard == {f"sender {i}": list(range(each)) for i in range(senders)}


def test_no_wake_up_is_lost_between_two_that_wait_for_each_other(inbox: Inbox) -> None:
    """Each letter is put while the owner is about to sleep, asleep, or just awake."""
    rounds, answers = 1000, threading.Semaphore(0)

    def play() -> None:
        for _ in range(rounds):
            inbox.put(call("ball"))
            assert answers.acquire(timeout=60)

    player = threading.Thread(target=play)
    player.start()
    for _ in range(rounds):
        assert take(inbox) == ["ball"]
        answers.release()
    player.join()


def test_a_sleeper_is_woken_by_mail(inbox: Inbox) -> None:
    later = threading.Timer(0.03, tell, (inbox, "good morning"))
    later.start()
    assert take(inbox) == ["good morning"]
    later.join()


# --- timers ---------------------------------------------------------------------------------------


def test_timers_fall_due_in_the_order_of_their_deadlines_and_not_before(inbox: Inbox) -> None:
    began = time.monotonic()
    for method, seconds in (("last", 0.03), ("first", 0.01), ("second", 0.02)):
        inbox.add_timer(seconds, method, ())
    waited = []
    for method in ("first", "second", "last"):
        assert take(inbox) == [method]
        waited.append(time.monotonic() - began)
    for seconds, deadline in zip(waited, (0.01, 0.02, 0.03), strict=True):
        assert deadline <= seconds < deadline + PATIENCE_SECONDS


def test_a_timer_brings_its_arguments(inbox: Inbox) -> None:
    inbox.add_timer(0, "remind", ("of this", 7))
    message = inbox.get().message
    assert (message.attr_path, message.args, message.kwargs) == (("remind",), ("of this", 7), {})


def test_a_timer_that_is_due_comes_before_all_mail(inbox: Inbox) -> None:
    tell(inbox, *(["mail"] * 100))
    inbox.add_timer(0, "due", ())
    assert take(inbox, 2) == ["due", "mail"]


def test_a_timer_fires_in_time_though_mail_floods(inbox: Inbox) -> None:
    timer = inbox.add_timer(0.02, "due", ())
    tell(inbox, "mail")
    while take(inbox) != ["due"]:
        assert time.monotonic() < timer.deadline + PATIENCE_SECONDS
        tell(inbox, "mail", "more mail")
    assert not inbox.empty()


def test_a_cancelled_timer_never_fires(inbox: Inbox) -> None:
    cancelled = [inbox.add_timer(0, "cancelled", ()) for _ in range(3)]
    inbox.add_timer(0.01, "due", ())
    for timer in cancelled:
        timer.cancel()
    assert take(inbox) == ["due"]


def test_a_timer_can_be_cancelled_after_it_fired(inbox: Inbox) -> None:
    timer = inbox.add_timer(0, "due", ())
    assert take(inbox) == ["due"]
    assert timer.is_cancelled
    timer.cancel()
    tell(inbox, "next")
    assert take(inbox) == ["next"]


# --- the end --------------------------------------------------------------------------------------


def assert_refused(reply: Reply[Any]) -> None:
    with pytest.raises(pykka.ActorDeadError, match="stopped before handling"):
        reply.get(timeout=60)


def test_whoever_asked_before_the_end_is_answered(inbox: Inbox) -> None:
    question, order = ask(inbox, "how much?"), ask(inbox, messages._ActorStop())
    tell(inbox, "told")
    inbox.close()
    assert_refused(question)
    assert order.get(timeout=60) is None
    assert inbox.empty()


def test_whoever_asks_after_the_end_is_answered_too(inbox: Inbox) -> None:
    inbox.close()
    tell(inbox, "told")
    assert_refused(ask(inbox, "how much?"))
    assert ask(inbox, messages._ActorStop()).get(timeout=60) is None
    assert inbox.empty()


def test_whoever_asks_just_at_the_end_is_answered_too(inbox: Inbox) -> None:
    replies: list[Reply[Any]] = []
    has_begun, is_over = threading.Event(), threading.Event()

    def keep_asking() -> None:
        while not is_over.is_set():
            replies.append(ask(inbox, "how much?"))
            has_begun.set()

    asker = threading.Thread(target=keep_asking)
    asker.start()
    assert has_begun.wait(60)
    inbox.close()
    is_over.set()
    asker.join()
    for reply in replies:
        assert_refused(reply)


def test_a_closed_inbox_has_no_timers(inbox: Inbox) -> None:
    inbox.add_timer(0, "due", ())
    inbox.close()
    assert inbox.empty()
    assert inbox._timers == []
