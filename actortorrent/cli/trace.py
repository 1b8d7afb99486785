"""`actortorrent trace`: read the traces that `fetch` and `seed` write with `--trace FILE`.

Each command is imported only when it runs: `show` is `show` of `cli/traces/show.py`.
"""

from __future__ import annotations

import gc
import importlib
from typing import Any

import click

# What each command does, in the order of the help: `why` is a group of its own.
TRACE_COMMANDS = {
    "show": "Show a trace as lines that a person can read.",
    "why": "Ask a trace why: choke, piece, slow.",
    "stats": "Count: bytes of each peer, work of each actor, messages.",
    "diff": "Compare two traces by what happened in them.",
    "lint": "Find where a trace breaks a rule of the protocol or of ours.",
    "report": "Write a page that shows a trace: lanes, causes, pieces, choking, a quiz.",
    "anonymise": "Give all that says who or what new names in a trace.",
    "merge": "Put traces of several peers together into one.",
    "import": "Make a trace of a packet capture: of any client's traffic.",
    "export": "Write a trace for other tools: Perfetto, Mermaid, ShiViz, Wireshark, OTLP.",
}


# What is made of a trace is in no circles; to look for such again and again takes a fifth.
OBJECTS_A_COLLECTION = 200_000


MODULES = {"import": "import_"}  # what is a word of Python


class TraceCommands(click.Group):
    """The commands that read traces."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and meanwhile look less often for garbage in circles."""
        usual = gc.get_threshold()
        gc.set_threshold(OBJECTS_A_COLLECTION, *usual[1:])
        try:
            return super().invoke(ctx)
        finally:
            gc.set_threshold(*usual)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help."""
        return list(TRACE_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import one command."""
        if cmd_name not in TRACE_COMMANDS:
            return None
        name = MODULES.get(cmd_name, cmd_name)
        module = importlib.import_module(f"actortorrent.cli.traces.{name}")
        command = getattr(module, name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(TRACE_COMMANDS.items()))


@click.group(cls=TraceCommands)
def trace() -> None:
    """Read the traces that fetch and seed write with --trace FILE."""
