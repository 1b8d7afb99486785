"""An event of a trace, as it stands in the file: one line of JSON.

::

    {"time": 81723400, "name": "actor:decision", "actor": "Seeder", "lc": 41,
     "cause": "Seeder#38", "data": {"what": "unchoke", ...}}

`actor#lc` names the event, and `cause` is such a name, or null. What each kind of
event says in `data` is listed in docs/reading-a-trace.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

FILE_SCHEMA = "actortorrent-trace/2"
# What can be read: version 1 lacks only `bt:connection_opened`, and merged traces.
KNOWN_SCHEMAS = ("actortorrent-trace/1", FILE_SCHEMA)
HEADER_START = b'{"file_schema"'  # with which every trace file begins

MESSAGE = "actor:message"
TIMER = "actor:timer"
REPLY = "actor:reply"
DECISION = "actor:decision"
STATE = "actor:state"
SPAWNED = "actor:spawned"
CONNECTION_OPENED = "bt:connection_opened"
WIRE_SENT = "bt:message_sent"
WIRE_RECEIVED = "bt:message_received"
GAP = "trace:gap"
DEADLOCK = "trace:deadlock"
END = "trace:end"
FLIGHT = "flight recorder"  # why events are missing at the beginning, where it wrote a trace

# ASCII only: a file that every tool and terminal can show.
_write_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


class Event(Struct, frozen=True):
    """Say what happened, when, to whom and because of what.

    Attributes:
        time_ns: of the monotonic clock; of a message, when its handling began.
        name: which kind of event, such as `bt:message_received`.
        actor: to whom it happened.
        lc: which tick of the actor's Lamport clock it was.
        cause: the id of the event that brought it about, or nothing.
        data: what there is to say of it, made of JSON's types.
    """

    time_ns: int
    name: str
    actor: str
    lc: int
    cause: str
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Return `actor#lc`, by which others name it as their cause."""
        return f"{self.actor}#{self.lc}"

    def to_json(self) -> dict[str, Any]:
        """Return the event as the file has it."""
        return {
            "time": self.time_ns,
            "name": self.name,
            "actor": self.actor,
            "lc": self.lc,
            "cause": self.cause or None,
            "data": self.data,
        }

    def to_line(self) -> bytes:
        """Write the event as one line of a trace file."""
        return json_line(self.to_json())


def json_line(value: object) -> bytes:
    """Write one value as one line of JSON, in ASCII."""
    return _write_json(value).encode("ascii") + b"\n"
