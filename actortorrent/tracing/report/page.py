"""The page of a report: style, script and data in one file, which opens without a network.

The data is packed (deflate, base64), so nothing that came from the network can end the
element that holds it; the script shows texts as texts only. The page's own policy
forbids it every connection, and every script but the one of this build.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

SCRIPTS = (
    "data.js",
    "dom.js",
    "state.js",
    "filter.js",
    "causes.js",
    "card.js",
    "lanes.js",
    "lanes_drawing.js",
    "story.js",
    "pieces.js",
    "chokes.js",
    "figures.js",
    "missing.js",
    "findings.js",
    "quiz.js",
    "main.js",
)
DARK_BEGIN = ':root[data-theme="dark"] {'


def report_page(data: dict[str, Any]) -> str:
    """Return the page that shows what `report_data` returned."""
    folder = resources.files(__package__) / "page"
    script = '"use strict";\n' + "\n".join(_text(folder / name) for name in SCRIPTS)
    style = _style(folder)
    parts = {
        "@STYLE@": style,
        "@SCRIPT@": script,
        "@SCRIPT_HASH@": _policy_hash(script),
        "@STYLE_HASH@": _policy_hash(style),
        "@DATA@": packed(data),
    }
    page = _text(folder / "page.html")
    for mark, part in parts.items():
        page = page.replace(mark, part)
    return page


def packed(data: dict[str, Any]) -> str:
    """Return data as the page unpacks it."""
    raw = json.dumps(data, separators=(",", ":"), allow_nan=False).encode("ascii")
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")


def _style(folder: Traversable) -> str:
    """Return the style; the dark colours stand in it once, and count in two cases."""
    style = _text(folder / "page.css")
    dark = style.partition(DARK_BEGIN)[2].partition("}")[0]
    return style.replace("@DARK@", dark.strip())


def _policy_hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _text(file: Traversable) -> str:
    return file.read_text(encoding="utf-8")
