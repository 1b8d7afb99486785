from __future__ import annotations

import json
import socket
from collections import deque
from dataclasses import dataclass
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actortorrent.actors import trace_summaries  # noqa: F401 - teaches it actors' values
from actortorrent.actors.base import Actor, Proxy, Runtime, proxy_of, stop_all
from actortorrent.rules.geometry import Run
from actortorrent.rules.leases import Cargo, Lease
from actortorrent.tracing.summaries import MAX_ITEMS, MAX_TEXT, Payload, shorten, summarise
from actortorrent.wire.addresses import Address


class Colour(Enum):
    RED = 1


class Number(IntEnum):
    ONE = 1


class Pair(NamedTuple):
    left: int
    right: bytes


@dataclass(frozen=True, slots=True)
class Plain:
    rate: float
    data: bytes


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


@dataclass(frozen=True)
class Grumpy:
    x: int

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("value", "summary"),
    [
        (None, None),
        (True, True),
        (17, 17),
        (1 << 4000, "<1 bits set>"),
        ((1 << 100) - 1, "<100 bits set>"),
        (1.23456789, 1.234568),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("hello", "hello"),
        (b"secret", "<6 bytes>"),
        (bytearray(16384), "<16384 bytes>"),
        (memoryview(bytes(8)).cast("I"), "<8 bytes>"),
        (Payload(b"secret"), "c2VjcmV0"),
        ((1, 2), [1, 2]),
        (deque(["a"]), ["a"]),
        (frozenset({3, 1, 2}), [1, 2, 3]),
        ({"piece": 3, 4: b"x"}, {"piece": 3, "4": "<1 bytes>"}),
        (Colour.RED, "red"),
        (Number.ONE, "one"),
        (Path("/home/somebody/secret.bin"), "secret.bin"),
        (PurePosixPath("a/b"), "b"),
        (Address("10.0.0.1", 6881), "10.0.0.1:6881"),
        (Pair(1, b"xy"), {"$": "Pair", "left": 1, "right": "<2 bytes>"}),
        (Plain(1.5, b"xy"), {"$": "Plain", "rate": 1.5, "data": "<2 bytes>"}),
        (ValueError("no"), "ValueError: no"),
        (FileNotFoundError(2, "No such file", "/home/me/x"), "FileNotFoundError: No such file"),
        (Unspeakable(), "<Unspeakable>"),
        (Grumpy(1), "<Grumpy>"),
        (print, "<builtin_function_or_method>"),
        (int, "int"),
    ],
)
def test_a_value_appears_as(value: Any, summary: Any) -> None:
    assert summarise(value) == summary


def test_a_value_that_reads_as_english_keeps_its_fields_too() -> None:
    lease = Lease(5, Run(3, 0, 32768), Cargo(bytearray(32768)))
    assert summarise(lease) == {
        "$": "lease 5 of piece 3 [0, +32768]",
        "lease_id": 5,
        "run": {"$": "piece 3 [0, +32768]", "piece_index": 3, "offset": 0, "length": 32768},
        "buffer": "<32768 bytes>",
        "with_hash": False,
    }


def test_a_long_row_is_told_by_its_beginning_and_a_count() -> None:
    row = summarise(["x"] * 1000)
    assert isinstance(row, list)
    assert row[-1] == f"… {1000 - MAX_ITEMS} more"


def test_piece_indexes_are_kept_further_than_other_rows() -> None:
    assert summarise(tuple(range(256))) == list(range(256))


def test_a_long_text_is_cut() -> None:
    assert len(shorten("x" * 5000)) == MAX_TEXT + 1


def test_what_holds_itself_ends() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "…" in json.dumps(summarise(endless), ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cannot open /home/me/My/x.bin: no", "cannot open x.bin: no"),
        ("'/srv/a/b.torrent'", "'b.torrent'"),
        ("--trace=/tmp/t/x.jsonl", "--trace=x.jsonl"),
        (r"C:\Users\me\x.bin", "x.bin"),
        ("sub/folder/x", "sub/folder/x"),
        ("Transmission/3.00", "Transmission/3.00"),
        ("http://t.example:6969/announce", "http://t.example:6969/announce"),
        ("http://t.example/0123456789abcdef0123/announce", "http://t.example/…/announce"),
        ("http://t.example/a?passkey=sesame", "http://t.example/a?…"),
        ("udp://me:sesame@t.example:80", "udp://t.example:80"),
        ("http://[::1]:80/announce", "http://[::1]:80/announce"),
    ],
)
def test_folders_of_this_machine_and_keys_to_trackers_are_left_out(text: str, told: str) -> None:
    assert shorten(text) == told


def test_actors_appear_by_name_and_sockets_by_their_peer() -> None:
    class Mute(Actor):
        pass

    ref = Mute.start(Runtime(), "Mute-1")
    proxy: Any = proxy_of(ref, Proxy)
    assert [summarise(one) for one in (ref, proxy, proxy.ping)] == ["<Mute-1>"] * 3
    assert stop_all([proxy], 5) == []
    left, right = socket.socketpair()
    with left, right:
        assert summarise(left) == "<socket>"


def test_a_connected_socket_appears_as_its_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert summarise(client) == f"<socket to 127.0.0.1:{port}>"
        assert summarise(client) == "<socket>"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(VALUES)
def test_every_summary_is_json(value: Any) -> None:
    assert json.loads(json.dumps(summarise(value), allow_nan=False)) == summarise(value)
