"""A trace to give away: no address, peer id, info-hash or file name is the real one.

The same thing has the same new name throughout one file, so that what happened can still
be followed. New names are numbers in the order of appearance: nothing can be computed
back from them. Ports, times, sizes and the names of clients stay. A trace is gone through
twice: names that are only known from its end may stand at its beginning.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from msgspec.structs import replace

from actortorrent.errors import InvalidTraceError
from actortorrent.tracing.events import Event
from actortorrent.tracing.header import TraceHeader, header_from_json
from actortorrent.tracing.reader import TraceFile

# Under these keys stands what people read, which may name files.
FREE_TEXTS = frozenset(["error", "text", "reason", "why", "cause", "last_failure", "activity"])
PEER_ID_CHARACTERS = 20
MAX_SUFFIX = 8  # of a file's name, with its dot: so much of it is kept
LEAST_NAME = 4  # a file's name that is shorter may be part of any word

_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\w)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?:%\w+)?(?![\w:])")
_URL_HOST = re.compile(r"(?<=://)(?:[^/\s@]*@)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)")
_NAMED_HOST = re.compile(r"(?<![\w.-])((?:[A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*)(?=:\d)")
_HASH = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{40}(?![0-9A-Za-z])")
_CLIENT = re.compile(r"-[A-Za-z0-9]{6}-")
_PEER_ID = re.compile(r"-[A-Za-z]{2}[0-9A-Za-z]{4}-[!-~]{12}")
_DISK = re.compile(
    r"(?:cannot (?:find the content in|make the folder|write into|write to|write the trace|read|use"
    r"|write)|work on this torrent in) (.+?)(?=: |, found|$)"
)
_FILE = re.compile(r"[^\s/\\:'\"(),;]+\.[A-Za-z][A-Za-z0-9]{1,4}(?![\w.])")
_PLAIN_ARGUMENT = re.compile(r"-{1,2}[a-z-]+|\d+(?:\.\d+)?[KMGkmg]?|")
# Words of a command line that name nobody: any other may be a file's or a folder's.
_COMMANDS = ("actortorrent", "fetch", "seed")
_CHOICES = ("piece", "block", "payload", "auto", "bar", "lines", "json", "none")
_PLAIN_WORDS = frozenset([*_COMMANDS, *_CHOICES])


class Anonymiser:
    """Give everything that says who or what a new name, the same for the same."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._files: dict[str, str] = {}
        self._literals: dict[str, str] = {}  # to be replaced wherever they stand
        self._pattern: re.Pattern[str] | None = None

    # --- whole traces -------------------------------------------------------------------

    def learn(self, header: TraceHeader, events: Iterable[Event]) -> None:
        """Give names to all that is in a trace."""
        self.header(header)
        for event in events:
            self.event(event)
        literals = sorted(self._literals, key=len, reverse=True)
        if literals:
            each = "|".join(map(re.escape, literals))
            self._pattern = re.compile(rf"(?<![\w.-])(?:{each})(?![\w-])")

    def header(self, header: TraceHeader) -> TraceHeader:
        """Return a header with new names."""
        return header_from_json(self._header(header.to_json()), _refuse)

    def event(self, event: Event) -> Event:
        """Return an event with new names."""
        actor, cause = self._text(event.actor), self._text(event.cause)
        return replace(event, actor=actor, cause=cause, data=self._value("", dict(event.data)))

    # --- parts ----------------------------------------------------------------------------

    def _header(self, value: dict[str, Any]) -> dict[str, Any]:
        peer_id, node = str(value["peer_id"]), str(value["node"])
        new_id = self._hex_peer_id(peer_id)
        if node and peer_id.endswith(node):
            self._literals[node] = new_id[-len(node) :]
        new = {**value, "peer_id": new_id, "info_hash": self._text(str(value["info_hash"]))}
        new["node"] = self._literals.get(node, node)
        new["trace"] = {"vantage_point": {**value["trace"]["vantage_point"], "name": new["node"]}}
        new["argv"] = [self._argument(one) for one in value["argv"]]
        if "imported_from" in value:
            new["imported_from"] = self._file(str(value["imported_from"]))
        if "nodes" in value:
            new["nodes"] = [self._node(node) for node in value["nodes"]]
            new["connections"] = [self._value("", row) for row in value["connections"]]
        if "flight_recorder" in value:
            new["flight_recorder"] = self._value("", value["flight_recorder"])
        return new

    def _node(self, node: Mapping[str, Any]) -> dict[str, Any]:
        header = self._header(node["header"])
        return {**node, "header": header, "name": self._text(node["name"])}

    def _argument(self, argument: str) -> str:
        option, equals, value = argument.rpartition("=")
        if value in _PLAIN_WORDS or _PLAIN_ARGUMENT.fullmatch(value):
            return argument
        renamed = self._text(value)
        return option + equals + (self._file(value) if renamed == value else renamed)

    def _value(self, key: str, value: Any) -> Any:
        if isinstance(value, str):
            return self._said(key, value)
        if isinstance(value, list):
            return [self._value(key, item) for item in value]
        if isinstance(value, dict):
            return {name: self._value(name, item) for name, item in value.items()}
        return value

    def _said(self, key: str, text: str) -> str:
        if key == "peer_id" and len(text) == PEER_ID_CHARACTERS:
            return self._peer_id(text)
        text = self._text(text)
        return self._without_files(text) if key in FREE_TEXTS else text

    def _text(self, text: str) -> str:
        if len(text) >= PEER_ID_CHARACTERS:
            text = _HASH.sub(lambda found: self._name("hash", found[0]), text)
            text = _PEER_ID.sub(lambda found: self._peer_id(found[0]), text)
        if "." in text or ":" in text:
            text = _URL_HOST.sub(lambda found: self._host(found[1]), text)
            text = _IPV4.sub(lambda found: self._ip(found[0]), text)
            text = _IPV6.sub(lambda found: self._ip(found[0]), text)
            text = _NAMED_HOST.sub(lambda found: self._host(found[1]), text)
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self._literals[found[0]], text)
        return text

    def _without_files(self, text: str) -> str:
        text = _DISK.sub(lambda found: found[0].replace(found[1], self._file(found[1])), text)
        for name, new in self._files.items():
            text = text.replace(name, new) if len(name) >= LEAST_NAME else text
        return _FILE.sub(lambda found: self._file(found[0]), text)

    # --- new names --------------------------------------------------------------------------

    def _name(self, kind: str, old: str) -> str:
        new = self._names.get((kind, old))
        if new is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            new = self._names[kind, old] = _NEW_NAMES[kind](number)
        return new

    def _host(self, host: str) -> str:
        if _IPV4.fullmatch(host) or host == "localhost" or host in self._literals.values():
            return host
        self._literals[host] = new = self._name("host", host)
        return new

    def _ip(self, text: str) -> str:
        if text in self._names.values():
            return text
        try:
            version = ipaddress.ip_address(text).version
        except ValueError:  # a time, perhaps, or a version
            return text
        return self._name(f"IPv{version}", text)

    def _peer_id(self, peer_id: str) -> str:
        if peer_id in self._names.values():
            return peer_id
        client = _CLIENT.match(peer_id)
        prefix = client[0] if client else "-------"
        number = self._name("peer id", peer_id).rjust(PEER_ID_CHARACTERS, "0")
        self._names["peer id", peer_id] = new = prefix + number[len(prefix) :]
        return new

    def _hex_peer_id(self, text: str) -> str:
        try:
            peer_id = bytes.fromhex(text).decode("latin-1")
        except ValueError:
            return self._name("hash", text)
        return self._peer_id(peer_id).encode("latin-1").hex() if peer_id else text

    def _file(self, name: str) -> str:
        if name in self._files.values():
            return name
        if name not in self._files:
            suffix = PurePosixPath(name).suffix
            kept = suffix if suffix[1:].isalnum() and len(suffix) <= MAX_SUFFIX else ""
            self._files[name] = f"file-{len(self._files) + 1}{kept}"
        return self._files[name]


_NEW_NAMES: Mapping[str, Callable[[int], str]] = {
    "hash": lambda number: f"{number:040x}",
    "peer id": str,
    "host": lambda number: f"host-{number}.example",
    "IPv4": lambda number: str(ipaddress.IPv4Address("10.0.0.0") + number),
    "IPv6": lambda number: str(ipaddress.IPv6Address("fd00::") + number),
}


class AnonymisedTrace(TraceFile):
    """A trace that is read with new names in the place of all that says who or what."""

    def __init__(self, path: Path) -> None:
        """Open a trace and go through it; raises as `TraceFile` does, also for its events."""
        self._anonymiser = Anonymiser()
        with TraceFile(path) as trace:
            self._anonymiser.learn(trace.header, trace.events())
        super().__init__(path)
        self.header = self._anonymiser.header(self.header)

    def events(self) -> Iterator[Event]:
        """Yield the events in the file's order."""
        yield from map(self._anonymiser.event, super().events())


def _refuse(why: str) -> NoReturn:
    raise InvalidTraceError(why)
