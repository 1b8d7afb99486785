"""Every handler of every actor: found in the package, so that a new one is among them at once."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import actortorrent.actors
from actortorrent.actors.base import Actor, Proxy, SocketActor

HOOKS = ("on_start", "on_end")
SENDS_ONESELF = {"_after": 1, "_watch": 1}  # and which argument names the handler


@dataclass(frozen=True, slots=True, order=True)
class Handler:
    """Name one handler of one actor."""

    actor: str
    name: str

    def __str__(self) -> str:
        return f"{self.actor}.{self.name}"


def actor_classes() -> dict[str, type[Actor]]:
    """Return the actors that are ever started, by their names."""
    modules = _modules()
    classes = [
        kind
        for module in modules
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Actor) and kind.__module__ == module.__name__
    ]
    bases = {base for kind in classes for base in kind.__mro__[1:]} | {Actor, SocketActor}
    return {kind.__name__: kind for kind in classes if kind not in bases}


def all_handlers() -> list[Handler]:
    """Return each message that a proxy names, each handler of a timer or socket, each hook."""
    messages, private = _messages(), _private_names()
    return sorted(
        Handler(kind_name, name)
        for kind_name, kind in actor_classes().items()
        for name in {*HOOKS, *messages, *private}
        if name in HOOKS or _is_handled(kind, name, messages, private)
    )


def _is_handled(kind: type, name: str, messages: dict[str, set[Any]], private: set[str]) -> bool:
    """Say whether a class, or one that it is made from, has this handler."""
    has_it = {base.__dict__[name] for base in kind.__mro__ if name in base.__dict__}
    return bool(has_it) and (name in private or bool(has_it & messages[name]))


def _messages() -> dict[str, set[Any]]:
    """Return the functions that proxies name, by the names of the messages."""
    found: dict[str, set[Any]] = {}
    for module in _modules():
        for kind in vars(module).values():
            if inspect.isclass(kind) and issubclass(kind, Proxy):
                for name, function in vars(kind).items():
                    if inspect.isfunction(function):
                        found.setdefault(name, set()).add(function)
    return found


def _private_names() -> set[str]:
    """Return the names of handlers that the package's actors give to `_after` and `_watch`."""
    return {name for module in _modules() for name in _names_in(Path(str(module.__file__)))}


def _names_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            place = SENDS_ONESELF.get(node.func.attr)
            if place is not None and len(node.args) > place:
                named = node.args[place]
                assert isinstance(named, ast.Constant), f"{path}:{node.lineno}: no name"
                yield str(named.value)


def _modules() -> list[Any]:
    package = actortorrent.actors
    return [
        importlib.import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    ]
