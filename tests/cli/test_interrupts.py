"""The first Ctrl-C asks to stop, the second exits at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from actortorrent.cli.interrupts import ASKS_TO_STOP, recording_on_signal, stopping_on_signals
from actortorrent.errors import ExitCode

# The handler may interrupt the print of "ready" itself, so it writes past it.
NEVER_STOPS = """
import os, signal
from actortorrent.cli.interrupts import stopping_on_signals
with stopping_on_signals(lambda: os.write(1, b"asked\\n")):
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


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="the system has no SIGUSR1")
def test_sigusr1_asks_for_the_flight_recorder_each_time() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    asked: list[str] = []
    with recording_on_signal(lambda: asked.append("record")):
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR1)
    assert asked == ["record", "record"]
    assert signal.getsignal(signal.SIGUSR1) == before


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
