"""The traffic of real clients, captured on the loopback, as a trace."""

from __future__ import annotations

import subprocess
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from actortorrent import Metainfo
from actortorrent.captures.importing import Imported, import_capture
from actortorrent.cli.main import run
from actortorrent.errors import ExitCode
from actortorrent.lab.processes import Running
from actortorrent.tracing.events import WIRE_RECEIVED, WIRE_SENT
from actortorrent.tracing.graph import Graph
from actortorrent.tracing.reader import TraceFile
from actortorrent.wire.handshake import Handshake
from actortorrent.wire.legal_order import FAST_ORDER, State, state_after
from actortorrent.wire.messages import Message, Unknown
from tests.captures.tshark import judge
from tests.content import Content, make_content
from tests.peers.aria2 import aria2_fetch
from tests.peers.libtorrent import libtorrent_fetch, libtorrent_seed
from tests.peers.namespaces import network_namespace
from tests.peers.needs import need_command
from tests.peers.processes import is_listening, wait_until, within

PORT = 6881
LAST_WORD = "that was all"
SIZES = {"a": 700_001, "b": 200_003}


@pytest.fixture(scope="module")
def traffic(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Content]:
    """Capture a swarm of libtorrent (a seed, a leech) and aria2, on a loopback of their own."""
    folder = tmp_path_factory.mktemp("traffic")
    capture = folder / "swarm.pcapng"
    content = make_content(folder / "content", SIZES, seed=77)
    dumpcap = [need_command("dumpcap"), "-q", "-B", "64", "-i", "lo", "-f", "tcp", "-w", capture]
    with network_namespace() as network, ExitStack() as stack:
        first, second, third = network.hosts
        where: dict[str, str] = {"namespace": network.name}
        capturing = stack.enter_context(Running(within(network.name, dumpcap)))
        capturing.wait_for_line("File: ")
        aria2 = stack.enter_context(aria2_fetch(content, folder / "2", port=PORT, **where))
        wait_until(lambda: is_listening(second, PORT, network.name), aria2, "aria2c listens")
        dial = ["--peer", f"{second}:{PORT}"]
        seed = stack.enter_context(libtorrent_seed(content, host=first, extra=dial, **where))
        peers = [f"{first}:{seed.port}", f"{second}:{PORT}"]
        leech = libtorrent_fetch(content, folder / "3", host=third, peers=peers, **where)
        stack.enter_context(leech).wait_until_done()
        aria2.wait_for_success()
        say_so = f"echo {LAST_WORD} >/dev/tcp/{first}/{seed.port}"
        subprocess.run(within(network.name, ["bash", "-c", say_so]), check=True)
        wait_until(lambda: LAST_WORD.encode() in capture.read_bytes(), capturing, "all is captured")
        capturing.interrupt()
        capturing.wait()
    return capture, content


@pytest.fixture(scope="module")
def imported(traffic: tuple[Path, Content]) -> tuple[Path, Imported]:
    capture, content = traffic
    trace = capture.with_suffix(".trace")
    return trace, import_capture(capture, trace, info_hash=content.info_hash)


def test_as_many_messages_of_each_type_are_read_as_tshark_reads(
    traffic: tuple[Path, Content], imported: tuple[Path, Imported]
) -> None:
    capture, content = traffic
    made = imported[1]
    assert made.by_type == judge(capture, content.info_hash).messages
    assert made.by_type["piece"] >= 2 * 55, "two leeches fetched 55 blocks each"
    assert (made.gaps, made.malformed, made.counts.others) == (0, 0, Counter())


def test_the_clients_are_told_apart_and_each_message_is_known_at_both_ends(
    imported: tuple[Path, Imported],
) -> None:
    with TraceFile(imported[0]) as trace:
        names = {node.name.rpartition("-")[0] for node in trace.header.nodes}
        graph = Graph(trace.events())
    assert names == {"libtorrent", "aria2"}
    assert graph.problems() == []
    ways = Counter(event.name for event in graph.events if "match" in event.data)
    assert ways[WIRE_SENT] == ways[WIRE_RECEIVED] == imported[1].by_type.total()


def test_what_the_torrent_is_like_is_inferred_from_what_is_said(
    traffic: tuple[Path, Content], imported: tuple[Path, Imported]
) -> None:
    header, content = imported[1].header, traffic[1]
    assert header.info_hash == content.info_hash.hex()
    assert header.total_length == content.total_length
    assert header.piece_length == 64 * 1024


def test_what_they_say_is_in_the_order_of_bep_6(imported: tuple[Path, Imported]) -> None:
    messages = (Handshake, *Message.__args__)
    kinds = {one.name: one.kind for one in messages if one is not Unknown}
    states: dict[str, State] = {}
    with TraceFile(imported[0]) as trace:
        for event in trace.events():
            if event.name == WIRE_SENT:
                before = states.get(event.actor, State.AWAITING_HANDSHAKE)
                after = state_after(before, kinds[event.data["type"]], FAST_ORDER)
                assert after is not None, event
                states[event.actor] = after
    assert list(states.values()).count(State.OPEN) >= 3, "of ends; some hang up soon"


def test_lint_finds_no_breach_and_all_other_commands_read_it(
    imported: tuple[Path, Imported], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trace = str(imported[0])
    assert run(["trace", "lint", trace]) == ExitCode.DONE, capsys.readouterr().out
    for command in (["show"], ["stats"], ["report", "-o", str(tmp_path / "x.html")]):
        assert run(["trace", *command[:1], trace, *command[1:]]) == ExitCode.DONE
    told = capsys.readouterr().out
    assert "aria2-1" in told
    assert "have all" in told


def test_the_view_of_one_client_is_a_trace_like_its_own(
    traffic: tuple[Path, Content], imported: tuple[Path, Imported], tmp_path: Path
) -> None:
    capture, content = traffic
    with TraceFile(imported[0]) as trace:
        opened = [one for one in trace.events() if one.name == "bt:connection_opened"]
    us = next(one.data["local"] for one in opened if one.actor.startswith("aria2"))
    out = tmp_path / "us.trace"
    made = import_capture(capture, out, us=us, torrent=Metainfo.from_file(content.torrent))
    assert (made.header.node, made.header.nodes, made.is_inferred) == ("aria2-1", (), False)
    assert run(["trace", "lint", str(out)]) == ExitCode.DONE
