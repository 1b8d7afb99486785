"""The `actortorrent` command: finds the subcommand, and tells errors to people.

A subcommand's module is imported only when it runs, so `--version` and `--help` start
at once. Every error ends here: one line on stderr, where there is one a hint, and the
exit code that `actortorrent/errors.py` lists. Only a bug leaves a traceback, in a file.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from actortorrent.cli.failures import is_output_full, report_failure
from actortorrent.errors import ExitCode
from actortorrent.version import VERSION

# What each command does, as `--help` lists it without importing them all.
COMMANDS = {
    "fetch": "Fetch what a torrent describes.",
    "seed": "Serve content that is already here to others.",
    "create": "Make a torrent of a file or folder.",
    "show": "Show what a torrent file says.",
    "magnet": "Print the magnet link of a torrent.",
    "verify": "Compare files on disk with their torrent.",
    "announce": "Ask a torrent's trackers for peers.",
    "scrape": "Ask a torrent's trackers how many have it.",
    "dht": "Ask the DHT: is a node there, who has a torrent?",
    "features": "Say what of BitTorrent this client speaks.",
    "lab": "Run a whole swarm on this machine, and trace all of it.",
    "trace": "Read the traces that fetch and seed write.",
}
TERMINAL_WIDTH = 100  # help does not get wider than this
CLOSED_PIPE = 141  # what the shell says of a command whose reader went away (128 + SIGPIPE)


class Invocation:
    """Hold what the error handler must know of the command line that is run."""

    __slots__ = ("is_verbose",)

    def __init__(self) -> None:
        self.is_verbose = False


class OutputClosedError(Exception):
    """Say that whoever read our output went away: `actortorrent show x | head -1`."""


class Commands(click.Group):
    """The subcommands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command: `fetch` is `fetch` of `actortorrent/cli/fetch.py`."""
        if cmd_name not in COMMANDS:
            return None
        from actortorrent.limits import settle_within_limits  # noqa: PLC0415 - `--version` needs none

        settle_within_limits()
        command = getattr(importlib.import_module(f"actortorrent.cli.{cmd_name}"), cmd_name)
        gc.enable()  # `__main__` did without it so far
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; where there is none of that name, say which was meant."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"no command {name!r}{_meant_instead(name)}")
        return super().resolve_command(ctx, args)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Read the command line; `--help` prints already here."""
        with _closed_output_told():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _closed_output_told():
            return super().invoke(ctx)


@contextmanager
def _closed_output_told() -> Iterator[None]:
    """Raise an error of our own where click would exit with the code of a bug."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputClosedError from error


@click.group(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": TERMINAL_WIDTH,
    },
    epilog="actortorrent COMMAND --help describes a command and shows examples of it.",
)
@click.version_option(VERSION, message="actortorrent %(version)s")
def cli() -> None:
    """Fetch, seed and look into torrents (a BitTorrent client whose parts are actors)."""


def main() -> NoReturn:
    """Run the command line that the process was started with, and exit.

    Before and after, Ctrl-C just ends the process: nothing is lost and nothing to be said.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.freeze()  # or Python would look through all that is left, which ends anyway
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return its exit code; errors are told on stderr."""
    _have_somewhere_to_print()
    _never_fail_to_print()
    invocation = Invocation()
    try:
        result = cli.main(
            args=list(arguments) or ["--help"],
            prog_name="actortorrent",
            standalone_mode=False,
            obj=invocation,
        )
        sys.stdout.flush()
    except (OutputClosedError, BrokenPipeError):  # the latter comes of the flush
        _throw_output_away()
        return CLOSED_PIPE
    except (click.exceptions.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - this is where every error ends
        if is_output_full(error):
            _throw_output_away()
        return report_failure(error, is_verbose=invocation.is_verbose)
    return result if isinstance(result, int) else ExitCode.DONE


def _meant_instead(name: str) -> str:
    if name.endswith(".torrent"):
        return f"; to fetch it: actortorrent fetch {name}"
    import difflib  # noqa: PLC0415 - seldom needed

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _have_somewhere_to_print() -> None:
    """Put nowhere in the place of an output that was closed before we began (`>&-`)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115


def _never_fail_to_print() -> None:
    """Let a terminal that knows no Unicode get escapes instead of a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _throw_output_away() -> None:
    """Let what is still in the buffer of stdout go nowhere, or Python would complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
