"""Actors that do as they are told, fail where they are told to, and note what they did."""

from __future__ import annotations

import queue
import threading

from actortorrent.actors.base import Actor, Proxy, Runtime, SocketActor, message, proxy_of

SECONDS = 60.0  # that nothing here takes


class Failures:
    """What `actor_failed` was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.threads: list[str] = []

    def actor_failed(self, name: str, error: BaseException) -> None:
        self.told.append((name, str(error)))
        self.threads.append(threading.current_thread().name)


class Worker(Actor):
    """Does as it is told, and fails where it is told to."""

    def __init__(self, runtime: Runtime, name: str = "Worker", fails_in: str = "") -> None:
        super().__init__(runtime, name)
        self._fails_in = fails_in.split()
        self._log: queue.SimpleQueue[object] = queue.SimpleQueue()

    def _step(self, step: str) -> None:
        self._log.put(step)
        if step in self._fails_in:
            raise RuntimeError(f"failed in {step}")

    def on_start(self) -> None:
        self._step("on_start")

    def log(self) -> queue.SimpleQueue[object]:
        return self._log

    def note(self, thing: object) -> None:
        self._log.put(thing)

    def work(self) -> None:
        self._step("work")

    def work_later(self, seconds: float) -> None:
        self._after(seconds, "work")

    def work_later_or_not(self) -> None:
        self._after(0, "work").cancel()

    def wait_for(self, event: threading.Event) -> None:
        event.wait(SECONDS)

    def stop_yourself(self) -> None:
        self._stop()

    def thread(self) -> threading.Thread:
        return threading.current_thread()

    def on_end(self, error: BaseException | None) -> None:
        self._log.put(("ended", str(error) if error else None))
        if "on_end" in self._fails_in:
            raise RuntimeError("failed in on_end")


class WorkerWithSockets(SocketActor, Worker):
    """The same, with the other inbox."""


class WorkerProxy(Proxy):
    """The messages that it takes."""

    log = message(Worker.log)
    note = message(Worker.note)
    work = message(Worker.work)
    work_later = message(Worker.work_later)
    work_later_or_not = message(Worker.work_later_or_not)
    wait_for = message(Worker.wait_for)
    stop_yourself = message(Worker.stop_yourself)
    thread = message(Worker.thread)


class Stage:
    """Starts workers of a kind, and stops them in the end."""

    def __init__(self, kind: type[Worker]) -> None:
        self.failures = Failures()
        self.started: list[WorkerProxy] = []
        self._kind = kind

    def start(self, name: str = "Worker", *, fails_in: str = "") -> WorkerProxy:
        runtime = Runtime(actor_failed=self.failures.actor_failed)
        worker = proxy_of(self._kind.start(runtime, name, fails_in), WorkerProxy)
        self.started.append(worker)
        return worker


def log_of(worker: WorkerProxy) -> list[object]:
    """Return what the worker logged; it may have gone."""
    log = worker.actor_ref._actor_weakref()._log
    return [log.get_nowait() for _ in range(log.qsize())]


def join(worker: WorkerProxy) -> None:
    assert worker.actor_ref.join(SECONDS)
    assert not worker.actor_ref.is_alive()
