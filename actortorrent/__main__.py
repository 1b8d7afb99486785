"""Run `python -m actortorrent` as the `actortorrent` command."""

from __future__ import annotations

import gc
import signal


def main() -> None:
    """Run the command line that the process was started with, and exit.

    While all is imported there is nothing to save or to say: Ctrl-C just ends it. So this
    module imports next to nothing before it has said so. Nor is there any garbage: to look
    for it would take a fifth of the time. `Commands` of `cli/main.py` lets that begin.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from actortorrent.cli.main import main as run  # noqa: PLC0415 - see above

    run()


if __name__ == "__main__":
    main()
