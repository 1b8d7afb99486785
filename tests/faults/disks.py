"""Disks of the tests' own: one that is small, and one that fails as real ones do."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.peers.needs import do_without, need_command, need_root

DISK_BYTES = 24 * 1024 * 1024
SHUT_DOWN = 0x8004587D  # an ioctl of ext4: all that is asked of it from then on is an I/O error
FLUSH_FIRST = (0).to_bytes(4, "little")


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """Mount a file system of a few MiB on a new folder, and yield that; `grow` makes it larger."""
    need_root("only root can mount a small file system")
    place = folder / "small"
    place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", place)
    try:
        yield place
    finally:
        _run("umount", "--lazy", place)


def grow(place: Path, mebibytes: int) -> None:
    """Give a small disk more room."""
    _run("mount", "-o", f"remount,size={mebibytes}m", place)


class FailingExt4:
    """An ext4 file system in a file, mounted on `place` while its `with` block runs."""

    def __init__(self, folder: Path) -> None:
        need_root("only root can mount a file system")
        need_command("mkfs.ext4")
        self.place = folder / "disk"
        self.place.mkdir()
        self._image = folder / "image"
        with self._image.open("wb") as image:
            image.truncate(DISK_BYTES)
        _run("mkfs.ext4", "-q", "-O", "^has_journal", self._image)

    def __enter__(self) -> Self:
        try:
            self._mount()
        except subprocess.CalledProcessError as error:
            do_without(f"no file can be mounted: {error.stderr.decode().strip()}")
        return self

    def __exit__(self, *error: object) -> None:
        self._unmount()

    def mend(self) -> None:
        """Go on with what is on it, as after another start of the machine.

        It is a copy that goes on: the old one may still be mounted in a namespace of others.
        """
        with self._device().open("rb") as buffered:
            os.fsync(buffered.fileno())
        self._unmount()
        self._image = Path(shutil.copy(self._image, self._image.with_suffix(".copy")))
        self._mount()

    def become_read_only(self) -> None:
        """Find an error in itself, and be read-only from then on, also to files that are open."""
        Path("/sys/fs/ext4", self._device().name, "trigger_fs_error").write_text("1")

    def break_down(self) -> None:
        """Answer everything with an I/O error from now on."""
        descriptor = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, SHUT_DOWN, FLUSH_FIRST)
        finally:
            os.close(descriptor)

    def _device(self) -> Path:
        return Path(_run("findmnt", "-no", "SOURCE", self.place).decode().strip())

    def _mount(self) -> None:
        _run("mount", "-o", "loop,errors=remount-ro", self._image, self.place)

    def _unmount(self) -> None:
        _run("umount", "--lazy", self.place)


def _run(*command: str | Path) -> bytes:
    return subprocess.run(command, check=True, capture_output=True).stdout
