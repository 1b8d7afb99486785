"""The client that is attacked: our own, with some of its patience cut short.

::

    python -m tests.hostile.client HASTE fetch film.torrent ...   # the command line
    python -m tests.hostile.client HASTE batch                    # one fetch a line of stdin

`HASTE` is a JSON object: numbers by `module.CONSTANT`. A batch reads JSON objects, the
arguments of `actortorrent.fetch`, and prints for each what came of it, so that one process
can be seen to meet one attack after another.
"""

from __future__ import annotations

import gc
import importlib
import json
import sys
import time
import traceback
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import actortorrent
from actortorrent.api import to_addresses
from actortorrent.errors import ActorTorrentError

PEAK = "peak of memory in bytes: "  # what the command line ends with, on stderr


def main() -> None:
    """Run what the arguments ask for."""
    _hasten(json.loads(sys.argv[1]))
    del sys.argv[1]
    if sys.argv[1] == "batch":
        for number, line in enumerate(sys.stdin, 1):
            began = time.monotonic()
            told = _fetch(json.loads(line))
            seconds = time.monotonic() - began
            ended = {"event": "ended", "number": number, "seconds": seconds, **told}
            print(json.dumps(ended), flush=True)
    else:
        from actortorrent.__main__ import main as run  # noqa: PLC0415 - after the haste

        try:
            run()
        finally:
            print(f"{PEAK}{_peak_bytes()}", file=sys.stderr)


def _peak_bytes() -> int:
    """Return the most memory that this process had at any time."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024


def _hasten(haste: dict[str, float]) -> None:
    """Put other numbers in the places of constants, and of the defaults of dataclasses."""
    for name, value in haste.items():
        owner_name, _, constant = name.rpartition(".")
        module_name, _, last = owner_name.rpartition(".")
        if last[:1].isupper():
            module = importlib.import_module(f"actortorrent.{module_name}")
            _set_default(getattr(module, last), constant, value)
        else:
            owner = importlib.import_module(f"actortorrent.{owner_name}")
            assert hasattr(owner, constant), name
            setattr(owner, constant, value)


def _set_default(kind: Any, name: str, value: float) -> None:
    """Change the default of a field, which stands in the signature that a dataclass was given."""
    names = [one.name for one in fields(kind) if one.default is not MISSING]
    defaults = list(kind.__init__.__defaults__)
    defaults[names.index(name)] = value
    kind.__init__.__defaults__ = tuple(defaults)


def _fetch(given: dict[str, Any]) -> dict[str, Any]:
    notices: list[str] = []
    given["dht_nodes"] = to_addresses(given.get("dht_nodes", ()))
    try:
        summary = actortorrent.fetch(**given, on_notice=notices.append)
        told = {
            "is_complete": summary.is_complete,
            "error": "",
            "fetched_bytes": summary.progress.fetched_bytes,
            "wasted_bytes": summary.progress.wasted_bytes,
        }
    except ActorTorrentError as error:
        told = {"is_complete": False, "error": str(error)}
    except Exception:  # noqa: BLE001 - a bug of ours: the test is to see it
        traceback.print_exc()
        told = {"is_complete": False, "error": "a bug"}
    gc.collect()  # what one session left in circles is not what the next one takes
    return {**told, "notices": notices}


if __name__ == "__main__":
    main()
