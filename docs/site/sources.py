"""What the site has besides docs/: the README as its first page, and the sources it links.

A link that leads out of docs/ leads to a page here that holds that file, so that the site is
whole on a machine that has neither the repository nor a network.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from pygments.formatters import HtmlFormatter

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
SOURCES = "source"  # the folder of the site for files from without
LANGUAGES = {".py": "python", ".toml": "toml", ".md": "text"}
LIGHT, DARK = "default", "github-dark"
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Name the anchors of headings as code forges do, for links that are followed there, too."""
    config.mdx_configs["toc"]["slugify"] = lambda heading, separator: re.sub(
        r"[^\w\- ]", "", heading.lower()
    ).replace(" ", separator)
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the first page, a page for each source that is linked, and colours for code."""
    first = (ROOT / "README.md").read_text("utf-8")
    generated = {"index.md": _LINK.sub(lambda link: _from_docs(link[1]), first)}
    for file in files.documentation_pages():
        generated |= _sources_of(file.content_string, file.src_uri)
    generated |= _sources_of(generated["index.md"], "index.md")
    generated["code.css"] = _colours()
    for name, content in generated.items():
        level = InclusionLevel.NOT_IN_NAV if name.startswith(SOURCES) else InclusionLevel.INCLUDED
        files.append(File.generated(config, name, content=content, inclusion=level))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_others: Any) -> str:
    """Lead links that leave docs/ to the pages of sources."""

    def lead(link: re.Match[str]) -> str:
        source = _source(link[1], page.file.src_uri)
        if source is None:
            return link[1]
        return os.path.relpath(f"{SOURCES}/{source}.md", Path(page.file.src_uri).parent)

    return markdown if page.file.src_uri.startswith(SOURCES) else _LINK.sub(lead, markdown)


def _from_docs(link: str) -> str:
    """Return a link of the README as one of a page in docs/."""
    return os.path.relpath(link, "docs")


def _sources_of(text: str, page: str) -> dict[str, str]:
    """Return the pages of all sources that a page links."""
    found = filter(None, (_source(link, page) for link in _LINK.findall(text)))
    return {f"{SOURCES}/{name}.md": _page(name) for name in found}


def _source(link: str, page: str) -> str | None:
    """Return which file of the repository a link means, if it is no page of the site."""
    target = (DOCS / page).parent / link
    path = Path(os.path.normpath(target))
    is_page = path.is_relative_to(DOCS) and path.suffix != ".py"
    if is_page or not path.is_file():
        return None  # what is not there, mkdocs complains of
    return path.relative_to(ROOT).as_posix()


def _page(name: str) -> str:
    path = ROOT / name
    language = LANGUAGES.get(path.suffix, "text")
    return f"# {name}\n\n````{language}\n{path.read_text('utf-8')}````\n"


def _colours() -> str:
    light = HtmlFormatter(style=LIGHT).get_token_style_defs(".codehilite")
    dark = HtmlFormatter(style=DARK).get_token_style_defs(".codehilite")
    return "\n".join([*light, "@media (prefers-color-scheme: dark) {", *dark, "}", ""])
