"""The targets, by name: each a module with `seeds` and `check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True, slots=True)
class Target:
    """Know how to fuzz one thing.

    Attributes:
        seeds: makes bytes that reach deep, from which the fuzzer begins.
        check: asserts all that must hold, whatever the bytes.
        longest: more bytes than these teach nothing new.
    """

    seeds: Callable[[], Sequence[bytes]]
    check: Callable[[bytes], None]
    longest: int


LONGEST_BYTES = {  # of an input
    "bencode": 1024,
    "metainfo": 4096,
    "peer_protocol": 512,
    "extensions": 2048,
    "encryption": 2048,
    "tracker_http": 2048,
    "tracker_udp": 1024,
    "krpc": 2048,
    "dht_node": 4096,
    "magnet": 1024,
    "resume": 2048,
    "urls": 512,
    "proxy": 1024,
    "neighbours": 2048,
    "web_seed": 512,
    "trace": 4096,
    "capture": 4096,
}
NAMES = tuple(LONGEST_BYTES)


def load(name: str) -> Target:
    """Return a target of `NAMES`; what it tests is imported only now, so that it can be watched."""
    module = import_module(f"{__name__}.{name}")
    return Target(module.seeds, module.check, LONGEST_BYTES[name])
