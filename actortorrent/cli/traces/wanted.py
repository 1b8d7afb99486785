"""The options that pick events out of a trace: by actor, type, piece and peer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from actortorrent.cli.grouped import option

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def wanted_options(group: str) -> Callable[[Decorated], Decorated]:
    """Declare `actors`, `types`, `pieces` and `peers`, under the heading `group`."""

    def declare(command: Decorated) -> Decorated:
        for decorate in reversed(_options(group)):
            command = decorate(command)
        return command

    return declare


def _options(group: str) -> tuple[Callable[[Any], Any], ...]:
    return (
        option(
            "--actor",
            "actors",
            multiple=True,
            metavar="NAME",
            group=group,
            help="What an actor did, sent and received: Storage, 'Peer-*'.",
        ),
        option(
            "--type",
            "types",
            multiple=True,
            metavar="TYPE",
            group=group,
            help="Events, messages or decisions of a kind: decision, wants_work, unchoke, 'bt:*'.",
        ),
        option(
            "--piece",
            "pieces",
            multiple=True,
            type=click.IntRange(min=0),
            metavar="N",
            group=group,
            help="What names the piece of this index.",
        ),
        option(
            "--peer",
            "peers",
            multiple=True,
            metavar="PEER",
            group=group,
            help="What has to do with a peer: 3, Peer-3 or 10.0.0.1:6881.",
        ),
    )
