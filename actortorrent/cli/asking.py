"""What `announce` and `scrape` have in common: options, lines, JSON and the exit code."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from actortorrent.cli.grouped import option
from actortorrent.cli.options import read_proxy
from actortorrent.cli.text import plural, safe_text
from actortorrent.errors import ExitCode, TrackersRefusedError
from actortorrent.trackers import DEFAULT_SECONDS, Reply, TrackerAnswer

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
WHOM = "Whom to ask"
SHOWN = "What is shown"


def asking_options(command: Decorated) -> Decorated:
    """Add the options of everything that asks trackers."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


_OPTIONS = (
    option(
        "--tracker",
        "trackers",
        multiple=True,
        metavar="URL",
        group=WHOM,
        help="Ask this tracker, not those of the torrent. May be given again.",
    ),
    option(
        "--proxy",
        callback=read_proxy,
        metavar="URL",
        group=WHOM,
        help="Ask through this proxy, and nothing around it: socks5://[USER:PASSWORD@]HOST:PORT"
        " or http://... Trackers that speak UDP are not asked.",
    ),
    option(
        "--bind",
        metavar="ADDR|IFACE",
        group=WHOM,
        help="Ask from this address or interface of ours.  [default: any]",
    ),
    option(
        "--timeout",
        "timeout_seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=DEFAULT_SECONDS,
        show_default=True,
        metavar="SEC",
        group=WHOM,
        help="Wait so long for each tracker.",
    ),
    option(
        "--json",
        "as_json",
        is_flag=True,
        group=SHOWN,
        help="Print one JSON object a line, for each tracker.",
    ),
)


def tell_answers(
    answers: Iterable[TrackerAnswer],
    *,
    as_json: bool,
    describe: Callable[[Reply], list[str]],
    figures: Callable[[Reply], dict[str, object]],
) -> int:
    """Print each answer as it comes.

    Args:
        answers: of all trackers.
        as_json: whether to print JSON.
        describe: says what a reply holds, in lines; the first stands behind the tracker.
        figures: says it for JSON.

    Raises:
        TrackersRefusedError: if not one tracker served us.
    """
    asked = served = 0
    for answer in answers:
        asked += 1
        served += answer.reply is not None
        lines = [_as_json(answer, figures)] if as_json else _as_lines(answer, describe)
        for line in lines:
            click.echo(line)
    if not served:
        which = "the one tracker asked" if asked == 1 else plural(asked, "tracker")
        raise TrackersRefusedError(
            f"no answer of use from {which}", hint="the reasons stand in the lines above"
        )
    return ExitCode.DONE


def _as_lines(answer: TrackerAnswer, describe: Callable[[Reply], list[str]]) -> list[str]:
    url = safe_text(answer.url)
    if answer.reply is None:
        verb = "refused" if answer.has_refused else "failed"
        return [f"{url}  {verb}: {safe_text(answer.error)}"]
    first, *others = describe(answer.reply)
    return [f"{url}  {safe_text(first)}", *(f"  {safe_text(line)}" for line in others)]


def _as_json(answer: TrackerAnswer, figures: Callable[[Reply], dict[str, object]]) -> str:
    said = {} if answer.reply is None else figures(answer.reply)
    return json.dumps(
        {
            "tracker": answer.url,
            "answered": answer.reply is not None,
            "refused": answer.has_refused,
            "error": answer.error,
            "seconds": round(answer.seconds, 3),
            **said,
        }
    )
