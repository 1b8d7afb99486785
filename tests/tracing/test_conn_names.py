from __future__ import annotations

from pathlib import Path

import pytest

from actortorrent.tracing.conn_names import conn_name, conn_of_name
from actortorrent.tracing.linting import lint
from actortorrent.tracing.reader import TraceFile
from tests.conftest import ContentMaker
from tests.sessions.running import fetching
from tests.sessions.web_server import Asked, WebServer, with_web_seeds


@pytest.mark.parametrize(("conn", "name"), [(1, "Peer-1"), (70, "Peer-70"), (-2, "WebSeed-2")])
def test_a_connection_is_called_after_its_actor(conn: int, name: str) -> None:
    assert conn_name(conn) == name
    assert conn_of_name(name) == conn
    assert conn_of_name(f"node/{name}") == conn


@pytest.mark.parametrize("name", ["Seeder", "Peer-", "Peer-x", "Peer", "RangeCall-1-2", "Peer-²"])
def test_no_other_actor_has_a_connection(name: str) -> None:
    assert conn_of_name(name) is None


def test_a_trace_with_web_seeds_breaks_no_rule(content_maker: ContentMaker, tmp_path: Path) -> None:
    content = content_maker({"a": 300_000, "b": 200_000})
    trace = tmp_path / "web.trace"

    def lie_at_last(asked: Asked) -> None:
        (asked.serve if asked.number < 4 else asked.lie)()

    with WebServer(content, lie_at_last) as liar, WebServer(content, Asked.serve) as honest:
        named = with_web_seeds(content, liar.url, honest.url)
        with fetching(named, tmp_path / "into", trace=trace) as session:
            session.finish_whole()
    with TraceFile(trace) as opened:
        assert lint(opened.header, opened.events()) == []
