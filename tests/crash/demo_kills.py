"""`kill -9` of the demo or of one of its helpers, while they are at it.

The demo is stopped (SIGSTOP) while a helper of it is killed and what that left is looked at,
since the demo then tidies up. Whatever is killed, no process may be left, and what lies on
the disk must be right.
"""

from __future__ import annotations

import hashlib
import os
import random
import select
import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import bencodepy

from actortorrent.errors import ExitCode
from actortorrent.lab.members import CONTENT_NAME, Places
from actortorrent.lab.processes import ACTORTORRENT, Running
from tests.content import Content
from tests.crash.claims import wrong_bytes, wrongly_claimed_bytes
from tests.crash.kills import QUIET
from tests.crash.tally import Tally
from tests.peers.own import own_fetch, own_seed

SIZE = "3M"
SECONDS = 2.5  # most that a demo runs before something of it is killed
END_SECONDS = 30.0  # for all of it to be gone
SCENARIOS = ("basic", "bad-peer", "tracker-down")
ROLES = {" lab ": "demo", ".tracker ": "tracker", ".bad_peer ": "bad peer", " seed ": "seed"}


def kill_demos(folder: Path, count: int, rng: random.Random) -> Tally:
    """Run demos, and kill a process of each, until so many were killed."""
    tally = Tally()
    while sum(tally.kills.values()) < count:
        _kill_in_one(folder / "demo", rng, tally)
        shutil.rmtree(folder)
    return tally


def _kill_in_one(folder: Path, rng: random.Random, tally: Tally) -> None:
    """Kill one process of a demo, if the demo does not end before."""
    options = ["--scenario", rng.choice(SCENARIOS), "--size", SIZE, "--progress", "lines"]
    with Running([*ACTORTORRENT, "lab", *options, "--output", folder]) as demo:
        demo.wait_for_line("started")
        if demo.ends_within(rng.uniform(0, SECONDS)):
            return
        os.kill(demo.pid, signal.SIGSTOP)
        helpers = _helpers_of(demo.pid)
        victim = rng.choice([demo.pid, *helpers])
        role = _role_of(victim)
        with _watched(helpers) as watched:
            os.kill(victim, signal.SIGKILL)
            tally.wrong_bytes += sum(_claims(folder))
            os.kill(demo.pid, signal.SIGCONT)
            _see_it_end(demo, role)
            _await_ends(watched)
    tally.kills["demo", role] += 1
    if role == "demo":  # who would else have tidied up
        _finish_all(folder, tally)


def _helpers_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return sorted(int(child) for task in tasks for child in task.read_text().split())


def _role_of(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return next((role for part, role in ROLES.items() if part in command), "leech")


@contextmanager
def _watched(pids: Sequence[int]) -> Iterator[list[int]]:
    """Hold descriptors that become readable when these processes end."""
    with ExitStack() as stack:
        watched = [os.pidfd_open(pid) for pid in pids]
        for descriptor in watched:
            stack.callback(os.close, descriptor)
        yield watched


def _await_ends(watched: Sequence[int]) -> None:
    for descriptor in watched:
        ended, _, _ = select.select([descriptor], [], [], END_SECONDS)
        assert ended, "a helper of a demo outlives it"


def _see_it_end(demo: Running, victim: str) -> None:
    """See that a demo that lost a helper ends in order, in words for people."""
    if victim != "demo":
        code = demo.wait(END_SECONDS)
        assert "Traceback" not in demo.tail(), demo.tail()
        assert code in (ExitCode.DONE, ExitCode.BUG), demo.tail()


def _claims(folder: Path) -> Iterator[int]:
    """Yield how many bytes each leech's record claims wrongly."""
    content = _content_of(folder)
    for fetched in folder.glob("fetched/*"):
        yield wrongly_claimed_bytes(content, fetched)


def _content_of(folder: Path) -> Content:
    places = Places(folder)
    info = bencodepy.decode(places.torrent.read_bytes())[b"info"]
    paths = [Path(CONTENT_NAME, *map(os.fsdecode, entry[b"path"])) for entry in info[b"files"]]
    lengths = [entry[b"length"] for entry in info[b"files"]]
    return Content(
        folder=places.seeding,
        torrent=places.torrent,
        name=CONTENT_NAME,
        files=tuple(zip(paths, lengths, strict=True)),
        piece_length=info[b"piece length"],
        info_hash=hashlib.sha1(bencodepy.encode(info)).digest(),
    )


def _finish_all(folder: Path, tally: Tally) -> None:
    """Let each leech that a killed demo left behind come to its end."""
    content = _content_of(folder)
    tally.wrong_bytes += wrong_bytes(content, content.folder)
    with own_seed(content, extra=QUIET) as seed:
        for fetched in folder.glob("fetched/*"):
            with own_fetch(content, fetched, peers=[seed.address], extra=QUIET) as leech:
                leech.finish()
            tally.wrong_bytes += wrong_bytes(content, fetched)
