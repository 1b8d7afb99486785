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

# Runs the command, which gets a Ctrl-C as soon as it imports a certain module.
INTERRUPTED_BY_IMPORT = """
import os, signal, sys
from actortorrent.__main__ import main
module = sys.argv.pop(1)
class Interrupter:
    def find_spec(self, name, path=None, target=None):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupter())
main()
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
        assert process.wait(timeout=60) == ExitCode.INTERRUPTED


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping_on_signals(lambda: pytest.fail("it was heeded")):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("module", ["click", "actortorrent.cli.failures", "actortorrent.cli.fetch"])
def test_ctrl_c_while_modules_are_imported_leaves_no_traceback(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_BY_IMPORT, module, "fetch", "x.torrent"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr.strip() == ""
    assert ended.returncode in (-signal.SIGINT, ExitCode.INTERRUPTED)  # 130 to a shell, either way
