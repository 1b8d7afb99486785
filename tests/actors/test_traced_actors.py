from __future__ import annotations

import threading
from types import SimpleNamespace

from actortorrent.actors.base import (
    Actor,
    Proxy,
    Runtime,
    SocketActor,
    message,
    proxy_of,
    stop_all,
)
from actortorrent.tracing.capture import capture_trace
from tests.tracing.traces import broken_laws

PATIENCE_SECONDS = 60.0


class Sleeper(Actor):
    """Hang until woken."""

    def __init__(self, runtime: Runtime, may_go_on: threading.Event) -> None:
        super().__init__(runtime, "Sleeper")
        self._may_go_on = may_go_on
        self.hangs = threading.Event()

    def hang(self) -> None:
        self.hangs.set()
        assert self._may_go_on.wait(PATIENCE_SECONDS)

    def hear(self, what: str) -> None:
        """Hear something."""


class SocketSleeper(Sleeper, SocketActor):
    """The same with the inbox that also waits for sockets."""


class SleeperProxy(Proxy):
    """The messages that a sleeper takes."""

    hang = message(Sleeper.hang)
    hear = message(Sleeper.hear)


class Parent(Actor):
    """Have a child, on order."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, "Parent")

    def bear(self) -> SleeperProxy:
        return proxy_of(Sleeper.start(self._runtime, threading.Event()), SleeperProxy)


class ParentProxy(Proxy):
    """The messages that a parent takes."""

    bear = message(Parent.bear)


def check_mail_of_a_hanging_actor(kind: type[Sleeper]) -> None:
    may_go_on = threading.Event()
    with capture_trace() as trace:
        ref = kind.start(Runtime(), may_go_on)
        sleeper = proxy_of(ref, SleeperProxy)
        sleeper.hang.defer()
        actor = ref._actor_weakref()
        assert actor is not None
        assert actor.hangs.wait(PATIENCE_SECONDS)
        sleeper.hear.defer("never")
        assert stop_all([sleeper], 0.05) == ["Sleeper"]
        may_go_on.set()
        assert sleeper.actor_ref.join(PATIENCE_SECONDS)
    lost = [one.data["type"] for one in trace.messages() if one.data["status"] == "undelivered"]
    assert lost == ["hear", "stop"]


def test_mail_of_an_actor_that_hangs_is_recorded_and_it_still_stops_when_it_can() -> None:
    check_mail_of_a_hanging_actor(Sleeper)


def test_the_same_holds_for_one_with_sockets() -> None:
    check_mail_of_a_hanging_actor(SocketSleeper)


def test_mail_left_in_a_stopped_actors_mailbox_is_recorded_as_dropped() -> None:
    may_go_on = threading.Event()
    with capture_trace() as trace:
        sleeper = proxy_of(Sleeper.start(Runtime(), may_go_on), SleeperProxy)
        sleeper.hang.defer()
        sleeper.actor_ref.stop(block=False)
        sleeper.hear.defer("too late")
        may_go_on.set()
        assert sleeper.actor_ref.join(PATIENCE_SECONDS)
    (lost,) = [one for one in trace.messages() if one.data["status"] == "dropped"]
    assert (lost.data["type"], lost.data["args"]) == ("hear", {"what": "too late"})


def test_an_actor_is_caused_by_what_its_starter_was_handling() -> None:
    with capture_trace() as trace:
        parent = proxy_of(Parent.start(Runtime()), ParentProxy)
        child = parent.bear().get(timeout=PATIENCE_SECONDS)
        stop_all([child, parent], PATIENCE_SECONDS)
    (bear,) = trace.messages("bear")
    spawned = trace.named("actor:spawned")[-1]
    assert (spawned.actor, spawned.data["by"], spawned.cause) == ("Sleeper", "Parent", bear.id)


def test_the_end_of_an_actor_is_caused_by_the_order_to_stop() -> None:
    with capture_trace() as trace:
        parent = proxy_of(Parent.start(Runtime()), ParentProxy)
        stop_all([parent], PATIENCE_SECONDS)
    (order,), (stopped,) = trace.messages("stop"), trace.named("actor:stopped")
    assert stopped.cause == order.id
    assert stopped.data == {"failed": False}


def test_actors_of_the_same_name_are_told_apart() -> None:
    with capture_trace() as trace:
        parents = [proxy_of(Parent.start(Runtime()), ParentProxy) for _ in range(3)]
        stop_all(parents, PATIENCE_SECONDS)
    names = [one.actor for one in trace.named("actor:spawned")]
    assert sorted(names) == ["Parent", "Parent~2", "Parent~3"]
    assert [str(parent.actor_ref) for parent in parents] == ["Parent"] * 3


class Light(Actor):
    """Be on or off."""

    shown_state = ("_is_on", "_lamp.watts")

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, "Light")
        self._is_on = False
        self._lamp = SimpleNamespace(watts=5)
        self._secret = "dark"

    def switch(self, is_on: bool) -> None:
        self._is_on = is_on
        self._secret = "light"

    def flicker(self) -> None:
        self._is_on = not self._is_on
        self._is_on = not self._is_on

    def change_lamp(self) -> None:
        self._lamp.watts = 11


class LightProxy(Proxy):
    """The messages that a light takes."""

    switch = message(Light.switch)
    flicker = message(Light.flicker)
    change_lamp = message(Light.change_lamp)


def test_changes_of_declared_attributes_are_recorded_with_what_changed_them() -> None:
    with capture_trace() as trace:
        light = proxy_of(Light.start(Runtime()), LightProxy)
        light.switch.defer(True)
        light.flicker.defer()
        light.change_lamp.defer()
        stop_all([light], PATIENCE_SECONDS)
    (spawned,) = trace.named("actor:spawned")
    assert spawned.data["state"] == {"is_on": False, "watts": 5}
    changes = trace.named("actor:state")
    assert [one.data for one in changes] == [
        {"key": "is_on", "old": False, "new": True},
        {"key": "watts", "old": 5, "new": 11},
    ]
    causes = [trace.messages(kind)[0].id for kind in ("switch", "change_lamp")]
    assert [one.cause for one in changes] == causes
    assert broken_laws(trace.events) == []


def test_without_a_trace_nobody_looks_at_the_state() -> None:
    ref = Light.start(Runtime())
    light = proxy_of(ref, LightProxy)
    assert light.ping().get(timeout=PATIENCE_SECONDS) == "Light"
    actor = ref._actor_weakref()
    assert actor is not None
    assert actor._inbox.shown_state is None
    stop_all([light], PATIENCE_SECONDS)
