"""The first Ctrl-C asks to stop, the second exits at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from actortorrent.cli.interrupts import ASKS_TO_STOP, stopping_on_signals
from actortorrent.errors import ExitCode

NEVER_STOPS = """
import signal
from actortorrent.cli.interrupts import stopping_on_signals
with stopping_on_signals(lambda: print("asked", flush=True)):
    print("ready", flush=True)
    while True:
        signal.pause()
"""


@pytest.mark.parametrize("number", ASKS_TO_STOP)
def test_the_first_signal_asks_to_stop(number: signal.Signals) -> None:
    asked: list[str] = []
    with stopping_on_signals(lambda: asked.append("stop")):
        os.kill(os.getpid(), number)
        assert asked == ["stop"]


def test_the_handlers_from_before_come_back() -> None:
    before = [signal.getsignal(number) for number in ASKS_TO_STOP]
    with pytest.raises(RuntimeError), stopping_on_signals(lambda: None):
        raise RuntimeError
    assert [signal.getsignal(number) for number in ASKS_TO_STOP] == before


def test_the_second_signal_exits_at_once() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", NEVER_STOPS], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == ExitCode.INTERRUPTED
