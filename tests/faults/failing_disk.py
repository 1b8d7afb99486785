"""A disk that fails when it is told to: it stands in the place of the functions of `os`."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATCHED = (
    "fstat",
    "fsync",
    "ftruncate",
    "mkdir",
    "open",
    "preadv",
    "pwrite",
    "replace",
    "stat",
    "unlink",
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Say which call fails, and how.

    Attributes:
        function: of `os`.
        number: of the system's error.
        nth: which of its calls, from 1 on.
        lasts: whether all calls of that function fail from then on.
    """

    function: str
    number: int
    nth: int
    lasts: bool = False

    def __str__(self) -> str:
        name = errno.errorcode[self.number]
        return f"{self.function}-{self.nth}{'-on' if self.lasts else ''}-{name}"


class FailingDisk:
    """Count what is asked of the disk below a folder, and let one call fail, or all from then on.

    A write that fails for want of room is first done by half, as a full disk does it.
    """

    def __init__(self, root: Path, fault: Fault | None = None) -> None:
        self._root = root
        self._fault = fault
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in PATCHED}
        self.calls = dict.fromkeys(PATCHED, 0)

    @property
    def has_failed(self) -> bool:
        """Say whether the call that was to fail has come."""
        return self._fault is not None and self.calls[self._fault.function] >= self._fault.nth

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Put it in the place of the functions of `os`."""
        for name in PATCHED:
            patch.setattr(os, name, self._standing_for(name))

    def _standing_for(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def called(*args: Any, **kwargs: Any) -> Any:
            if self._is_below(args[0], kwargs):
                self.calls[name] += 1
                if self._fails(name):
                    self._fail(name, args)
            return real(*args, **kwargs)

        return called

    def _fails(self, name: str) -> bool:
        fault, count = self._fault, self.calls[name]
        if fault is None or name != fault.function:
            return False
        return count >= fault.nth if fault.lasts else count == fault.nth

    def _fail(self, name: str, args: tuple[Any, ...]) -> None:
        assert self._fault is not None
        number = self._fault.number
        if name == "pwrite" and number == errno.ENOSPC:
            descriptor, data, offset = args
            self._real["pwrite"](descriptor, data[: len(data) // 2], offset)
        raise OSError(number, os.strerror(number))

    def _is_below(self, what: Any, kwargs: dict[str, Any]) -> bool:
        """Say whether a call is about the folder; by its descriptor, or by a path."""
        descriptor = what if isinstance(what, int) else kwargs.get("dir_fd")
        descriptor = kwargs.get("src_dir_fd", descriptor)
        if descriptor is None:
            return Path(os.fsdecode(what)).is_relative_to(self._root)
        return Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(self._root)
