"""Draw lines over a number that grows, as SVG: medians, with their ranges as bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from tests.benchmarks.measuring import Spread

WIDTH, HEIGHT = 280, 200  # of a panel, in px
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 52, 44
COLOURS = ("#2563eb", "#d97706", "#059669", "#9333ea")
STYLE = (
    "text{font:11px system-ui,sans-serif;fill:#374151}"
    ".title{font-weight:600;font-size:13px}"
    ".axis{stroke:#9ca3af}.grid{stroke:#e5e7eb}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """Name a line and its points, in the order of the axis."""

    name: str
    points: Sequence[tuple[int, Spread]]


@dataclass(frozen=True, slots=True)
class Panel:
    """Hold the lines of one figure, whose axis begins at 0.

    Attributes:
        grows_by_factors: whether on the other axis equal factors are equally far apart.
    """

    title: str
    lines: Sequence[Line]
    grows_by_factors: bool = True


def draw(title: str, axis: str, panels: Sequence[Panel]) -> str:
    """Return the panels side by side, with the names of the lines above them."""
    width, height = WIDTH * len(panels), HEIGHT + 20
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{escape(title)}">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        f'<text class="title" x="10" y="18">{escape(title)}</text>',
        *_legend(panels[0].lines if panels else ()),
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate({number * WIDTH} 20)">')
        parts += [*_frame(panel, axis), *_curves(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _legend(lines: Sequence[Line]) -> Iterator[str]:
    for number, line in enumerate(lines):
        x, colour = 10 + number * 110, COLOURS[number % len(COLOURS)]
        yield f'<circle cx="{x + 4}" cy="34" r="4" fill="{colour}"/>'
        yield f'<text x="{x + 13}" y="38">{escape(line.name)}</text>'


def _frame(panel: Panel, axis: str) -> Iterator[str]:
    yield f'<text class="title" x="{LEFT}" y="{TOP - 12}">{escape(panel.title)}</text>'
    top = _top(panel)
    for share in (0.0, 0.5, 1.0):
        y = _y(share * top, top)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        label = f"{share * top:g}"
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for at in _places(panel):
        x = _x(at, panel)
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{at:,}</text>'
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle}" y="{HEIGHT - BOTTOM + 32}" text-anchor="middle">{escape(axis)}</text>'


def _curves(panel: Panel) -> Iterator[str]:
    top = _top(panel)
    for number, line in enumerate(panel.lines):
        colour = COLOURS[number % len(COLOURS)]
        places = [(_x(at, panel), spread) for at, spread in line.points]
        way = " ".join(f"{x:.1f},{_y(spread.median, top):.1f}" for x, spread in places)
        yield f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>'
        for x, spread in places:
            low, high = _y(spread.low, top), _y(spread.high, top)
            yield (
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"'
                f' stroke="{colour}" stroke-opacity=".5"/>'
            )
            yield f'<circle cx="{x:.1f}" cy="{_y(spread.median, top):.1f}" r="3" fill="{colour}"/>'


def _places(panel: Panel) -> list[int]:
    return sorted({at for line in panel.lines for at, _ in line.points})


def _top(panel: Panel) -> float:
    """Return the least round number that is above all: 1, 2 or 5 with zeros."""
    highest = max((spread.high for line in panel.lines for _, spread in line.points), default=1.0)
    unit = 10.0 ** math.floor(math.log10(highest)) if highest > 0 else 1.0
    return next(step * unit for step in (1, 2, 5, 10) if step * unit >= highest)


def _x(at: int, panel: Panel) -> float:
    places = _places(panel)
    scaled: Callable[[float], float] = math.log if panel.grows_by_factors else float
    first = scaled(places[0])
    span = scaled(places[-1]) - first or 1.0
    room = WIDTH - LEFT - RIGHT - 40
    return LEFT + 20 + room * (scaled(at) - first) / span


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top
