"""What a client says in its log, the trace that it writes: read while it grows."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

READ_BYTES = 1024 * 1024
PATIENCE_SECONDS = 30.0
LOOK_SECONDS = 0.005
# What a line must have to be looked at: most are not even read as JSON.
MARKS = (b'"name":"bt:', b'"name":"dht:', b'"what":', b'"name":"trace:')


class Log:
    """Follow one trace.

    Attributes:
        whys: by the address of the other end, why each of its connections ended.
        facts: the data of all other facts, by their names.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._address_of: dict[int, str] = {}  # by connection
        self.whys: dict[str, list[str]] = defaultdict(list)
        self.facts: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def read_on(self) -> None:
        """Read what was written since the last time."""
        if self._file is None:
            if not self._path.exists():
                return
            self._file = self._path.open("rb")
        while chunk := self._file.read(READ_BYTES):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                if any(mark in line for mark in MARKS):
                    event = json.loads(line)
                    self._learn(event["name"], event["data"])

    def forget(self, address: str) -> None:
        """Forget what was said of an address, which now is somebody else's."""
        self.read_on()
        self.whys.pop(address, None)

    def wait_for_whys(self, address: str, count: int = 1) -> list[str]:
        """Return why connections of an address ended, once so many have; fewer if that is all."""
        self.wait_until(lambda: len(self.whys[address]) >= count)
        return self.whys[address]

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def wait_until(self, is_so: Callable[[], object]) -> None:
        """Read on until something is so: a file that grows does not call."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            self.read_on()
            if is_so() or time.monotonic() > deadline:
                return
            time.sleep(LOOK_SECONDS)

    def _learn(self, name: str, data: dict[str, Any]) -> None:
        match name:
            case "bt:connection_begun":
                self._address_of[data["conn"]] = data["address"]
            case "bt:connection_closed":
                self.whys[self._address_of.get(data["conn"], "")].append(data["why"])
            case "bt:connection_refused":
                self.whys[data["address"]].append(data["why"])
            case _ if name.startswith(("bt:", "dht:", "trace:")):
                self.facts[name].append(data)
            case "actor:decision" if data["what"] == "ban_peer":
                conn = int(data["chosen"].rpartition("-")[2])
                self.whys[self._address_of.get(conn, "")].append(f"banned for {data['rule']}")
            case "actor:decision":
                self.facts[data["what"]].append(data)
