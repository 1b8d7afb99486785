"""Three networks in namespaces: a home, an internet, and between them a router (miniupnpd), or a proxy."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.peers.needs import do_without, need_command, need_root
from tests.peers.processes import within

INSIDE_HOST = "10.78.0.2"
ROUTER_HOST = "10.78.0.1"
ROUTER_OUTSIDE = "8.9.10.11"  # miniupnpd maps no ports of addresses that are not public
OUTSIDE_HOST = "8.9.10.12"

TABLE = """
table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd;
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd;
  }
  chain prerouting_miniupnpd { }
  chain postrouting_miniupnpd { }
}
"""
SETTINGS = """
ext_ifname=wan0
listening_ip=lan0
http_port=0
enable_natpmp={natpmp}
enable_upnp={upnp}
secure_mode=yes
min_lifetime=60
max_lifetime=86400
uuid=11111111-2222-3333-4444-555555555555
force_igd_desc_v1=no
allow 1024-65535 10.78.0.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
"""


@dataclass(frozen=True, slots=True)
class Router:
    """Name the namespaces of a home, the router and the internet."""

    home: str
    itself: str
    internet: str

    def leads_to(self) -> list[str]:
        """Return where connections from outside are led, as the kernel's rules have it."""
        rules = _run("ip", "netns", "exec", self.itself, "nft", "list", "table", "inet", "filter")
        return [line.partition("dnat")[2].strip() for line in rules.splitlines() if "dnat" in line]


@contextmanager
def networks() -> Iterator[Router]:
    """Make the networks while the block runs: what is between them passes nothing on."""
    need_command("ip")
    need_root("only root can make network namespaces")
    names = Router(*(f"at-{part}-{os.getpid()}" for part in ("home", "router", "internet")))
    made: list[str] = []
    try:
        for name in (names.home, names.itself, names.internet):
            _make(name)
            made.append(name)
        _lay_cables(names)
        yield names
    finally:
        for name in made:
            _run("ip", "netns", "delete", name)


@contextmanager
def router(folder: Path, *, speaks_upnp: bool, speaks_pcp: bool) -> Iterator[Router]:
    """Run a router while the block runs; one that speaks nothing is no more than its cables."""
    need_command("nft")
    need_command("miniupnpd")
    with networks() as names:
        if not (speaks_upnp or speaks_pcp):
            yield names
            return
        _pass_on(names, folder)
        settings = folder / "miniupnpd.conf"
        yes = {True: "yes", False: "no"}
        settings.write_text(SETTINGS.format(upnp=yes[speaks_upnp], natpmp=yes[speaks_pcp]))
        command = ["miniupnpd", "-d", "-f", settings, "-P", folder / "pid"]
        with Running(within(names.itself, command)) as process:
            ready = "Listening for NAT-PMP/PCP" if speaks_pcp else "HTTP listening on port"
            process.wait_for_line(ready)
            yield names


def _make(name: str) -> None:
    try:
        _run("ip", "netns", "add", name)
    except subprocess.CalledProcessError as error:
        do_without(f"no network namespace can be made: {error.stderr.strip()}")
    _run("ip", "-n", name, "link", "set", "lo", "up")


def _lay_cables(names: Router) -> None:
    _cable((names.itself, "lan0", ROUTER_HOST), (names.home, "eth0", INSIDE_HOST))
    _cable((names.itself, "wan0", ROUTER_OUTSIDE), (names.internet, "eth0", OUTSIDE_HOST))
    _run("ip", "-n", names.home, "route", "add", "default", "via", ROUTER_HOST)


def _pass_on(names: Router, folder: Path) -> None:
    table = folder / "table.nft"
    table.write_text(TABLE)
    _run("ip", "netns", "exec", names.itself, "nft", "-f", str(table))
    forward = "echo 1 > /proc/sys/net/ipv4/ip_forward"
    _run("ip", "netns", "exec", names.itself, "sh", "-c", forward)


def _cable(one: Sequence[str], other: Sequence[str]) -> None:
    (space, link, _), (other_space, other_link, _) = one, other
    far_end = ["peer", "name", other_link, "netns", other_space]
    _run("ip", "link", "add", link, "netns", space, "type", "veth", *far_end)
    for name, device, host in (one, other):
        _run("ip", "-n", name, "address", "add", f"{host}/24", "dev", device)
        _run("ip", "-n", name, "link", "set", device, "up")


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
