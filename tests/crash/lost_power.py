"""A disk that loses its power: what of all that was not synced may be there afterwards.

Of what was done since a file's last sync anything may be lost, each sector by itself, and in
any order; so may be its size and time; and so may be any change of names in a folder, if the
folder was not synced. What was synced is there. This is less than any real file system keeps.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.crash.disk_ops import ROOT, Cut, Name, Op, Sync, Write

SECTOR_BYTES = 4096


class Kept(Enum):
    """Say how much of one kind of change survives."""

    NOTHING = "nothing that was not synced"
    EVERYTHING = "everything"
    BY_LOT = "each part by lot"


@dataclass(frozen=True, slots=True)
class Loss:
    """Say what survives: bytes, sizes and times of files, names in folders."""

    data: Kept
    marks: Kept
    names: Kept
    rng: random.Random

    def keeps(self, kind: Kept) -> bool:
        """Draw whether one part survives."""
        return kind is Kept.EVERYTHING or (kind is Kept.BY_LOT and self.rng.random() < 0.5)


@dataclass
class _File:
    """What of a file is safe, and what was done to it since."""

    data: bytearray = field(default_factory=bytearray)
    time_ns: int = 0
    unsynced: list[Write | Cut] = field(default_factory=list)

    def sync(self) -> None:
        for op in self.unsynced:
            _change(self.data, op)
            _resize(self.data, op.size)
            self.time_ns = op.time_ns
        self.unsynced.clear()

    def after(self, loss: Loss) -> tuple[bytes, int]:
        """Return its bytes and time after a loss of power."""
        data = bytearray(self.data)
        for op in self.unsynced:
            for part in _sectors(op):
                if loss.keeps(loss.data):
                    _change(data, part)
        size, time_ns = self._marks_after(loss)
        _resize(data, size)
        return bytes(data), time_ns

    def _marks_after(self, loss: Loss) -> tuple[int, int]:
        marks = [(len(self.data), self.time_ns), *((op.size, op.time_ns) for op in self.unsynced)]
        if loss.marks is Kept.BY_LOT:
            return loss.rng.choice(marks)
        return marks[-1 if loss.marks is Kept.EVERYTHING else 0]


@dataclass
class _Folder:
    """What names of a folder are safe, and what was done to them since."""

    names: dict[str, int] = field(default_factory=dict)
    unsynced: list[Name] = field(default_factory=list)

    def sync(self) -> None:
        for op in self.unsynced:
            _rename(self.names, op)
        self.unsynced.clear()

    def after(self, loss: Loss) -> dict[str, int]:
        """Return its names after a loss of power."""
        names = dict(self.names)
        for op in self.unsynced:
            if loss.keeps(loss.names):
                _rename(names, op)
        return names


class Disk:
    """Follow what is done to a disk, and say what a loss of power would leave of it."""

    def __init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._folders = {ROOT: _Folder()}

    def follow(self, op: Op) -> None:
        """Do one step more."""
        match op:
            case Sync(number) if number in self._folders:
                self._folders[number].sync()
            case Sync(number):
                self._files[number].sync()
            case Name(folder, names, is_folder):
                for _, named in names:
                    self._begin(named, is_folder=is_folder)
                self._folders[folder].unsynced.append(op)
            case Write(number) | Cut(number):
                self._files[number].unsynced.append(op)

    def _begin(self, number: int | None, *, is_folder: bool) -> None:
        if number is not None and is_folder:
            self._folders.setdefault(number, _Folder())
        elif number is not None:
            self._files.setdefault(number, _File())

    def lose_power(self, loss: Loss, into: Path) -> None:
        """Write down what is left, into a folder that is not there yet."""
        self._write_folder(ROOT, loss, into)

    def _write_folder(self, number: int, loss: Loss, into: Path) -> None:
        into.mkdir()
        for name, inner in self._folders[number].after(loss).items():
            if inner in self._folders:
                self._write_folder(inner, loss, into / name)
            else:
                data, time_ns = self._files[inner].after(loss)
                (into / name).write_bytes(data)
                os.utime(into / name, ns=(time_ns, time_ns))


def _sectors(op: Write | Cut) -> Iterator[Write | Cut]:
    if isinstance(op, Cut):
        yield op
        return
    start = op.offset
    while start < op.offset + len(op.data):
        end = min(start - start % SECTOR_BYTES + SECTOR_BYTES, op.offset + len(op.data))
        part = op.data[start - op.offset : end - op.offset]
        yield Write(op.file, start, part, op.size, op.time_ns)
        start = end


def _change(data: bytearray, op: Write | Cut) -> None:
    if isinstance(op, Cut):
        del data[op.size :]
        return
    _resize(data, max(len(data), op.offset))
    data[op.offset : op.offset + len(op.data)] = op.data


def _resize(data: bytearray, size: int) -> None:
    """Cut bytes, or add zeros."""
    del data[size:]
    data.extend(bytes(size - len(data)))


def _rename(names: dict[str, int], op: Name) -> None:
    for name, number in op.names:
        if number is None:
            names.pop(name, None)
        else:
            names[name] = number
