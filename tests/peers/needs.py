"""Ask for a real client: missing, it is a failure in CI and elsewhere a skip that says so."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from types import ModuleType
from typing import NoReturn

import pytest


def need_command(name: str) -> str:
    """Return the path of a command, or skip the test (in CI: fail it)."""
    found = shutil.which(name)
    if found is None:
        do_without(f"{name} is not installed")
    return found


def need_module(name: str) -> ModuleType:
    """Return a Python module, or skip the test (in CI: fail it)."""
    if importlib.util.find_spec(name) is None:
        do_without(f"the Python package {name} is not installed")
    return importlib.import_module(name)


def need_root(why: str) -> None:
    """Go on if the tests run as root, or skip the test (in CI: fail it)."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        do_without(f"not root: {why}")


def do_without(reason: str) -> NoReturn:
    """Skip the test for want of something (in CI: fail it)."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}, and in CI no real peer may be missing")
    pytest.skip(reason)
