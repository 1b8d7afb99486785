"""The house keeps its rules, and the checker that says so sees them broken."""

from __future__ import annotations

from pathlib import Path

import pytest

import actortorrent.version
from tests.layers import House

PACKAGE_FOLDER = Path(actortorrent.version.__file__).parent

CLEAN = {
    "errors": "class ActorTorrentError(Exception): ...",
    "wire.messages": """
from dataclasses import dataclass
@dataclass(frozen=True, slots=True)
class Have: ...
class Decoder: ...
Message = Have | None
BLOCK_BYTES = 16384
def decode(): ...
""",
    "actors.base": "class Actor: ...",
    "actors.swarm": "from actortorrent.actors.base import Actor\nclass Swarm(Actor): ...",
}


def findings(**planted: str) -> list[str]:
    sources = {module.replace("__", "."): source for module, source in planted.items()}
    return [str(finding) for finding in House(CLEAN | sources).findings()]


def test_the_house_keeps_its_rules() -> None:
    broken = House.of_folder(PACKAGE_FOLDER).findings()
    assert not broken, "rules of docs/architecture.md broken:\n" + "\n".join(map(str, broken))


def test_a_clean_house_has_no_findings() -> None:
    assert findings() == []


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("errors", "import actortorrent.wire", "errors may not import wire"),
        ("wire__x", "from actortorrent.rules.geometry import Run", "wire may not import rules"),
        ("wire__x", "from ..rules import geometry", "wire may not import rules"),
        ("wire__x", "from actortorrent import session", "wire may not import __init__.session"),
        ("rules__x", "from actortorrent.actors import base", "rules may not import actors"),
        ("rules__x", "import actortorrent.tracing", "rules may not import tracing"),
        ("rules__x", "from actortorrent.wire.messages import decode", "rules may not import wire"),
        ("rules__x", "from actortorrent.wire.messages import Decoder", "may not import wire"),
        ("rules__x", "from actortorrent.wire import messages", "rules may not import wire"),
        ("tracing__x", "from actortorrent.rules import geometry", "tracing may not import rules"),
        ("tracing__x", "from actortorrent.actors.base import Actor", "may not import actors"),
        ("actors__x", "from actortorrent.session import fetch", "actors may not import session"),
        ("actors__x", "from actortorrent.cli.main import main", "actors may not import cli"),
        ("actors__x", "from actortorrent import fetch", "actors may not import __init__.fetch"),
        ("session", "from actortorrent.cli import main", "session may not import cli"),
        ("lab__demo", "from actortorrent.cli import main", "lab may not import cli"),
        ("cli__fetch", "from actortorrent.actors.base import Actor", "cli may not import actors"),
        ("cli__show", "from actortorrent.wire.messages import Have", "cli may not import wire"),
        ("utils", "x = 1", "'utils' is no layer of the house"),
    ],
)
def test_an_import_against_the_layers_is_found(module: str, source: str, rule: str) -> None:
    found = findings(**{module: source})
    assert len(found) == 1
    assert rule in found[0]


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("wire__x", "from actortorrent.errors import ActorTorrentError"),
        ("wire__x", "from .messages import decode"),
        ("rules__x", "from actortorrent.wire.messages import BLOCK_BYTES, Have, Message"),
        ("tracing__x", "from actortorrent.wire.messages import Have"),
        ("actors__x", "from actortorrent.wire.messages import decode"),
        ("actors__x", "import pykka, threading, socket, selectors, requests"),
        ("session", "from actortorrent.actors.swarm import Swarm"),
        ("cli__fetch", "from actortorrent import fetch\nimport click, rich.live"),
        ("cli__fetch", "from actortorrent import session"),
        ("cli__fetch", "from actortorrent.api import load_torrent"),
        ("lab__x", "import threading, subprocess"),
        ("rules__x", "def f(d, q): return d.get('a'), d.get('a', 1)"),
        ("actors__inbox", "class Inbox:\n    def get(self): return self.queue.get(timeout=1)"),
        ("wire__metainfo", "def from_file(path): return path.read_bytes()"),
    ],
)
def test_what_the_house_allows_is_not_found(module: str, source: str) -> None:
    assert findings(**{module: source}) == []


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("wire__x", "import bencodepy", "bencodepy stands only in wire.bencoding"),
        ("actors__x", "import click", "click stands only in cli"),
        ("lab__x", "from rich.live import Live", "rich stands only in cli"),
        ("tracing__x", "import opentelemetry.sdk", "opentelemetry stands only in telemetry"),
        ("session", "import threading", "threading stands only in actors and lab"),
        ("session", "import pykka", "pykka stands only in actors and lab"),
        ("tracing__x", "from concurrent.futures import Future", "concurrent stands only in"),
        ("cli__x", "def f():\n    import socket", "socket stands only in actors and lab"),
        ("rules__x", "import time", "rules is pure: no time"),
        ("wire__x", "from datetime import datetime", "wire is pure: no datetime"),
        ("rules__x", "import random\nx = random.random()", "randomness is an argument"),
        ("wire__x", "def f(p): return open(p)", "wire is pure: it opens no file"),
        ("wire__metainfo", "def g(p): return p.read_bytes()", "it opens no file"),
    ],
)
def test_a_library_out_of_its_place_is_found(module: str, source: str, rule: str) -> None:
    found = findings(**{module: source})
    assert len(found) == 1
    assert rule in found[0]


@pytest.mark.parametrize(
    ("module", "source", "rule"),
    [
        ("actors__x", "def f(p): return p.ping().get()", "only session waits"),
        ("actors__x", "def f(p): return p.ping().get(timeout=1)", "only session waits"),
        ("cli__x", "def f(p): return p.ping().get()", "only session waits"),
        ("actors__x", "def f(s): s.sendall(b'')", "sendall waits"),
        ("actors__x", "import time\ndef f(): time.sleep(1)", "nothing sleeps"),
        ("lab__x", "from time import sleep", "nothing sleeps"),
    ],
)
def test_waiting_where_nobody_may_wait_is_found(module: str, source: str, rule: str) -> None:
    found = findings(**{module: source})
    assert len(found) == 1
    assert rule in found[0]


def test_session_may_wait_for_an_actor() -> None:
    assert findings(session="def f(p): return p.ping().get()") == []


@pytest.mark.parametrize(
    "source",
    [
        "from actortorrent.actors.swarm import Swarm",
        "from actortorrent.actors import swarm",
        "from . import swarm",
        "import actortorrent.actors.swarm",
    ],
)
def test_an_actor_that_imports_another_is_found(source: str) -> None:
    found = findings(actors__tracker=source)
    assert len(found) == 1
    assert "only by its proxy" in found[0]


def test_an_actor_may_import_another_for_types_and_what_actors_are_made_of() -> None:
    source = """
from typing import TYPE_CHECKING
from actortorrent.actors.base import Actor
if TYPE_CHECKING:
    from actortorrent.actors.swarm import Swarm
"""
    assert findings(actors__tracker=source) == []


def test_a_class_may_build_on_a_part_of_itself_in_another_file() -> None:
    part = "from actortorrent.actors.base import Actor\nclass PeerConnection(Actor): ..."
    whole = "from .peer_connection import PeerConnection\nclass PeerActor(PeerConnection): ..."
    assert findings(actors__peer_connection=part, actors__peer=whole) == []
