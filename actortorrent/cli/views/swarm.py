"""What a running lab shows: a live picture of its swarm, plain lines, JSON lines, or nothing."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Protocol

import click

from actortorrent.cli.text import format_clock, format_rate, plural, safe_text

if TYPE_CHECKING:
    from actortorrent.lab.observing import MemberPicture, SwarmPicture

SCHEMA = "actortorrent-lab/1"
LABEL_WIDTH = 9
LINES_SECONDS = 2.0  # between two plain lines


class SwarmView(Protocol):
    """Show a lab: `step` and `show` while it runs, then `close`."""

    def step(self, what: str, text: str) -> None:
        """Say what was done."""

    def show(self, picture: SwarmPicture) -> None:
        """Show how the swarm stands."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def make_swarm_view(kind: str, about: str) -> SwarmView:
    """Return the view that `--progress` asks for.

    Args:
        kind: "auto", "bar", "lines", "json" or "none".
        about: the headline.
    """
    if kind == "auto":
        can_move_the_cursor = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        kind = "bar" if can_move_the_cursor else "lines"
    if kind == "bar":
        # Here, because rich takes as long to import as everything else together.
        from actortorrent.cli.views.swarm_map import MapView  # noqa: PLC0415

        return MapView(about)
    if kind == "lines":
        return LinesSwarmView()
    return JsonSwarmView() if kind == "json" else SilentSwarmView()


def labelled(what: str, text: str) -> str:
    """Return a line under a label, as all views for people print it."""
    return f"{what:<{LABEL_WIDTH}} {safe_text(text)}"


def share(one: MemberPicture) -> str:
    """Return how much of the content a member has: `43 %`."""
    if one.part is None:
        return "?"
    return "100 %" if one.part >= 1 else f"{min(99, int(100 * one.part))} %"


def news(before: SwarmPicture | None, now: SwarmPicture) -> list[str]:
    """Return what happened between two pictures, a line each."""
    clock = f"[{format_clock(now.elapsed_seconds)}]"
    known = {one.member.name: one for one in before.members} if before else {}
    lines = []
    for one in now.members:
        earlier = known.get(one.member.name)
        if one.member.fetches and one.is_complete and not (earlier and earlier.is_complete):
            lines.append(f"{clock} {one.member.name} is complete")
        already = earlier.banned if earlier else ()
        lines += [
            f"{clock} {one.member.name} bans {name}" for name in one.banned if name not in already
        ]
    return lines


class SilentSwarmView:
    """Show nothing."""

    def step(self, what: str, text: str) -> None:
        """Say nothing."""

    def show(self, picture: SwarmPicture) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Do nothing."""


class LinesSwarmView:
    """Print a line now and then, and one for each event."""

    def __init__(self) -> None:
        self._last: SwarmPicture | None = None
        self._told_at = 0.0

    def step(self, what: str, text: str) -> None:
        """Print what was done."""
        click.echo(labelled(what, text))

    def show(self, picture: SwarmPicture) -> None:
        """Print what happened, and now and then the figures."""
        for line in news(self._last, picture):
            click.echo(line)
        self._last = picture
        if picture.elapsed_seconds - self._told_at >= LINES_SECONDS:
            self._told_at = picture.elapsed_seconds
            click.echo(_figures(picture))

    def close(self) -> None:
        """Do nothing."""


class JsonSwarmView:
    """Print one JSON object a line."""

    def __init__(self) -> None:
        print_lab_event("start", {"schema": SCHEMA})

    def step(self, what: str, text: str) -> None:
        """Print "step"."""
        print_lab_event("step", {"what": what, "text": text})

    def show(self, picture: SwarmPicture) -> None:
        """Print "swarm"."""
        members = [_as_json(one, picture.piece_count) for one in picture.members]
        elapsed = round(picture.elapsed_seconds, 3)
        print_lab_event("swarm", {"elapsed_seconds": elapsed, "members": members})

    def close(self) -> None:
        """Do nothing."""


def print_lab_event(event: str, values: dict[str, Any]) -> None:
    """Print one JSON object on one line, in ASCII alone."""
    click.echo(json.dumps({"event": event, **values}))


def _figures(picture: SwarmPicture) -> str:
    shares = [f"{one.member.name} {share(one)}" for one in picture.members if one.member.fetches]
    sent = sum(one.upload_rate for one in picture.members)
    serving = plural(sum(len(one.serves) for one in picture.members), "slot")
    clock = format_clock(picture.elapsed_seconds)
    return f"[{clock}] {', '.join(shares)}; {serving} in use, {format_rate(sent)} in all"


def _as_json(one: MemberPicture, piece_count: int) -> dict[str, Any]:
    """Return a member; `pieces` is drawn, one character a piece."""
    pieces = one.pieces
    drawn = "" if pieces is None else f"{pieces:0{piece_count}b}"[::-1]
    return {
        "name": one.member.name,
        "role": str(one.member.role),
        "phase": one.phase,
        "is_complete": one.is_complete,
        "part": one.part,
        "pieces": drawn.replace("0", ".").replace("1", "#") if drawn else None,
        "serves": list(one.serves),
        "banned": list(one.banned),
        "download_rate": round(one.download_rate),
        "upload_rate": round(one.upload_rate),
        "fetched_bytes": one.fetched_bytes,
        "uploaded_bytes": one.uploaded_bytes,
        "wasted_bytes": one.wasted_bytes,
    }
