"""The live picture of a lab's swarm: a map of everyone's pieces, rates, who serves whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from actortorrent.cli.text import format_clock, format_rate, safe_text
from actortorrent.cli.views.swarm import labelled, news, share

if TYPE_CHECKING:
    from actortorrent.lab.observing import MemberPicture, SwarmPicture

SHADES = ("·", "░", "▒", "▓", "█")  # none of a cell's pieces, some, many, most, all
LEAST_CELLS = 8
SHARE_WIDTH = 5  # `100 %`
SIDES = 11 + SHARE_WIDTH + 2  # columns beside the map: names, shares, what is between
STYLES = {"bad-peer": "red", "free-rider": "yellow", "slow-seed": "yellow"}


class MapView:
    """Draw a swarm on a terminal, in place."""

    def __init__(self, about: str, console: Console | None = None) -> None:
        self._about = about
        self._console = console or Console(highlight=False, markup=False, emoji=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._last: SwarmPicture | None = None

    def step(self, what: str, text: str) -> None:
        """Print what was done, above the picture."""
        self._console.print(Text(labelled(what, text)), soft_wrap=True)

    def show(self, picture: SwarmPicture) -> None:
        """Draw how the swarm stands; what happened is printed above it."""
        for line in news(self._last, picture):
            self._console.print(Text(line, style="cyan"))
        self._last = picture
        self._live.start()
        self._live.update(draw_swarm(self._about, picture, self._console.width), refresh=True)

    def close(self) -> None:
        """Take the picture away, but for its last state."""
        if self._live.is_started:
            self._live.transient = False
            self._live.stop()


def draw_swarm(about: str, picture: SwarmPicture, width: int) -> RenderableType:
    """Return the picture of one moment, for any width of terminal."""
    cells = max(LEAST_CELLS, width - SIDES)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(width=cells, no_wrap=True, overflow="ellipsis")
    table.add_column(width=SHARE_WIDTH, justify="right", no_wrap=True)
    for one in picture.members:
        name = Text(one.member.name, style=STYLES.get(one.member.role, "bold"))
        table.add_row(name, _map(one, picture.piece_count, cells), share(one))
        table.add_row("", Text(_doing(one), style="bright_black"), "")
    clock = format_clock(picture.elapsed_seconds)
    headline = Text(f"{clock}  {safe_text(about)}", style="bold", overflow="ellipsis", no_wrap=True)
    tracker = picture.tracker or "gone"
    return Group(headline, table, Text(f"tracker: {tracker}", style="bright_black"))


def draw_pieces(pieces: int, piece_count: int, cells: int) -> str:
    """Return a map of pieces in so many characters, each as dark as its pieces are there."""
    drawn = ""
    for cell in range(cells):
        first = piece_count * cell // cells
        behind = max(first + 1, piece_count * (cell + 1) // cells)
        there = (pieces >> first & ((1 << (behind - first)) - 1)).bit_count()
        drawn += _shade(there, behind - first)
    return drawn


def _shade(there: int, of: int) -> str:
    if there in (0, of):
        return SHADES[-1 if there else 0]
    return SHADES[1 + min(2, 3 * there // of)]


def _map(one: MemberPicture, piece_count: int, cells: int) -> Text:
    if one.pieces is None:
        return Text("(another client: it does not say)", style="bright_black")
    style = "green" if one.is_complete else "cyan"
    return Text(draw_pieces(one.pieces, piece_count, cells), style=style)


def _doing(one: MemberPicture) -> str:
    parts = [f"up {format_rate(one.upload_rate)}"]
    if one.member.fetches and not one.is_complete:
        parts.insert(0, f"down {format_rate(one.download_rate)}")
    if one.member.is_traced:
        parts.append(f"serves {', '.join(one.serves)}" if one.serves else "serves nobody")
    if one.banned:
        parts.append(f"banned {', '.join(one.banned)}")
    return "  ".join(parts)
