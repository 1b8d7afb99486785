"""A collector gets what happened, by OpenTelemetry's own schema; or one line says why not."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actortorrent.cli.main import run
from actortorrent.errors import CollectorError, ExitCode, UsageError
from actortorrent.telemetry.sending import endpoint_of, send_spans
from actortorrent.tracing.events import MESSAGE, TIMER, WIRE_RECEIVED, WIRE_SENT, Event
from actortorrent.tracing.exports.otlp import MAX_SPANS
from actortorrent.tracing.exports.spans import spans_of
from actortorrent.tracing.merging import merge_traces
from actortorrent.tracing.reader import TraceFile
from tests.telemetry.collecting import Collecting, attributes, collecting
from tests.tracing.traces import HEADER, event, message, write_trace

FEW = [
    message("Swarm", "Peer-1", "leave", (2, 3, 6), ms=2, args={"why": "choked", "conn": 1}),
    event("actor:decision", "Peer-1", 4, cause="Peer-1#3", ms=2, what="drop", chosen=True),
    message("Peer-1", "Storage", "save", (7,), cause="Peer-1#3", ms=3),
]


@pytest.fixture
def collector() -> Iterator[Collecting]:
    with collecting() as running:
        yield running


def send(trace: Path, collector: Collecting | str, *more: str) -> int:
    to = collector if isinstance(collector, str) else collector.url
    return run(["trace", "export", str(trace), "--format", "otlp", "--to", to, *more])


def few_spans(
    collector: Collecting, events: list[Event] = FEW, *, timeout_seconds: float = 60.0
) -> None:
    spans = spans_of(HEADER, events, lambda _event: True)
    send_spans(spans, collector.url, timeout_seconds=timeout_seconds)


def events_of(path: Path) -> list[Event]:
    with TraceFile(path) as trace:
        return list(trace.events())


def test_each_handled_message_timer_and_message_of_the_wire_is_a_span(
    collector: Collecting, swarm_traces: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert send(swarm_traces[0], collector) == ExitCode.DONE
    spans, events = collector.spans(), events_of(swarm_traces[0])
    for name in (MESSAGE, TIMER, WIRE_SENT, WIRE_RECEIVED):
        told = [span for span in spans if attributes(span).get("event") == name]
        assert len(told) == sum(one.name == name for one in events) > 5
    noted = sum(len(span.events) for span in spans)
    assert len(spans) - 1 + noted == len(events), "all else is noted; the session is one more"
    assert f"sent      {len(spans):,} spans of 1 peer\n" in capsys.readouterr().out
    assert len(collector.requests) == -(-len(spans) // MAX_SPANS)


def test_parents_are_causes_and_come_before_their_children(
    collector: Collecting, swarm_traces: list[Path]
) -> None:
    send(swarm_traces[0], collector)
    spans = {span.span_id: span for span in collector.spans()}
    assert len(spans) == len(collector.spans())
    (session,) = (span for span in spans.values() if not span.parent_span_id)
    by_event = {attributes(span).get("id", "session"): span for span in spans.values()}
    causes = {one.id: one.cause for one in events_of(swarm_traces[0]) if one.name == MESSAGE}
    below_cause = 0
    for span in spans.values():
        parent = spans.get(span.parent_span_id, session)
        assert parent.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        cause = causes.get(attributes(span).get("id", "session"))
        if cause in by_event:
            assert parent.span_id == by_event[cause].span_id
            below_cause += 1
    assert below_cause > 50


def test_the_traces_that_two_machines_send_meet_in_one(
    collector: Collecting, swarm_traces: list[Path]
) -> None:
    for path in swarm_traces[:2]:
        assert send(path, collector) == ExitCode.DONE
    peers = collector.spans_of_peers()
    assert len(peers) == 2
    assert len({span.trace_id for span in collector.spans()}) == 1
    seed, leech = peers.values()
    sendings = {span.span_id: span for span in seed if span.name.startswith("send ")}
    arrivals = [span for span in leech if span.name.startswith("receive ")]
    met = [(sendings.get(link.span_id), span) for span in arrivals for link in span.links]
    joined = [(sent, came) for sent, came in met if sent is not None]
    assert len(joined) > 20
    for sent, came in joined:
        assert sent.name.removeprefix("send ") == came.name.removeprefix("receive ")
        assert sent.start_time_unix_nano <= came.start_time_unix_nano + 1_000_000


def test_of_a_merged_trace_each_arrival_that_has_its_sending_is_linked_to_it(
    collector: Collecting, swarm_traces: list[Path]
) -> None:
    merge = merge_traces(swarm_traces)
    matched = sum(one.name == WIRE_RECEIVED and "match" in one.data for one in merge.events())
    paths = [str(path) for path in swarm_traces]
    command = ["trace", "export", *paths, "--format", "otlp", "--to", collector.url]
    assert run([*command, "--type", "bt:message_*"]) == ExitCode.DONE
    sendings = {span.span_id for span in collector.spans() if span.name.startswith("send ")}
    links = [link.span_id for span in collector.spans() for link in span.links]
    assert sum(link in sendings for link in links) == matched > 100
    assert len(collector.spans_of_peers()) == len(swarm_traces)
    send(swarm_traces[0], collector, "--type", "bt:message_sent")
    (again,) = (spans for spans in collector.requests[-1].resource_spans)
    assert {span.span_id for span in again.scope_spans[0].spans[:-1]} <= sendings


def test_runs_of_the_same_torrent_are_kept_apart_by_name(
    collector: Collecting, tmp_path: Path
) -> None:
    trace = write_trace(tmp_path / "t.jsonl", FEW)
    for name in ("", "monday", "tuesday", "monday"):
        send(trace, collector, "--run", name)
    assert len({span.trace_id for span in collector.spans()}) == 3


def test_a_span_tells_of_its_message_and_what_was_decided_in_it(collector: Collecting) -> None:
    few_spans(collector)
    leave, save, session = collector.spans()
    told = attributes(leave)
    assert leave.name == "Peer.leave"
    assert (told["actor"], told["from"], told["wait"]) == ("Peer-1", "Swarm", 1000)
    assert (told["args.why"], told["args.conn"], told["status"]) == ("choked", 1, "ok")
    assert leave.end_time_unix_nano - leave.start_time_unix_nano == 1000
    (note,) = leave.events
    assert (note.name, attributes(note)["chosen"]) == ("decision drop", True)
    assert (save.status.code, save.status.message) == (2, "never read: dead")
    assert save.parent_span_id == leave.span_id
    assert leave.parent_span_id == session.span_id


def test_nothing_says_where_it_happened(collector: Collecting) -> None:
    few_spans(collector)
    (resource,) = (one.resource for one in collector.requests[0].resource_spans)
    assert attributes(resource) == {
        "service.name": "actortorrent",
        "service.version": HEADER.versions["actortorrent"],
        "service.instance.id": HEADER.peer_id,
        "actortorrent.node": HEADER.node,
        "actortorrent.info_hash": HEADER.info_hash,
        "actortorrent.trace_level": HEADER.level,
    }


def test_headers_come_from_the_environment(
    collector: Collecting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=secret")
    few_spans(collector)
    ((path, headers),) = collector.heads
    assert (path, headers["x-key"], headers["Content-Encoding"]) == ("/v1/traces", "secret", "gzip")


@pytest.mark.parametrize("status", [301, 400, 401, 404, 500])
def test_a_collector_that_refuses_ends_it_in_one_line(
    status: int, collector: Collecting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collector.answers = [status]
    assert send(write_trace(tmp_path / "t", FEW), collector) == ExitCode.COLLECTOR
    said = capsys.readouterr().err
    assert said.startswith(
        f"actortorrent: the collector at 127.0.0.1:{collector.port} refuses: {status} "
    )
    assert said.count("\n") == 1


def test_a_collector_that_is_busy_for_a_moment_is_asked_again(collector: Collecting) -> None:
    collector.answers = [503, 429]
    few_spans(collector)
    assert (len(collector.heads), len(collector.requests)) == (3, 1)


def test_spans_that_a_collector_says_it_did_not_take_are_told(collector: Collecting) -> None:
    collector.rejected = 2
    with pytest.raises(CollectorError, match="refuses 2 spans: too old"):
        few_spans(collector)


def test_a_collector_that_never_answers_is_given_up(collector: Collecting) -> None:
    collector.is_silent = True
    with pytest.raises(CollectorError, match="does not answer in time"):
        few_spans(collector, timeout_seconds=0.5)


def test_a_collector_that_is_not_there_ends_it_at_once_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # nobody listens
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        to = f"http://me:secret@{address}"
        assert send(write_trace(tmp_path / "t", FEW), to) == ExitCode.COLLECTOR
    told = f"actortorrent: the collector at {address} cannot be reached: Connection refused\n"
    assert capsys.readouterr().err == told


def test_without_the_extra_it_is_said_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "actortorrent.telemetry.collector", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    for name in [name for name in sys.modules if name.startswith("opentelemetry.")]:
        monkeypatch.delitem(sys.modules, name)
    assert send(write_trace(tmp_path / "t", FEW), "http://127.0.0.1:4318") == ExitCode.USAGE
    assert "pip install 'actortorrent[otel]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        ("http://host:4318", "http://host:4318/v1/traces"),
        ("http://host:4318/", "http://host:4318/v1/traces"),
        ("https://host/otlp", "https://host/otlp/v1/traces"),
        ("https://[::1]:4318/v1/traces", "https://[::1]:4318/v1/traces"),
    ],
)
def test_an_address_leads_to_where_traces_are_posted(address: str, endpoint: str) -> None:
    assert endpoint_of(address) == endpoint


@pytest.mark.parametrize(
    "address", ["", "localhost:4318", "grpc://host:4317", "http://", "http://h:99999", "http://[x"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="expected a collector's address as http://HOST:4318"):
        endpoint_of(address)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "otlp"), "expected where it is to go: -o FILE or --to URL"),
        (("--format", "otlp", "-o", "x", "--to", "http://h"), "-o FILE or --to URL"),
        (("--format", "perfetto"), "expected where it is to go: -o FILE"),
        (("--format", "shiviz", "--to", "http://h"), "--to and --run are for otlp"),
    ],
)
def test_where_it_is_to_go_is_said_once(
    options: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = write_trace(tmp_path / "t", FEW)
    assert run(["trace", "export", str(trace), *options]) == ExitCode.USAGE
    assert said in capsys.readouterr().err
