"""What every actor of ours has: a name, an inbox of our own, timers, one end, a trace.

`Actor` is a Pykka `ThreadingActor` with these seams filled in:

* its inbox is an `Inbox` (`SocketActor`: a `SocketInbox`);
* it ends once: `on_end(error)` runs in its own thread whatever ended it, an order to
  stop, an exception in a handler, in `on_start` or in `on_stop` (Pykka alone calls a
  different hook, or none, for each);
* an exception in it is told to the session, which ends in order and says why;
* a message to an actor that has gone is recorded in the trace, and otherwise nothing:
  its sender has done no wrong, and the fact that it went is told by another way.

Below each actor class stands its typed proxy, the complete list of the messages it
takes: ``store_runs = message(Storage.store_runs)``.
"""

from __future__ import annotations

import contextlib
import logging
import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, ParamSpec, Protocol, TypeVar, cast

import pykka
from msgspec import Struct, field

from actortorrent.actors.inbox import Inbox, Timer
from actortorrent.actors.life_trace import LifeTrace
from actortorrent.actors.memory_room import ensure_room_for_a_thread
from actortorrent.actors.replies import Reply
from actortorrent.actors.socket_inbox import SocketInbox
from actortorrent.tracing.capture import with_captures

if TYPE_CHECKING:
    from types import TracebackType

    from pykka import Future

    from actortorrent.tracing.recorder import Recorder

P = ParamSpec("P")
T = TypeVar("T")
ProxyT = TypeVar("ProxyT", bound="Proxy")

# What waiting for an answer ends with where the actor has gone, or takes too long.
NO_ANSWER = (pykka.ActorDeadError, pykka.Timeout)

# A failure is told by the session, in one line; without a handler here, Pykka's log
# of it would reach the user's terminal as a traceback.
logging.getLogger("pykka").addHandler(logging.NullHandler())


def _ignore_failure(actor_name: str, error: BaseException) -> None:
    """Do nothing: the default, for actors that no session watches."""


class Runtime(Struct, frozen=True):
    """What a session gives each of its actors.

    Attributes:
        recorder: where its trace goes, or None.
        actor_failed: called, in the failing actor's thread, with its name and error.
        rng: dice to seed one's own from; only used in the thread that starts actors.
    """

    recorder: Recorder | None = None
    actor_failed: Callable[[str, BaseException], None] = _ignore_failure
    rng: random.Random = field(default_factory=random.Random)


class Actor(pykka.ThreadingActor):
    """Own some state on a thread, and change it only in answer to messages."""

    # A look-up of a name can hang for long in the C library; the process may still exit.
    use_daemon_thread = True
    shown_state: ClassVar[tuple[str, ...]] = ()  # attributes whose changes a trace shows

    def __init__(self, runtime: Runtime, name: str) -> None:
        super().__init__()
        self._runtime = runtime
        self._name = name
        self._inbox = cast("Inbox", self.actor_inbox)
        self._life = LifeTrace(self._inbox, name, type(self), self._recorder())
        self._actor_ref = Ref(self)
        self._has_ended = False

    def _recorder(self) -> Recorder | None:
        """Return what this actor is recorded to: its session's trace, and captures."""
        return with_captures(self._runtime.recorder)

    def __str__(self) -> str:
        return self._name

    def ping(self) -> str:
        """Answer with the actor's name: a barrier, for start-up and tests."""
        return self._name

    # --- for subclasses -----------------------------------------------------------------

    def on_end(self, error: BaseException | None) -> None:
        """Free what the actor owns; called once, in its thread, whatever ended it."""

    def _after(self, seconds: float, method: str, *args: Any) -> Timer:
        """Send oneself `method(*args)` after `seconds`; the timer returned can be cancelled."""
        return self._inbox.add_timer(seconds, method, args)

    def _decide(self, what: str, chosen: object, **figures: object) -> None:
        """Record a decision: what was chosen, and the figures that were compared."""
        if self._inbox.recorder is not None:
            self._record("actor:decision", {"what": what, "chosen": chosen, **figures})

    def _record(self, name: str, data: dict[str, object]) -> str:
        """Record an event of this actor; return its id, or nothing where no trace is kept."""
        return self._inbox.record(name, data)

    # --- Pykka's seams -------------------------------------------------------------------

    @staticmethod
    def _create_actor_inbox() -> Any:
        return Inbox()

    @staticmethod
    def _create_future() -> Any:
        return Reply()

    def _start_actor_loop(self) -> None:
        ref = cast("Ref[Any]", self._actor_ref)
        ref.proxy()  # an actor may have gone before its starter comes to ask for it
        thread = threading.Thread(target=self._actor_loop, name=self._name, daemon=True)
        try:
            ensure_room_for_a_thread()
            thread.start()
        except (RuntimeError, MemoryError):  # no thread is left: as if it had never been
            self._inbox.close()
            pykka.ActorRegistry.unregister(ref)
            raise
        ref.thread = thread

    def _actor_loop(self) -> None:
        try:
            self._life.begin(self, self.shown_state)
            super()._actor_loop()
        except Exception as error:  # noqa: BLE001 - an actor that dies in silence is waited for
            self._die(error)

    def _die(self, error: Exception) -> None:
        """End though not even that could be handled, for want of memory; by now some is free."""
        self._runtime.actor_failed(self._name, error)
        with contextlib.suppress(Exception):
            self._end(error)
        if not self.actor_stopped.is_set():
            self._stop()
        with contextlib.suppress(Exception):
            self._actor_loop_teardown()

    def _actor_loop_teardown(self) -> None:
        self._inbox.close()
        self._life.end()
        cast("Ref[Any]", self._actor_ref).forget_proxy()

    def on_stop(self) -> None:
        """End in order (Pykka's hook); `on_end` is ours."""
        self._end(None)

    def _handle_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        super()._handle_failure(exception_type, exception_value, traceback)
        error = exception_value or RuntimeError("unknown failure")
        self._tell_failure(error)
        try:
            self._end(error)
        except Exception as error_at_end:  # noqa: BLE001 - nothing may keep the thread from its end
            self._tell_failure(error_at_end)

    def _tell_failure(self, error: BaseException) -> None:
        try:
            self._life.fail(error)
        finally:
            self._runtime.actor_failed(self._name, error)

    def _end(self, error: BaseException | None) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._life.begin_end()
            self.on_end(error)


class SocketActor(Actor):
    """An actor that also owns sockets; their readiness comes as messages to itself."""

    @staticmethod
    def _create_actor_inbox() -> Any:
        return SocketInbox()

    def _watch(
        self, sock: socket.socket, method: str, *, readable: bool = True, writable: bool = False
    ) -> None:
        """Send oneself `method(sock, readable, writable)` whenever the socket is ready."""
        cast("SocketInbox", self._inbox).watch(sock, method, readable=readable, writable=writable)

    def _unwatch(self, sock: socket.socket) -> None:
        """Listen to this socket no more; to be called before it is closed."""
        cast("SocketInbox", self._inbox).unwatch(sock)


A = TypeVar("A", bound=Actor)


class _ClassProxy(pykka.ActorProxy[A]):
    """A proxy that knows an actor's messages by its class: to look for them takes long.

    Peers come by the hundred; for each, Pykka would look through all that their class inherits.
    """

    _known_by_class: ClassVar[dict[type, Any]] = {}

    def __init__(self, *, actor_ref: Ref[A]) -> None:
        known = self._known_by_class.get(actor_ref.actor_class)
        if known is None:
            super().__init__(actor_ref=actor_ref)
            self._known_by_class[actor_ref.actor_class] = self._known_attrs
            return
        self.actor_ref = actor_ref
        # Of one that has gone there is none, and nobody looks at it.
        self._actor = cast("A", actor_ref._actor_weakref())  # noqa: SLF001
        self._attr_path = ()
        self._known_attrs = known
        self._actor_proxies, self._callable_proxies = {}, {}


class Ref(pykka.ActorRef[A]):
    """A reference through which telling the dead does no harm."""

    thread: threading.Thread | None = None

    def __init__(self, actor: A) -> None:
        super().__init__(actor)
        self._name = str(actor)
        self._proxy: pykka.ActorProxy[A] | None = None

    def __str__(self) -> str:
        return self._name

    def proxy(self) -> pykka.ActorProxy[A]:
        """Return the one proxy of the actor, whether it still lives or not."""
        if self._proxy is None:
            self._proxy = _ClassProxy(actor_ref=self)
        return self._proxy

    def forget_proxy(self) -> None:
        """Let go of the proxy, which holds us: both would wait for the garbage collector."""
        self._proxy = None

    def ask(self, message: Any, *, block: bool = True, timeout: float | None = None) -> Any:
        """Send a message that is to be answered; where the actor has gone, record that too."""
        if not self.is_alive():
            self._inbox.record_dead_letter(message, "ask")
        return super().ask(message, block=block, timeout=timeout)

    def tell(self, message: Any) -> None:
        """Send a message; where the actor has gone, record that, and go on."""
        try:
            super().tell(message)
        except pykka.ActorDeadError:
            self._inbox.record_dead_letter(message, "tell")

    @property
    def _inbox(self) -> Inbox:
        return cast("Inbox", self.actor_inbox)

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the actor's thread to end, and say whether it did."""
        if self.thread is not None:
            self.thread.join(timeout_seconds)
        return self.thread is None or not self.thread.is_alive()

    def give_up(self) -> None:
        """Record the mail of an actor that hangs as never read, and order it to stop again."""
        self._inbox.refuse_mail("undelivered")
        self.stop(block=False)


AnyRef = pykka.ActorRef[Any]


class Message(Protocol[P, T]):
    """A message that an actor takes, as its proxy offers it."""

    def defer(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Send it, and wait for nothing: what actors do among themselves."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Send it and return the future answer: for start-up, shutdown and tests."""


def message(method: Callable[Concatenate[Any, P], T]) -> Message[P, T]:
    """Give a proxy's message the types of the method that handles it."""
    return cast("Message[P, T]", method)


class Proxy:
    """The messages that every actor takes; proxies are cast to, never made."""

    actor_ref: Ref[Any]
    ping = message(Actor.ping)


def proxy_of(ref: AnyRef, kind: type[ProxyT]) -> ProxyT:  # noqa: ARG001 - gives the type
    """Return a Pykka proxy of the actor, typed as its list of messages."""
    return cast("ProxyT", ref.proxy())


def stop_all(proxies: Sequence[Proxy], timeout_seconds: float) -> list[str]:
    """Stop actors in the order given, and wait for their threads to end.

    Returns the names of those that did not end in time.
    """
    deadline = time.monotonic() + timeout_seconds
    for proxy in proxies:
        proxy.actor_ref.stop(block=False)
    hanging = [
        proxy.actor_ref
        for proxy in proxies
        if not proxy.actor_ref.join(max(0.0, deadline - time.monotonic()))
    ]
    for ref in hanging:
        ref.give_up()
    return [str(ref) for ref in hanging]
