"""Nothing of a stranger's is ever run: no shell, no code made of text, no other program but our own."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import actortorrent

PACKAGE = Path(actortorrent.__file__).parent
STARTS_OUR_OWN = "lab/processes.py"  # the lab's members are processes
CALLS_THE_C_LIBRARY = "actors/memory_room.py"  # one number, where memory is limited
LOADS_THE_USERS = "pickers.py"  # `--picker FILE.py:NAME`, which only the user can give

RUNS = frozenset({"system", "popen", "getoutput", "getstatusoutput", "startfile"})
RUNS_BY_PREFIX = ("exec", "spawn", "posix_spawn", "fork")
BUILTINS = frozenset({"eval", "exec", "compile", "__import__"})
# What starts processes, opens other programs, or makes objects and code out of bytes.
MODULES = frozenset(
    {"subprocess", "pty", "webbrowser", "pickle", "marshal", "shelve", "runpy", "ctypes", "code"}
)


def doubtful(source: str) -> Iterator[str]:
    """Yield what a module does that could run something."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from [node.module] * (node.module.partition(".")[0] in MODULES)
        elif isinstance(node, ast.keyword) and node.arg == "shell":
            yield "shell="
        elif isinstance(node, ast.Call):
            yield from _doubtful_call(node.func)


def _doubtful_call(function: ast.expr) -> Iterator[str]:
    if isinstance(function, ast.Name) and function.id in BUILTINS:
        yield function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        module, name = function.value.id, function.attr
        if module == "os" and (name in RUNS or name.startswith(RUNS_BY_PREFIX)):
            yield f"os.{name}"
        if module == "subprocess" and name in RUNS:
            yield f"subprocess.{name}"


def test_no_module_starts_another_program_or_runs_text_but_those_that_are_named() -> None:
    found = {
        str(path.relative_to(PACKAGE)): set(doubtful(path.read_text("utf-8")))
        for path in PACKAGE.rglob("*.py")
    }
    assert len(found) > 100, "the package is somewhere else"
    assert {name: what for name, what in found.items() if what} == {
        STARTS_OUR_OWN: {"subprocess"},
        CALLS_THE_C_LIBRARY: {"ctypes"},
    }


def test_only_the_users_own_picker_is_loaded_from_a_file() -> None:
    loaders = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if "exec_module" in path.read_text("utf-8")
    }
    assert loaders == {LOADS_THE_USERS}


def test_the_lab_starts_its_members_with_a_list_of_words() -> None:
    tree = ast.parse((PACKAGE / STARTS_OUR_OWN).read_text("utf-8"))
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess.")
    ]
    assert [ast.unparse(call.func) for call in calls] == ["subprocess.Popen"]
    assert ast.unparse(calls[0].args[0]) == "self.command"


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("import os\nos.system(name)", "os.system"),
        ("import os\nos.execvp(name, [])", "os.execvp"),
        ("import os\nos.popen(name)", "os.popen"),
        ("from subprocess import run", "subprocess"),
        ("import subprocess as s\ns.run(name, shell=True)", "shell="),
        ("import pickle", "pickle"),
        ("eval(name)", "eval"),
        ("def f():\n    import webbrowser", "webbrowser"),
    ],
)
def test_each_way_to_run_something_is_found(source: str, what: str) -> None:
    assert what in set(doubtful(source))
