"""Start a command, wait for its end, and say what it took: `python starter.py FD SECONDS COMMAND...`.

Linux counts into the peak memory of a new process what its parent had when it was made. So
the parent must be small, and is this. It writes to the descriptor FD: wall time and CPU in
seconds, peak memory in KiB, exit code; and kills a command that takes longer than SECONDS.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def main(report: int, limit_seconds: int, command: list[str]) -> None:
    os.set_inheritable(report, False)
    began = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(limit_seconds)
    _, status, usage = os.wait4(pid, 0)
    wall_seconds = time.monotonic() - began
    code = os.waitstatus_to_exitcode(status)
    figures = (wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, code)
    os.write(report, " ".join(str(figure) for figure in figures).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
