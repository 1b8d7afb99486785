"""Help that is worth reading: options under headings, and examples behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
OTHER_OPTIONS = "Other options"


class GroupedOption(click.Option):
    """An option that knows the heading it stands under."""

    def __init__(self, *args: Any, group: str = OTHER_OPTIONS, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help has its options under headings and ends with examples.

    Args:
        examples: pairs of what a command line does and the command line.
    """

    def __init__(
        self, *args: Any, examples: Sequence[tuple[str, str]] = (), **attributes: Any
    ) -> None:
        super().__init__(*args, **attributes)
        self.examples = tuple(examples)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options group by group, in the order of each group's first option."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                heading = getattr(parameter, "group", OTHER_OPTIONS)
                groups.setdefault(heading, []).append(record)
        others = groups.pop(OTHER_OPTIONS, [])
        for heading, records in (*groups.items(), (OTHER_OPTIONS, others)):
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then the epilog."""
        if self.examples:
            with formatter.section("Examples"):
                indent = " " * formatter.current_indent
                for what, line in self.examples:
                    formatter.write(f"{indent}# {what}\n{indent}{line}\n")
        super().format_epilog(ctx, formatter)


def option(*names: str, group: str, **attributes: Any) -> Callable[[Decorated], Decorated]:
    """Declare an option that stands under the heading `group`."""
    return click.option(*names, cls=GroupedOption, group=group, **attributes)
