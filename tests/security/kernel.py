"""What the kernel says of the sockets of a process, and of the packets that leave a network."""

from __future__ import annotations

import ipaddress
import json
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.peers.needs import need_command
from tests.peers.processes import within

LISTENS = "0A"  # the state of a TCP socket, in hexadecimal
ACCEPTS = 1 << 16  # among the flags of a socket of the system

WATCH = """
table inet watch {
  set seen {
    type ipv4_addr . inet_proto . ipv4_addr . inet_service; flags dynamic; size 65535;
  }
  chain out {
    type filter hook output priority 0; policy accept;
    oifname "lo" return
    meta nfproto ipv6 meta l4proto { tcp, udp } counter
    meta nfproto ipv4 meta l4proto { tcp, udp } \
      update @seen { ip saddr . meta l4proto . ip daddr . th dport }
  }
}
"""


class Open(NamedTuple):
    """A socket to which anybody may send, or connect."""

    kind: str
    host: str
    port: int


class Sent(NamedTuple):
    """A kind of packet that left: from which address of ours, how, and where to."""

    source: str
    kind: str
    host: str
    port: int


def open_sockets(pid: int) -> set[Open]:
    """Return where a process can be reached, over TCP, UDP, and by other programs of this machine."""
    folder = Path(f"/proc/{pid}")
    own = set()
    for descriptor in (folder / "fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            own.add(str(descriptor.readlink()))
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in (folder / "net" / kind).read_text().splitlines()[1:]:
            _, local, remote, state, *rest = line.split()
            is_open = state == LISTENS if kind.startswith("tcp") else not _port(remote)
            if is_open and f"socket:[{rest[5]}]" in own:
                found.add(Open(kind[:3], _host(local), _port(local)))
    for line in (folder / "net" / "unix").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[3], 16) & ACCEPTS and f"socket:[{words[6]}]" in own:
            found.add(Open("unix", words[-1], 0))
    return found


def _host(place: str) -> str:
    raw = bytes.fromhex(place.partition(":")[0])
    words = struct.unpack(f"={len(raw) // 4}I", raw)  # each in the order of this machine
    return str(ipaddress.ip_address(struct.pack(f">{len(words)}I", *words)))


def _port(place: str) -> int:
    return int(place.partition(":")[2], 16)


class Watch:
    """See what leaves a network namespace."""

    def __init__(self, namespace: str) -> None:
        self._nft = within(namespace, [need_command("nft"), "-j"])

    def sent(self) -> set[Sent]:
        """Return the kinds of packets of TCP and UDP over IPv4 that left so far."""
        listed = self._list("set", "inet", "watch", "seen")
        (found,) = [one["set"] for one in listed if "set" in one]
        return {Sent(*one["concat"]) for one in found.get("elem", ())}

    def count_of_ipv6(self) -> int:
        """Return how many of them left over IPv6."""
        rules = [
            one["rule"] for one in self._list("chain", "inet", "watch", "out") if "rule" in one
        ]
        (counter,) = [
            part["counter"] for rule in rules for part in rule["expr"] if "counter" in part
        ]
        return int(counter["packets"])

    def _list(self, *what: str) -> list[dict[str, Any]]:
        command = [*self._nft, "list", *what]
        told = subprocess.run(command, check=True, capture_output=True).stdout
        listed: list[dict[str, Any]] = json.loads(told)["nftables"]
        return listed


@contextmanager
def watched(namespace: str, folder: Path) -> Iterator[Watch]:
    """Watch what leaves a network namespace from now on."""
    rules = folder / "watch.nft"
    rules.write_text(WATCH)
    subprocess.run(within(namespace, [need_command("nft"), "-f", rules]), check=True)
    yield Watch(namespace)
