"""`kill -9` at any instant of a fetch, of one that goes on where it was, and of a seed.

A fetch goes on in one folder, from kill to kill, until it is complete; then the next begins
in an empty one. Instants are drawn by lot: a quarter of them while the process starts, the
others while it fetches.
"""

from __future__ import annotations

import random
import shutil
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from tests.content import Content, make_content
from tests.crash.claims import wrong_bytes, wrongly_claimed_bytes
from tests.crash.tally import Tally
from tests.peers.own import OwnClient, own_fetch, own_seed

PIECE_BYTES = 128 * 1024
SIZES = {"a.bin": 20_000_000, "b/c.bin": 70_000, "b/d.bin": 0, "e.bin": 28_000_000}
SOME_FILES = frozenset([0, 2])  # the last piece of the first lies in the parts file, too
RATE = 4 * 1024 * 1024  # bytes a second that a seed sends: so little waits in sockets
START_SECONDS = 0.6  # in which a process starts, and looks at what is there
FETCH_SECONDS = 4.0  # most that it then fetches
SERVE_SECONDS = 1.5  # ... or, of a seed, serves
STARTS = 0.25  # of all kills
QUIET = ("--no-dht", "--no-lsd", "--no-portmap", "--no-trackers")
LIMITED = (*QUIET, "--up", str(RATE))


def kill_fetches(folder: Path, count: int, rng: random.Random) -> Tally:
    """Kill so many fetches, and let the last that was begun come to its end."""
    tally = Tally()
    content, into = _content(folder, rng), folder / "into"
    with own_seed(content, extra=LIMITED) as seed:
        while sum(tally.kills.values()) < count:
            left = count - sum(tally.kills.values())
            _kill_one_fetch(content, into, seed.address, left, rng, tally)
        tally.came_bytes = seed.interrupt()["uploaded_bytes"]
    return tally


def _content(folder: Path, rng: random.Random) -> Content:
    seed = rng.getrandbits(32)
    return make_content(folder / "content", SIZES, piece_length=PIECE_BYTES, seed=seed)


def _kill_one_fetch(
    content: Content, folder: Path, seed: str, most: int, rng: random.Random, tally: Tally
) -> None:
    """Kill a fetch until it is complete, `most` times at most; then let it come to its end."""
    selected = rng.choice((None, SOME_FILES))
    extra = (*QUIET, *_select(selected))
    for number in range(most):
        with own_fetch(content, folder, peers=[seed], extra=extra) as leech:
            if _has_ended_before(leech, rng, FETCH_SECONDS):
                break
            leech.process.kill()
        tally.kills["resume" if number else "fetch", _doing(leech)] += 1
        tally.wrong_bytes += wrongly_claimed_bytes(content, folder, selected)
    with own_fetch(content, folder, peers=[seed], extra=QUIET) as leech:
        leech.finish()
    tally.wrong_bytes += wrong_bytes(content, folder)
    tally.needed_bytes += content.total_length
    shutil.rmtree(folder)


def _select(files: frozenset[int] | None) -> list[str]:
    if files is None:
        return []
    return ["--select", ",".join(str(1 + index) for index in sorted(files))]


def _has_ended_before(client: OwnClient, rng: random.Random, most_seconds: float) -> bool:
    """Wait for the instant of a kill; say whether the process came to its end before."""
    if rng.random() < STARTS:
        return client.process.ends_within(rng.uniform(0, START_SECONDS))
    client.process.wait_for_line('"phase": "(fetching|seeding)"')
    return client.process.ends_within(rng.uniform(0, most_seconds))


def _doing(client: OwnClient) -> str:
    """Return what a client said last that it does."""
    progress = client.events("progress")
    return str(progress[-1]["phase"]) if progress else "starting"


def kill_seeds(folder: Path, count: int, rng: random.Random) -> Tally:
    """Kill so many seeds while one fetches from them, who goes on at the next."""
    tally = Tally()
    content = _content(folder, rng)
    served, fetched = folder / "served", folder / "fetched"
    shutil.copytree(content.folder, served)
    for number in range(count):
        with _seeding(content, served, rng) as seed:
            is_complete = _fetch_from(content, fetched, seed, rng, tally)
        tally.kills["seed", _doing(seed)] += 1
        tally.wrong_bytes += wrong_bytes(content, served) + wrongly_claimed_bytes(content, served)
        tally.wrong_bytes += wrongly_claimed_bytes(content, fetched)
        if is_complete or number == count - 1:
            _fetch_rest(content, fetched, tally)
    return tally


def _seeding(
    content: Content, folder: Path, rng: random.Random
) -> AbstractContextManager[OwnClient]:
    """Serve what is in a folder: as a seed, or as a fetch that stays when it has all."""
    if rng.random() < 0.5:
        return own_seed(replace(content, folder=folder), extra=LIMITED)
    return own_fetch(content, folder, extra=(*LIMITED, "--keep-seeding"))


def _fetch_from(
    content: Content, folder: Path, seed: OwnClient, rng: random.Random, tally: Tally
) -> bool:
    """Fetch from a seed, which is killed meanwhile; say whether all had come before."""
    with own_fetch(content, folder, peers=[seed.address], extra=QUIET) as leech:
        has_ended = _has_ended_before(leech, rng, SERVE_SECONDS)
        seed.process.kill()
        leech.process.interrupt()
        leech.process.wait()
    tally.came_bytes += sum(done["fetched_bytes"] for done in leech.events("done"))
    return has_ended


def _fetch_rest(content: Content, folder: Path, tally: Tally) -> None:
    with (
        own_seed(content, extra=QUIET) as seed,
        own_fetch(content, folder, peers=[seed.address], extra=QUIET) as leech,
    ):
        tally.came_bytes += leech.finish()["fetched_bytes"]
    tally.needed_bytes += content.total_length
    tally.wrong_bytes += wrong_bytes(content, folder)
    shutil.rmtree(folder)
