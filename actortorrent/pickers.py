"""Policies for picking pieces out of files of the user's: `--picker my.py:MyPicker`.

The file is run as any Python program is: with all rights of the user who names it.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import cast

from actortorrent.errors import UsageError
from actortorrent.rules.picker_policies import PickPolicy

__all__ = ["PickPolicy", "load_picker"]

MODULE = "actortorrent_picker"  # the name that the file has as a module
EXAMPLE = "class MyPicker: def choose(self, candidates, availability, rng): return max(candidates)"


def load_picker(place: str) -> PickPolicy:
    """Return an object of the class that `place` names: `FILE.py:CLASS`.

    Raises:
        UsageError: if there is none, or it is no policy; the message says what is wrong
            and in which line.
    """
    file, _, name = place.rpartition(":")
    if not file or not name:
        raise UsageError(f"expected FILE.py:CLASS as the picker, found {place!r}")
    path = Path(file)
    if not path.is_file():
        raise UsageError(f"no file {file}, which should have the picker {name}")
    kind = getattr(_run(path), name, None)
    if not inspect.isclass(kind):
        raise UsageError(f"expected a class {name} in {file}, found none", hint=EXAMPLE)
    return _make(kind, f"{file}: {name}")


def _run(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"expected a file of Python as the picker, found {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module  # where dataclasses, among others, look for it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise UsageError(f"{path}{_line_of(path, error)}: {_described(error)}") from error
    return module


def _make(kind: type, where: str) -> PickPolicy:
    try:
        made = kind()
    except Exception as error:
        raise UsageError(f"{where} cannot be made: {_described(error)}") from error
    choose = getattr(made, "choose", None)
    if not callable(choose):
        raise UsageError(f"{where} has no method choose", hint=EXAMPLE)
    try:
        inspect.signature(choose).bind(None, None, None)
    except (TypeError, ValueError) as error:
        expected = "choose(self, candidates, availability, rng)"
        raise UsageError(f"{where}: expected {expected}: {error}") from error
    return cast("PickPolicy", made)


def _described(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"


def _line_of(path: Path, error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}" if error.lineno else ""
    calls = traceback.extract_tb(error.__traceback__)
    lines = [call.lineno for call in calls if call.filename == str(path)]
    return f", line {lines[-1]}" if lines else ""
