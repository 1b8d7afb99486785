"""See what a test left behind: actors, threads, open descriptors, child processes."""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pykka

SETTLE_SECONDS = 30.0  # what a thread that was told to end may take, on a busy machine
FD_FOLDER = Path("/proc/self/fd")  # not on every system; there, descriptors go unchecked


@dataclass(frozen=True, slots=True)
class Belongings:
    """Hold what the process has open at one moment."""

    actors: frozenset[str]
    threads: frozenset[threading.Thread]
    descriptors: frozenset[tuple[int, str]]
    children: frozenset[int]


def take_stock() -> Belongings:
    """Return what the process has open now."""
    return Belongings(
        actors=frozenset(ref.actor_urn for ref in pykka.ActorRegistry.get_all()),
        threads=frozenset(threading.enumerate()),
        descriptors=frozenset(_descriptors()),
        children=frozenset(_children()),
    )


def describe_leftovers(before: Belongings, settle_seconds: float = SETTLE_SECONDS) -> list[str]:
    """Return a sentence for each thing that is open now and was not `before`.

    Threads that are about to end are waited for, `settle_seconds` in all.
    """
    # Ask for the actors first: a running actor's thread would not end by waiting.
    actors = [
        str(ref)
        for ref in pykka.ActorRegistry.get_all()
        if ref.actor_urn not in before.actors and _outlives(ref, settle_seconds)
    ]
    deadline = time.monotonic() + settle_seconds
    for thread in threading.enumerate():
        is_running = thread.ident is not None  # or it is only just being started
        if is_running and thread not in before.threads | {threading.current_thread()}:
            thread.join(max(0.0, deadline - time.monotonic()))
    now = take_stock()
    if now.descriptors - before.descriptors:
        gc.collect()  # an unclosed file in a cycle: pytest reports its ResourceWarning
        now = take_stock()
    return [
        *(f"actor still running: {name}" for name in sorted(actors)),
        *(f"thread still running: {t.name}" for t in now.threads - before.threads),
        *(
            f"descriptor still open: {number} -> {target}"
            for number, target in sorted(now.descriptors - before.descriptors)
        ),
        *(
            f"child process still there: {pid} {_command_line(pid)}"
            for pid in sorted(now.children - before.children)
        ),
    ]


def _outlives(ref: pykka.ActorRef[pykka.Actor], settle_seconds: float) -> bool:
    return not ref.actor_stopped.wait(settle_seconds)


def _descriptors() -> list[tuple[int, str]]:
    if not FD_FOLDER.exists():
        return []
    found = []
    for link in list(FD_FOLDER.iterdir()):
        try:
            found.append((int(link.name), str(link.readlink())))
        except OSError:  # the descriptor of this very listing
            continue
    return found


def _children() -> list[int]:
    pids: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):
        try:
            pids.extend(int(pid) for pid in listing.read_text().split())
        except OSError:  # the thread ended meanwhile
            continue
    return pids


def _command_line(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return ""
    return raw.replace(b"\0", b" ").decode(errors="replace").strip() or "(a zombie: wait for it)"
