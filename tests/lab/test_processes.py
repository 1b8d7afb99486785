from __future__ import annotations

import os
import select
import sys

import pytest

from actortorrent.errors import LabError
from actortorrent.lab.processes import Running


def python(script: str) -> Running:
    return Running([sys.executable, "-u", "-c", script])


def test_a_line_is_waited_for() -> None:
    with python("print('one'); input(); print('two: 2')") as process:
        assert process.wait_for_line("on(.)")[1] == "e"
        assert process.lines == ("one",)
        with pytest.raises(LabError, match=r"did not print 'two' in 0\.05 s"):
            process.wait_for_line("two", seconds=0.05)


def test_a_line_that_will_not_come_is_an_error_that_shows_what_came() -> None:
    with (
        python("print('something else')") as process,
        pytest.raises(LabError, match="ended without printing 'one'\nsomething else"),
    ):
        process.wait_for_line("one")


def test_a_carriage_return_ends_a_line() -> None:
    with python("print('10 %', end='\\r'); print('20 %')") as process:
        process.wait_for_success()
        assert process.lines == ("10 %", "20 %")


def test_a_failure_tells_its_exit_code_and_last_words() -> None:
    with (
        python("raise SystemExit('no luck')") as process,
        pytest.raises(LabError, match="exit code 1\nno luck"),
    ):
        process.wait_for_success()


def test_last_words_are_those_for_people() -> None:
    with python("print('{\"event\": \"error\"}'); raise SystemExit('no luck')") as process:
        assert process.wait() == 1
        assert process.tail() == "no luck"


def test_much_output_holds_nobody_up() -> None:
    with python("print('x' * 1000_000); print('end')") as process:
        process.wait_for_success()
        assert len(process.lines[0]) == 1_000_000


def test_ctrl_c_reaches_it() -> None:
    script = "try:\n  print('up'); input()\nexcept KeyboardInterrupt: print('interrupted')"
    with python(script) as process:
        process.wait_for_line("up")
        process.interrupt()
        process.wait_for_line("interrupted")


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux tells of others' ends")
def test_what_it_started_is_gone_too() -> None:
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)\n"
        "print(child.pid); input()"
    )
    with python(script) as process:
        child = os.pidfd_open(int(process.wait_for_line(r"\d+")[0]))
    try:
        ended, _, _ = select.select([child], [], [], 5)
    finally:
        os.close(child)
    assert ended


def test_an_error_in_the_block_is_told_with_the_output() -> None:
    process = python("print('said before')")
    process.wait()
    error = ZeroDivisionError()
    process.__exit__(ZeroDivisionError, error, None)
    assert "said before" in error.__notes__[0]
