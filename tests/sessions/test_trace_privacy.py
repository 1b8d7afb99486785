"""What a trace of a real run does not tell: bytes of the content, and folders of this machine."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import ExitCode, StorageError
from actortorrent.tracing.reader import TraceFile
from tests.conftest import ContentMaker
from tests.content import Content
from tests.sessions.running import error_of, fetching, seeding
from tests.sessions.scripted_peer import ScriptedPeer, leech

SECRET = "Bob's Secret, for sure"  # a name with all that a search for paths may stumble over
BLOCK = 16 * 1024


@pytest.fixture
def secret_folder(tmp_path: Path) -> Path:
    folder = tmp_path / SECRET / "within: another"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def content(content_maker: ContentMaker) -> Content:
    return content_maker({"one.bin": 70_000, "sub/two.bin": 200_000})


def assert_tells_nothing(trace: Path, content: Content, *folders: Path) -> None:
    text = trace.read_text("ascii")
    assert len(text.splitlines()) > 20
    for folder in (*folders, content.folder, Path.home()):
        assert json.dumps(str(folder))[1:-1] not in text
    assert SECRET not in text
    for piece in first_bytes(content):
        for written in (piece.hex(), base64.b64encode(piece).decode(), json.dumps(repr(piece))):
            assert written[:20] not in text


def first_bytes(content: Content) -> Iterator[bytes]:
    for path, _ in content.files:
        data = (content.folder / path).read_bytes()
        yield from (data[start : start + 30] for start in range(0, len(data) - 30, BLOCK))


@pytest.mark.parametrize("level", ["piece", "block"])
def test_a_fetch_and_its_seed(
    content: Content, secret_folder: Path, tmp_path: Path, level: str
) -> None:
    traces = [tmp_path / "seed.jsonl", tmp_path / "leech.jsonl"]
    with seeding(content, trace=traces[0], trace_level=level) as seed:
        settings: dict[str, Any] = {"trace": traces[1], "trace_level": level}
        with fetching(content, secret_folder, [seed], **settings) as leech:
            leech.finish_whole()
    for trace in traces:
        assert_tells_nothing(trace, content, secret_folder)


def test_a_disk_that_fails(content: Content, secret_folder: Path, tmp_path: Path) -> None:
    (secret_folder / "content").mkdir()
    (secret_folder / "content" / "sub").write_text("a file where a folder is needed")
    trace = tmp_path / "trace.jsonl"
    with seeding(content) as seed:
        error = error_of(fetching(content, secret_folder, [seed], trace=trace))
    assert isinstance(error, StorageError)
    assert SECRET in str(error), "the user is told where"
    assert "disk_failed" in trace.read_text() or "actor:failed" in trace.read_text()
    assert_tells_nothing(trace, content, secret_folder)


def test_content_that_can_no_longer_be_read(
    content_maker: ContentMaker, secret_folder: Path, tmp_path: Path
) -> None:
    content = content_maker(300_000)
    moved = secret_folder / content.files[0][0]
    (content.folder / content.files[0][0]).rename(moved)
    elsewhere = replace(content, folder=secret_folder)
    trace = tmp_path / "trace.jsonl"
    with seeding(elsewhere, trace=trace) as seed, ScriptedPeer(elsewhere, leech) as peer:
        moved.write_bytes(moved.read_bytes()[:10])
        peer.dial(seed.address.port)
        seed.wait_for_notice("no longer serving piece")
        assert any(SECRET in notice for notice in seed.notices), "the user is told where"
    assert '"notice"' in trace.read_text()
    assert_tells_nothing(trace, elsewhere, secret_folder)


def test_an_anonymised_trace_of_a_real_run_names_nobody(
    content: Content, secret_folder: Path, tmp_path: Path
) -> None:
    trace, public = tmp_path / "trace.jsonl", tmp_path / "public.jsonl"
    with seeding(content) as seed, fetching(content, secret_folder, [seed], trace=trace) as leech:
        leech.finish_whole()
    assert run(["trace", "anonymise", str(trace), "-o", str(public)]) == ExitCode.DONE
    with TraceFile(trace) as before, TraceFile(public) as after:
        assert [one.id for one in after.events()] == [one.id for one in before.events()]
        secrets = ("127.0.0.1", content.info_hash.hex(), before.header.peer_id, before.header.node)
    text = public.read_text()
    assert not [secret for secret in secrets if secret in text]
    assert "10.0.0.1:" in text


def test_trace_show_can_show_it_so(
    content: Content, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = tmp_path / "trace.jsonl"
    with (
        seeding(content, trace=trace) as seed,
        fetching(content, tmp_path / "out", [seed]) as leech,
    ):
        leech.finish_whole()
    assert run(["trace", "show", str(trace), "--anonymise"]) == ExitCode.DONE
    shown = capsys.readouterr().out
    assert "127.0.0.1" not in shown
    assert content.info_hash.hex() not in shown
    assert "handshake" in shown
