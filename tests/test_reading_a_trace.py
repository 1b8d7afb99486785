"""What docs/reading-a-trace.md shows still happens: a trace like it is made anew and compared."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.tracing.events import Event
from actortorrent.tracing.reader import TraceFile
from tests.content import Content, make_content
from tests.documents import ROOT
from tests.peers.own import own_fetch, own_seed
from tests.tracing.traces import broken_laws

DOCUMENT = (ROOT / "docs" / "reading-a-trace.md").read_text("utf-8")
EXCERPT = re.compile(r"<!-- excerpt( of the seed)? -->\n\n```text\n(.*?)```", re.DOTALL)
LINE = re.compile(r"^ +\d+\.\d{4}  (?P<who>\S+) +(?P<what>\S.*)$")
QUESTION = re.compile(r"\| `actortorrent trace show fetch\.jsonl ([^`]+)`")
NAMES = re.compile(r"`((?:actor|bt|dht|trace):[a-z_]+)`")


class Traces:
    """The traces of both ends of the same small fetch as in the document."""

    def __init__(self, folder: Path, content: Content) -> None:
        self.fetch, self.seed = folder / "fetch.jsonl", folder / "seed.jsonl"
        with own_seed(content, extra=("--trace", self.seed)) as seeding:
            into, peers, extra = folder / "out", [seeding.address], ("--trace", self.fetch)
            with own_fetch(content, into, peers=peers, extra=extra) as fetching:
                fetching.finish()
            seeding.interrupt()


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """Return traces made now."""
    folder = tmp_path_factory.mktemp("traces")
    sizes = {"harbour.jpg": 200_000, "night.jpg": 100_000}
    content = make_content(folder / "content", sizes, name="photos", piece_length=64 * 1024)
    return Traces(folder, content)


def told(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> list[str]:
    assert run(["trace", "show", str(path), *options]) == ExitCode.DONE
    return capsys.readouterr().out.splitlines()


def gist(line: str) -> str:
    """Return who did what in a line: without times, figures and what differs each time."""
    found = LINE.match(line)
    if found is None:
        return ""
    what = found["what"]
    if what[0] == "→":
        what = what.replace("  ", " ", 1)  # behind the receiver's name
    what = re.sub(r"\(.*|  .*", "", what)
    if found["what"][0] in "⇐⇒" or " the trace ends" in line:
        what = re.sub(r"\b\d+ (block|request)s?\b.*", r"some \1s", what)
        what = re.sub(r"(handshake of|after) .*", r"\1 ...", what)
    return f"{found['who']} {re.sub(r': .*', '', what)}"


def events(path: Path) -> list[Event]:
    with TraceFile(path) as trace:
        return list(trace.events())


def excerpts() -> Iterator[tuple[bool, list[str]]]:
    """Yield, for each excerpt, whether it is the seed's, and its lines."""
    for of_seed, text in EXCERPT.findall(DOCUMENT):
        yield bool(of_seed), text.splitlines()


@pytest.mark.parametrize(("is_of_seed", "lines"), list(excerpts()))
def test_each_excerpt_is_still_told_in_its_order(
    traces: Traces, capsys: pytest.CaptureFixture[str], is_of_seed: bool, lines: list[str]
) -> None:
    path = traces.seed if is_of_seed else traces.fetch
    now = iter([gist(line) for line in told(capsys, path)])
    documented = list(filter(None, map(gist, lines)))
    missing = [one for one in documented if one not in now]  # looks on from where it is
    assert missing == []


def test_the_document_has_its_excerpts() -> None:
    assert len([lines for _, lines in excerpts() if len(lines) >= 4]) == 6


def test_every_kind_of_event_is_described(traces: Traces) -> None:
    described = set(NAMES.findall(DOCUMENT))
    happened = {one.name for path in (traces.fetch, traces.seed) for one in events(path)}
    assert happened <= described


def test_every_kind_of_event_that_the_sources_name_is_described() -> None:
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "actortorrent").rglob("*.py"))
    named = set(re.findall(r'"((?:actor|bt|dht|trace):[a-z_]+[a-z])"', sources))
    assert len(named) > 20
    assert named - set(NAMES.findall(DOCUMENT)) == set()


def test_every_key_of_the_header_and_of_an_event_is_described(traces: Traces) -> None:
    with TraceFile(traces.fetch) as trace:
        keys = {*trace.header.to_json(), *next(iter(trace.events())).to_json()}
    assert {key for key in keys if f"`{key}`" not in DOCUMENT} == set()


def test_every_question_in_the_document_has_an_answer(
    traces: Traces, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = QUESTION.findall(DOCUMENT)
    assert len(questions) == 6
    for options in questions:
        lines = told(capsys, traces.fetch, *shlex.split(options))
        assert "no event fits" not in lines[-1]
        assert 4 < len(lines) < 130


def test_both_traces_keep_the_laws_of_causality(traces: Traces) -> None:
    assert broken_laws(events(traces.fetch)) == []
    assert broken_laws(events(traces.seed)) == []
