from __future__ import annotations

import socket
import subprocess
import sys
import threading

import pykka

from tests.leaks import describe_leftovers, take_stock


class Idler(pykka.ThreadingActor):
    """Do nothing, in a thread."""


def test_a_tidy_test_leaves_nothing() -> None:
    before = take_stock()
    with socket.socket():
        Idler.start().stop()
    assert describe_leftovers(before) == []


def test_an_actor_that_runs_on_is_named() -> None:
    before = take_stock()
    ref = Idler.start()
    leftovers = describe_leftovers(before, settle_seconds=0)
    ref.stop()
    assert any("actor still running: Idler" in line for line in leftovers)


def test_a_thread_that_runs_on_is_named() -> None:
    before = take_stock()
    release = threading.Event()
    thread = threading.Thread(target=release.wait, name="the lingerer")
    thread.start()
    leftovers = describe_leftovers(before, settle_seconds=0)
    release.set()
    thread.join()
    assert leftovers == ["thread still running: the lingerer"]


def test_a_thread_that_is_ending_is_waited_for() -> None:
    before = take_stock()
    release = threading.Event()
    thread = threading.Thread(target=release.wait, args=(30,))
    thread.start()
    release.set()
    assert describe_leftovers(before) == []


def test_an_open_descriptor_is_named() -> None:
    before = take_stock()
    with socket.socket() as sock:
        leftovers = describe_leftovers(before)
        number = sock.fileno()
    assert len(leftovers) == 1
    assert leftovers[0].startswith(f"descriptor still open: {number} -> socket:")


def test_a_child_process_is_named() -> None:
    before = take_stock()
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        leftovers = describe_leftovers(before)
        child.communicate(b"\n")
    assert any(f"child process still there: {child.pid} " in line for line in leftovers)
