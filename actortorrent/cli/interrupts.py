"""Ctrl-C: the first asks to stop in order, the second exits at once; SIGUSR1: tell."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from actortorrent.errors import ExitCode

ASKS_TO_STOP = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
SHOW_CURSOR = "\x1b[?25h"


@contextmanager
def stopping_on_signals(request_stop: Callable[[], None]) -> Iterator[None]:
    """Call `request_stop` at the first signal to end; at the second exit at once.

    What was verified is saved as it comes, so exiting at once loses little. A SIGHUP that
    is ignored stays so: that is how `nohup` lets us outlive the terminal.
    """
    was_asked = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal was_asked
        if was_asked:
            _exit_at_once()
        was_asked = True
        request_stop()

    heeded = [number for number in ASKS_TO_STOP if not _is_ignored_hangup(number)]
    before = {number: signal.signal(number, on_signal) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def recording_on_signal(request_record: Callable[[], None]) -> Iterator[None]:
    """Call `request_record` at each SIGUSR1, where the system has it."""
    number = getattr(signal, "SIGUSR1", None)
    if number is None:
        yield
        return
    before = signal.signal(number, lambda _number, _frame: request_record())
    try:
        yield
    finally:
        signal.signal(number, before)


def _is_ignored_hangup(number: signal.Signals) -> bool:
    return number.name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN


def _exit_at_once() -> None:
    # A handler may not print: the print that it interrupted may hold the stream. os.write may.
    if sys.stdout.isatty():
        os.write(sys.stdout.fileno(), f"{SHOW_CURSOR}\n".encode())
    os._exit(ExitCode.INTERRUPTED)
