"""An anonymised trace names nobody and nothing, and tells the same story."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from actortorrent.tracing.anonymising import AnonymisedTrace
from actortorrent.tracing.events import Event
from tests.tracing.traces import HEADER, event, write_trace

OTHER_ID = "-LT2110-jD.OhBWJu0(f"


def anonymised(tmp_path: Path, *events: Event, **header: Any) -> AnonymisedTrace:
    path = write_trace(tmp_path / "trace.jsonl", events, header=replace(HEADER, **header))
    return AnonymisedTrace(path)


def texts(tmp_path: Path, *said: str) -> list[str]:
    events = [event("x:y", "Storage", 1, text=one) for one in said]
    with anonymised(tmp_path, *events, argv=()) as trace:
        return [one.data["text"] for one in trace.events()]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("banned 192.0.2.77:6881: it lied", "banned 10.0.0.1:6881: it lied"),
        ("<socket to 192.0.2.77:6881>", "<socket to 10.0.0.1:6881>"),
        ("[2001:db8::7]:51413 left", "[fd00::1]:51413 left"),
        ("2001:db8::7 left", "fd00::1 left"),
        ("http://tracker.example.org/announce: no", "http://host-1.example/announce: no"),
        ("udp://192.0.2.77:80: no", "udp://10.0.0.1:80: no"),
        ("peer.somewhere.net:6881 refused", "host-1.example:6881 refused"),
        ("a" * 40, "0" * 39 + "2"),
        (f"peer {OTHER_ID} came", "peer -LT2110-000000000002 came"),
        ("cannot write My Film.mkv: no space", "cannot write file-1.mkv: no space"),
        ("no longer serving piece 3: cannot read film: gone", None),
        ("it is 12:30:45, version 1.2.3", "it is 12:30:45, version 1.2.3"),
        ("piece 3 [0, +65536] of 1.5 MiB", "piece 3 [0, +65536] of 1.5 MiB"),
    ],
)
def test_what_says_who_or_what_gets_a_new_name(tmp_path: Path, said: str, told: str | None) -> None:
    expected = told or "no longer serving piece 3: cannot read file-1: gone"
    assert texts(tmp_path, said) == [expected]


def test_the_same_has_the_same_name_and_another_another(tmp_path: Path) -> None:
    first, again, other = texts(tmp_path, "192.0.2.1:1", "x 192.0.2.1:2", "192.0.2.2:1")
    assert (first, again, other) == ("10.0.0.1:1", "x 10.0.0.1:2", "10.0.0.2:1")


def test_a_name_known_only_later_is_replaced_before_too(tmp_path: Path) -> None:
    told = texts(tmp_path, "cannot resolve tracker.some.org", "udp://tracker.some.org:80 asked")
    assert told == ["cannot resolve host-1.example", "udp://host-1.example:80 asked"]


def test_a_file_named_once_is_known_everywhere(tmp_path: Path) -> None:
    told = texts(tmp_path, "cannot read My Film.mkv: bad", "My Film.mkv was removed")
    assert told == ["cannot read file-1.mkv: bad", "file-1.mkv was removed"]


def test_the_header_names_nobody(tmp_path: Path) -> None:
    argv = ("actortorrent", "fetch", "secret.torrent", "-o", "My folder", "--peer=192.0.2.7:1")
    with anonymised(tmp_path, argv=(*argv, "--down", "2M", "--progress", "json")) as trace:
        header = trace.header
    assert header.argv[:4] == ("actortorrent", "fetch", "file-1.torrent", "-o")
    assert header.argv[4:] == ("file-2", "--peer=10.0.0.1:1", "--down", "2M", "--progress", "json")
    assert bytes.fromhex(header.peer_id) == b"-AT0100-000000000001"
    assert header.info_hash == "0" * 39 + "1"
    assert header.node == "30303031", "the end of the new peer id"
    assert (header.piece_count, header.seed) == (HEADER.piece_count, HEADER.seed)


def test_a_command_line_names_no_folder_and_no_address_however_plain(tmp_path: Path) -> None:
    argv = ("actortorrent", "seed", "private", "-o", "mine", "--bind", "192.0.2.9", "--up", "1.5M")
    with anonymised(tmp_path, argv=argv) as trace:
        told = trace.header.argv
    assert told == (
        *("actortorrent", "seed", "file-1", "-o", "file-2"),
        *("--bind", "10.0.0.1", "--up", "1.5M"),
    )


def test_our_own_peer_id_and_info_hash_are_the_same_in_events(tmp_path: Path) -> None:
    fields = {
        "info_hash": HEADER.info_hash,
        "peer_id": bytes.fromhex(HEADER.peer_id).decode(),
        "reserved": "0000000000000000",
    }
    with anonymised(tmp_path, event("bt:message_sent", "Peer-1", 1, fields=fields)) as trace:
        (told,) = (one.data["fields"] for one in trace.events())
        assert told["info_hash"] == trace.header.info_hash
        assert told["peer_id"].encode().hex() == trace.header.peer_id
        assert told["reserved"] == fields["reserved"]


def test_the_node_is_renamed_in_ids_of_a_merged_trace(tmp_path: Path) -> None:
    one = event("x:y", f"{HEADER.node}/Storage", 4, cause=f"{HEADER.node}/Peer-1#3")
    with anonymised(tmp_path, one) as trace:
        (told,) = trace.events()
        assert told.id == f"{trace.header.node}/Storage#4"
        assert told.cause == f"{trace.header.node}/Peer-1#3"


def test_all_else_stays(tmp_path: Path) -> None:
    one = event("actor:message", "Storage", 4, cause="Peer-1#3", ms=7, type="store_runs", lc=[1, 2])
    with anonymised(tmp_path, one) as trace:
        assert list(trace.events()) == [one]


def test_it_is_done_anew_with_the_same_result(tmp_path: Path) -> None:
    said = ["192.0.2.1:1 cannot read x y.mkv: bad", f"{OTHER_ID} {'b' * 40} http://a.b.org/x"]
    assert texts(tmp_path, *said) == texts(tmp_path, *said)
