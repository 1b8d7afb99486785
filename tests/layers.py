"""Read the package's sources and say where one breaks a rule of the house.

The rules are those of docs/architecture.md: who imports whom, which libraries stand where,
what may wait. Nothing is imported or run; everything is seen by `ast`.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

PACKAGE = "actortorrent"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# Each layer and those it may import; every layer may import itself. "wire's values" are
# its frozen structs and dataclasses, enums, named tuples, type aliases and constants, not its functions.
WIRE_VALUES = "wire's values"
BELOW_ACTORS = frozenset({"version", "errors", "wire", "rules", "tracing"})
DOORS = frozenset({"session", "creating", "trackers", "lab", "api", "__init__"})
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "version": frozenset(),
    "errors": frozenset(),
    "wire": frozenset({"version", "errors"}),
    "rules": frozenset({"version", "errors", WIRE_VALUES}),
    "tracing": frozenset({"version", "errors", WIRE_VALUES}),
    "captures": frozenset({"version", "errors", "wire", "rules", "tracing"}),  # traces and pcap
    "telemetry": frozenset({"version", "errors", "tracing"}),  # sends traces to a collector
    "options": frozenset({"errors", "rules", WIRE_VALUES}),
    "actors": BELOW_ACTORS | {"options"},
    "crew": BELOW_ACTORS | {"actors", "options"},
    "story": BELOW_ACTORS | {"actors", "options"},
    "session": BELOW_ACTORS | {"actors", "options", "crew", "story"},
    "creating": BELOW_ACTORS | {"actors"},  # makes torrents, and needs no actor
    "trackers": BELOW_ACTORS | {"actors"},  # asks trackers once, outside a session
    "lab": BELOW_ACTORS | {"actors", "options", "session", "creating"},
    "api": BELOW_ACTORS | {"actors", "options", "session"},  # the package for programs
    "__init__": BELOW_ACTORS | {"options", "session", "creating", "api"},  # ... under one name
    "cli": DOORS | {"version", "errors", "tracing", "captures", "telemetry", "options"},
    "__main__": frozenset({"cli"}),
}

# Modules at the top that stand beside `session`: each runs one job of the API with actors.
BESIDE_SESSION = frozenset(
    {
        "crew",
        "story",
        "pickers",
        "creating",
        "dht",
        "trackers",
        "verifying",
        "limits",
        "loading",
        "saving",
        "session_values",
        "sources",
        "web_seeds",
    }
)

# Libraries that have a place, and the modules or layers where that is.
PLACE_OF: Mapping[str, tuple[str, ...]] = {
    "bencodepy": ("wire.bencoding",),
    "click": ("cli",),
    "cryptography": ("wire.stream_keys",),
    "google": ("telemetry",),
    "miniupnpc": ("actors.routers",),
    "opentelemetry": ("telemetry",),
    "rich": ("cli",),
}
# Threads, sockets, other processes, in all the ways in which Python offers them.
ONLY_WITH_EFFECTS = ("actors", "lab", "telemetry")
THREADS = frozenset({"pykka", "threading", "_thread", "concurrent", "multiprocessing", "asyncio"})
SOCKETS = frozenset({"socket", "socketserver", "select", "selectors", "ssl", "http", "requests"})
EFFECTS = THREADS | SOCKETS | {"urllib3", "subprocess"}

PURE_LAYERS = ("wire", "rules")
IMPURE = frozenset(
    ["time", "datetime", "os", "shutil", "tempfile", "glob", "secrets", "uuid", "logging"]
)
OPENS_FILES = frozenset({"open", "read_bytes", "read_text", "write_bytes", "write_text"})
MAY_OPEN_FILES = frozenset({("wire.metainfo", "from_file")})  # a convenience of the public API

# Modules of actors/ that are not actors but what actors are made of.
ACTORS_GROUND = frozenset({"actors.base", "actors.inbox"})
MAY_WAIT_FOR_ACTORS = frozenset({"session", "crew"})  # at start-up and shutdown
# `.get()` waits. Beside `session`, these may: three wait for a queue, one is the waiting itself.
MAY_WAIT = frozenset(
    {
        ("actors.inbox", "get"),
        ("actors.hashing", "run"),
        ("actors.hashing", "_work"),
        ("actors.replies", "get"),
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Say where a rule is broken, and which."""

    module: str
    line: int
    rule: str

    def __str__(self) -> str:
        return f"{PACKAGE}.{self.module}:{self.line}: {self.rule}"


@dataclass(frozen=True, slots=True)
class Import:
    """Name one thing imported: `name` from `module`, or a whole `module`."""

    module: str
    name: str
    line: int
    is_for_types: bool

    @property
    def library(self) -> str:
        return self.module.partition(".")[0]


class House:
    """Hold the sources of the package by module name: `wire.bencoding`, `session`."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._trees = {module: ast.parse(source) for module, source in sources.items()}

    @classmethod
    def of_folder(cls, folder: Path) -> House:
        """Read every module of a package's folder."""
        return cls(
            {_module_name(folder, path): path.read_text("utf-8") for path in folder.rglob("*.py")}
        )

    def findings(self) -> list[Finding]:
        """Return every broken rule, in the order of the modules."""
        checks = (
            self._check_layers,
            self._check_actors,
            _check_libraries,
            _check_purity,
            _check_waiting,
        )
        return [
            finding
            for module, tree in sorted(self._trees.items())
            for check in checks
            for finding in check(module, tree)
        ]

    def _check_layers(self, module: str, tree: ast.Module) -> Iterator[Finding]:
        layer = _layer(module)
        if layer not in MAY_IMPORT:
            yield Finding(module, 1, f"'{layer}' is no layer of the house")
            return
        for imported in _imports(module, tree):
            if imported.library != PACKAGE:
                continue
            target = _inside(imported)
            if not self._may_import(layer, target, imported.name):
                what = f"{target}.{imported.name}" if imported.name else target
                yield Finding(module, imported.line, f"{layer} may not import {what}")

    def _may_import(self, layer: str, target: str, name: str) -> bool:
        target_layer = self._layer_of_import(target, name)
        allowed = MAY_IMPORT[layer]
        if target_layer == layer or target_layer in allowed:
            return True
        return target_layer == "wire" and WIRE_VALUES in allowed and self._is_value(target, name)

    def _layer_of_import(self, target: str, name: str) -> str:
        # `from actortorrent import session` names a module; `import fetch` the public API.
        if target == "__init__" and (name in MAY_IMPORT or name in self._trees):
            return _layer(name)
        return _layer(target)

    def _is_value(self, module: str, name: str) -> bool:
        tree = self._trees.get(module)
        return tree is not None and any(_defines_value(node, name) for node in tree.body)

    def _check_actors(self, module: str, tree: ast.Module) -> Iterator[Finding]:
        if _layer(module) != "actors":
            return
        for imported in _imports(module, tree):
            if imported.library != PACKAGE or imported.is_for_types:
                continue
            target = self._actor_module(imported)
            if target is not None and target != module and not _is_base(tree, imported.name):
                rule = f"an actor knows another only by its proxy, for types: {target}"
                yield Finding(module, imported.line, rule)

    def _actor_module(self, imported: Import) -> str | None:
        target = _inside(imported)
        for candidate in (target, f"{target}.{imported.name}"):
            tree = self._trees.get(candidate)
            is_within = _layer(candidate) == "actors" and candidate not in ACTORS_GROUND
            if tree is not None and is_within and any(map(_is_actor_class, tree.body)):
                return candidate
        return None


def _check_libraries(module: str, tree: ast.Module) -> Iterator[Finding]:
    for imported in _imports(module, tree):
        places = (
            ONLY_WITH_EFFECTS if imported.library in EFFECTS else PLACE_OF.get(imported.library)
        )
        if places is not None and module not in places and _layer(module) not in places:
            where = " and ".join(places)
            yield Finding(module, imported.line, f"{imported.library} stands only in {where}")


def _check_purity(module: str, tree: ast.Module) -> Iterator[Finding]:
    if _layer(module) not in PURE_LAYERS:
        return
    for imported in _imports(module, tree):
        if imported.library in IMPURE:
            yield Finding(module, imported.line, f"{_layer(module)} is pure: no {imported.library}")
    for function, node in _with_function(tree):
        if _is_attribute(node, "random") and node.attr not in ("Random", "SystemRandom"):
            yield Finding(module, node.lineno, "randomness is an argument: rng")
        if _calls(node, OPENS_FILES) and (module, function) not in MAY_OPEN_FILES:
            yield Finding(module, node.lineno, f"{_layer(module)} is pure: it opens no file")


def _check_waiting(module: str, tree: ast.Module) -> Iterator[Finding]:
    for imported in _imports(module, tree):
        if (imported.module, imported.name) == ("time", "sleep"):
            yield Finding(module, imported.line, "nothing sleeps: wait for what is awaited")
    for function, node in _with_function(tree):
        if _is_attribute(node, "time") and node.attr == "sleep":
            yield Finding(module, node.lineno, "nothing sleeps: wait for what is awaited")
        if _calls(node, {"sendall"}):
            yield Finding(module, node.lineno, "sendall waits for the peer, who may wait for us")
        may_wait = module in MAY_WAIT_FOR_ACTORS or (module, function) in MAY_WAIT
        if _is_waiting_get(node) and not may_wait:
            yield Finding(module, node.lineno, "only session waits for an actor: .get()")


def _module_name(folder: Path, path: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def _layer(module: str) -> str:
    top = module.partition(".")[0]
    return "session" if top in BESIDE_SESSION else top


def _inside(imported: Import) -> str:
    return imported.module.partition(".")[2] or "__init__"


def _imports(module: str, tree: ast.Module) -> Iterator[Import]:
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno, id(node) in for_types)
        elif isinstance(node, ast.ImportFrom):
            source = _absolute(module, node)
            for alias in node.names:
                yield Import(source, alias.name, node.lineno, id(node) in for_types)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parents = [PACKAGE, *module.split(".")][: -node.level]
    return ".".join([*parents, node.module] if node.module else parents)


def _defines_value(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name == name and _is_value_class(node)
    if isinstance(node, ast.AnnAssign):
        is_alias = ast.unparse(node.annotation).endswith("TypeAlias")
        return _names(node.target, name) and (is_alias or name.isupper())
    if isinstance(node, ast.Assign):
        is_alias = isinstance(node.value, ast.BinOp | ast.Subscript | ast.Name)
        return any(_names(target, name) for target in node.targets) and (is_alias or name.isupper())
    return False


def _names(target: ast.expr, name: str) -> bool:
    return isinstance(target, ast.Name) and target.id == name


def _is_value_class(node: ast.ClassDef) -> bool:
    told = [*map(ast.unparse, node.decorator_list), *map(ast.unparse, node.keywords)]
    is_frozen = any("frozen=True" in one for one in told)  # a dataclass or a Struct
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    return is_frozen or bool(
        bases & {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "NamedTuple"}
    )


def _is_actor_class(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef) and any(
        ast.unparse(base).partition("[")[0].endswith("Actor") for base in node.bases
    )


def _is_base(tree: ast.Module, name: str) -> bool:
    """Return whether a class of the module builds on `name`: a part of it, then, no other."""
    return any(
        isinstance(node, ast.ClassDef) and name in map(ast.unparse, node.bases)
        for node in tree.body
    )


def _with_function(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield every node with the name of the function around it."""

    def visit(node: ast.AST, function: str) -> Iterator[tuple[str, ast.AST]]:
        for child in ast.iter_child_nodes(node):
            inner = child.name if isinstance(child, FUNCTIONS) else function
            yield inner, child
            yield from visit(child, inner)

    return visit(tree, "")


def _is_attribute(node: ast.AST, of: str) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and _names(node.value, of)


def _calls(node: ast.AST, names: Collection[str]) -> TypeGuard[ast.Call]:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in names


def _is_waiting_get(node: ast.AST) -> TypeGuard[ast.Call]:
    """Return whether a call is `.get()` or `.get(timeout=...)`, as one waits for an answer."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and not node.args
        and {keyword.arg for keyword in node.keywords} <= {"timeout"}
    )
