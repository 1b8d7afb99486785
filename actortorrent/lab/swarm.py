"""Run a whole swarm on this machine: a tracker, seeds and leeches, each a process of its own.

::

    with Lab(plan, folder, watcher) as lab:
        outcome = lab.run()

Whatever happens, no process is left when the block ends, and the content, which was made
for this alone, is removed; the traces stay.
"""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct, field

from actortorrent.creating import create_torrent
from actortorrent.errors import LabError, StorageError
from actortorrent.lab.made_content import find_difference, make_files
from actortorrent.lab.members import CONTENT_NAME, Places, command_of, need
from actortorrent.lab.observing import MemberPicture, Observer, SwarmPicture
from actortorrent.lab.processes import Running
from actortorrent.lab.scenarios import Member, Plan

LOOK_SECONDS = 0.2
STOP_SECONDS = 5.0  # for all members to end in order
HURRY_SECONDS = 1.2  # ... where somebody pressed Ctrl-C and waits
SPARE_PART = 1.1  # of the disk space that the copies need
HEARD = r'"announced", "what": "(\w+)", "peer": "([^"]+)".*"left": (\d+)'
EVENTS = ("started", "completed", "stopped")


class Watcher(Protocol):
    """Be told what happens in the lab."""

    def step(self, what: str, text: str) -> None:
        """Take a line: what was done, and more about it."""

    def show(self, picture: SwarmPicture) -> None:
        """Take how the swarm stands; several times a second."""


class Outcome(Struct, frozen=True, kw_only=True):
    """Say what came of a run.

    Attributes:
        seconds: from the start of the members until the last was complete.
        members: how each stood at its end.
        traces: of each member that writes one, by its name.
        heard: how often the tracker was told `started`, `completed` and `stopped`.
    """

    plan: Plan
    places: Places
    seconds: float
    file_count: int
    members: tuple[MemberPicture, ...]
    traces: dict[str, Path] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)


class Lab:
    """Hold one swarm.

    Args:
        folder: where everything is made; must be empty or not be there yet.
    """

    def __init__(self, plan: Plan, folder: Path, watcher: Watcher) -> None:
        self._plan = plan
        self._places = Places(folder.absolute())
        self._watcher = watcher
        self._stack = ExitStack()
        self._observers: list[Observer] = []
        self._names: dict[str, str] = {}  # of members, by peer ids
        self._tracker: Running | None = None
        self._tracker_url = ""
        self._began = 0.0

    def __enter__(self) -> Self:
        for member in self._plan.members:
            need(member.role)
        self._places.folder.mkdir(parents=True, exist_ok=True)
        self._stack.callback(self._remove_content)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stop_members(HURRY_SECONDS)
        self._stack.close()

    def run(self) -> Outcome:
        """Do it all, and return when every leech is complete and all have ended.

        Raises:
            LabError: a process failed, or what was fetched differs.
            StorageError: there is not enough space.
        """
        file_count = self._make_content()
        self._start_tracker()
        self._start_members()
        seconds = self._watch()
        self._stop_members(STOP_SECONDS)
        pictures = self._look().members
        self._compare()
        return Outcome(
            plan=self._plan,
            places=self._places,
            seconds=seconds,
            file_count=file_count,
            members=pictures,
            traces={
                member.name: self._places.trace(member)
                for member in self._plan.members
                if member.is_traced
            },
            heard=self._heard(),
        )

    # --- preparing ---------------------------------------------------------------------------

    def _make_content(self) -> int:
        self._check_disk()
        count = make_files(self._places.content, self._plan.size, self._plan.seed)
        what = f"{self._plan.size:,} random bytes in {count} files: {self._places.content}"
        self._watcher.step("content", what)
        return count

    def _check_disk(self) -> None:
        copies = 1 + sum(member.fetches for member in self._plan.members)
        needed = int(copies * self._plan.size * SPARE_PART)
        free = shutil.disk_usage(self._places.folder).free
        if free < needed:
            mib = 1024 * 1024
            place = f"{needed // mib} MiB needed in {self._places.folder}, {free // mib} MiB free"
            raise StorageError(f"not enough space: {place}", hint="try a smaller --size")

    def _start_tracker(self) -> None:
        dice = ["--dice-seed", str(self._plan.seed)]
        command = [sys.executable, "-m", "actortorrent.lab.tracker", *dice]
        self._tracker = self._stack.enter_context(Running(command, folder=self._places.folder))
        self._tracker_url = self._tracker.wait_for_line(r'"listening", "url": "(.*?)"')[1]
        self._watcher.step("tracker", self._tracker_url)
        create_torrent(
            self._places.content,
            output=self._places.torrent,
            trackers=[self._tracker_url],
            piece_length=self._plan.piece_length,
        )

    def _start_members(self) -> None:
        self._began = time.monotonic()
        self._stack.callback(self._close_observers)
        early = [member for member in self._plan.members if not member.comes_late]
        for member in early:
            self._start(member)
        names = ", ".join(member.name for member in early)
        self._watcher.step("started", f"each a process of its own: {names}")

    def _start(self, member: Member) -> None:
        number = self._plan.members.index(member)
        command = command_of(member, number, self._plan, self._places)
        process = self._stack.enter_context(Running(command, folder=self._places.folder))
        trace = self._places.trace(member)
        self._observers.append(Observer(member, process, trace, self._piece_count()))

    def _piece_count(self) -> int:
        return -(-self._plan.size // self._plan.piece_length)

    # --- watching ----------------------------------------------------------------------------

    def _watch(self) -> float:
        """Show the swarm until every leech is complete; return how long that took."""
        have_met = False
        while True:
            picture = self._look()
            self._watcher.show(picture)
            if not have_met and _have_all_met(picture):
                have_met = True
                self._go_on()
            elif have_met and all(one.is_complete for one in picture.members if one.member.fetches):
                return picture.elapsed_seconds
            self._pause()

    def _go_on(self) -> None:
        """Do what is to happen once all know each other."""
        if self._plan.loses_tracker:
            self._kill_tracker()
        for member in self._plan.members:
            if member.comes_late:
                self._start(member)
                self._watcher.step("started", f"{member.name}, now that the others are at it")

    def _look(self) -> SwarmPicture:
        pictures = tuple(one.look(self._names) for one in self._observers)
        self._names = {one.peer_id: one.member.name for one in self._observers if one.peer_id}
        return SwarmPicture(
            members=pictures,
            piece_count=self._piece_count(),
            elapsed_seconds=time.monotonic() - self._began,
            tracker=self._tracker_url,
        )

    def _kill_tracker(self) -> None:
        if self._tracker is not None:
            self._tracker.kill()
            self._tracker_url = ""
            self._watcher.step("killed", "the tracker, now that all know each other")

    def _pause(self) -> None:
        """Wait a moment; if a member ends meanwhile, that is an error."""
        first, *_ = self._observers
        first.process.ends_within(LOOK_SECONDS)
        if self._tracker is not None and self._tracker_url and self._tracker.ends_within(0):
            raise LabError("the tracker ended before its time")
        for observer in self._observers:
            if observer.process.ends_within(0) and not observer.has_left_complete:
                words = observer.process.tail().removeprefix("actortorrent: ")
                raise LabError(f"{observer.member.name} ended before its time: {words}")

    # --- the end -----------------------------------------------------------------------------

    def _stop_members(self, seconds: float) -> None:
        """Ask all to stop, and wait; who still runs after so long is killed."""
        for observer in self._observers:
            observer.process.interrupt()
        deadline = time.monotonic() + seconds
        for observer in self._observers:
            if not observer.process.ends_within(max(0.0, deadline - time.monotonic())):
                observer.process.kill()

    def _compare(self) -> None:
        count = 0
        for member in self._plan.members:
            if member.fetches:
                fetched = self._places.fetched(member) / CONTENT_NAME
                difference = find_difference(self._places.content, fetched)
                if difference is not None:
                    raise LabError(
                        f"what {member.name} fetched is not what was seeded: {difference}"
                    )
                count += 1
        self._watcher.step(
            "compared", f"all {self._plan.size:,} bytes of {count} copies are the same"
        )

    def _heard(self) -> dict[str, int]:
        if self._tracker is None:
            return {}
        events = [event for event, *_ in self._tracker.find_all(HEARD)]
        return {event: events.count(event) for event in EVENTS}

    def _close_observers(self) -> None:
        for observer in self._observers:
            observer.close()

    def _remove_content(self) -> None:
        for name in (self._places.seeding, self._places.folder / "fetched"):
            with suppress(OSError):
                shutil.rmtree(name)
        with suppress(OSError):
            self._places.folder.rmdir()  # where nothing came of it


def _have_all_met(picture: SwarmPicture) -> bool:
    """Say whether each of our leeches is, or was, connected to all others of ours."""
    ours = [one for one in picture.members if one.member.is_traced]
    return all(
        one.is_complete or one.peers_met >= len(ours) - 1 for one in ours if one.member.fetches
    )
