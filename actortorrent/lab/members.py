"""How each member of a lab's swarm is started, and whether it can be."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

from msgspec import Struct

from actortorrent.errors import UsageError
from actortorrent.lab.processes import ACTORTORRENT
from actortorrent.lab.scenarios import Member, Plan, Role

STALL_SECONDS = 120  # for a leech without a byte: then the lab has failed
CONTENT_NAME = "gallery"
OUR_COMMANDS = {
    Role.SEED: "seed",
    Role.SLOW_SEED: "seed",
    Role.LEECH: "fetch",
    Role.FREE_RIDER: "fetch",
}
ARIA2_OPTIONS = (
    "--no-conf",
    "--enable-dht=false",
    "--enable-dht6=false",
    "--bt-enable-lpd=false",
    "--enable-peer-exchange=false",
    "--disable-ipv6=true",
    "--file-allocation=none",
    "--allow-overwrite=true",
    "--seed-time=0",  # it goes when it is complete: it does not say so otherwise
    "--bt-tracker-interval=1",
    "--summary-interval=1",
    "--show-console-readout=false",
)


class Places(Struct, frozen=True):
    """Say where things are in the folder of a lab."""

    folder: Path

    @property
    def seeding(self) -> Path:
        """Return the folder that holds the content of the seeds."""
        return self.folder / "seeding"

    @property
    def content(self) -> Path:
        """Return the content itself, as the seeds have it."""
        return self.seeding / CONTENT_NAME

    @property
    def torrent(self) -> Path:
        """Return the torrent."""
        return self.folder / f"{CONTENT_NAME}.torrent"

    @property
    def merged(self) -> Path:
        """Return the trace of all."""
        return self.folder / "swarm.trace"

    @property
    def report(self) -> Path:
        """Return the report."""
        return self.folder / "report.html"

    def fetched(self, member: Member) -> Path:
        """Return the folder into which a member fetches."""
        return self.folder / "fetched" / member.name

    def trace(self, member: Member) -> Path:
        """Return the trace of one member."""
        return self.folder / f"{member.name}.trace"


def need(role: Role) -> None:
    """Raise UsageError if a client that is asked for is not installed."""
    if role is Role.LIBTORRENT and importlib.util.find_spec("libtorrent") is None:
        raise UsageError("libtorrent is not installed", hint="pip install libtorrent")
    if role is Role.ARIA2 and shutil.which("aria2c") is None:
        raise UsageError("aria2c is not installed", hint="Debian, Ubuntu: apt install aria2")


def command_of(member: Member, number: int, plan: Plan, places: Places) -> list[str]:
    """Return the command line of a member, the `number`th, to be run in the lab's folder."""
    if member.role is Role.LIBTORRENT:
        module = [sys.executable, "-m", "actortorrent.lab.libtorrent_leech"]
        return [*module, *_paths(member, places), "--up", str(member.rate)]
    if member.role is Role.ARIA2:
        return _aria2(member, places)
    level = ["--trace-level", plan.trace_level]
    traced = ["--trace", places.trace(member).name, "--trace-name", member.name, *level]
    dice = ["--dice-seed", str(plan.seed * 1000 + number), "--pace", f"{plan.pace:g}"]
    shared = ["--up", str(member.rate), *traced, *dice]
    if member.role is Role.BAD_PEER:
        module = [sys.executable, "-m", "actortorrent.lab.bad_peer"]
        return [*module, places.seeding.name, places.torrent.name, *shared]
    picker = ["--picker", plan.picker] if plan.picker and member.fetches else []
    return [*ACTORTORRENT, *_ours(member, places), *picker, *shared]


def _ours(member: Member, places: Places) -> list[str]:
    # A lab is there to be looked at, with Wireshark too.
    network = ["--port", "0", "--bind", "127.0.0.1", "--encryption", "off", "--progress", "json"]
    slots = [] if member.slots is None else ["--upload-slots", str(member.slots)]
    what = [places.seeding.name, places.torrent.name]
    if member.fetches:
        fetched = str(places.fetched(member).relative_to(places.folder))
        stay = ["--keep-seeding", "--stall-timeout", str(STALL_SECONDS)]
        what = [places.torrent.name, "--output", fetched, *stay]
    return [OUR_COMMANDS[member.role], *what, *network, *slots]


def _paths(member: Member, places: Places) -> list[str]:
    return [places.torrent.name, str(places.fetched(member).relative_to(places.folder))]


def _aria2(member: Member, places: Places) -> list[str]:
    torrent, fetched = _paths(member, places)
    limits = [f"--max-overall-upload-limit={member.rate}", f"--stop-with-process={os.getpid()}"]
    return ["aria2c", *ARIA2_OPTIONS, *limits, f"--dir={fetched}", torrent]
