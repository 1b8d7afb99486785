"""A network of the tests' own, with addresses that are not 127.0.0.0/8."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.peers.needs import do_without, need_command, need_root

HOSTS = ("10.77.0.1", "10.77.0.2", "10.77.0.3")
LAN_HOSTS = ("10.78.0.1", "10.78.0.2", "10.78.0.3")
LAN_HOST_IPV6 = "fd78::1"


@dataclass(frozen=True, slots=True)
class Namespace:
    """Name a network namespace and its addresses; all are of this machine."""

    name: str
    hosts: tuple[str, ...] = HOSTS


@contextmanager
def network_namespace() -> Iterator[Namespace]:
    """Make a namespace whose loopback has `HOSTS`, while the block runs."""
    ip = need_command("ip")
    need_root("only root can make a network namespace")
    name = f"actortorrent-{os.getpid()}"
    try:
        _run(ip, "netns", "add", name)
    except subprocess.CalledProcessError as error:
        do_without(f"no network namespace can be made: {error.stderr.decode().strip()}")
    try:
        _run(ip, "-n", name, "link", "set", "lo", "up")
        for host in HOSTS:
            _run(ip, "-n", name, "address", "add", f"{host}/24", "dev", "lo")
        yield Namespace(name)
    finally:
        _run(ip, "netns", "delete", name)


@contextmanager
def local_network() -> Iterator[Namespace]:
    """Make a namespace with an interface that knows multicast, and has `LAN_HOSTS`."""
    ip = need_command("ip")
    need_root("only root can make a network namespace")
    name = f"actortorrent-lan-{os.getpid()}"
    try:
        _run(ip, "netns", "add", name)
    except subprocess.CalledProcessError as error:
        do_without(f"no network namespace can be made: {error.stderr.decode().strip()}")
    try:
        _run(ip, "-n", name, "link", "add", "lan0", "type", "veth", "peer", "name", "lan1")
        for device in ("lo", "lan0", "lan1"):
            _run(ip, "-n", name, "link", "set", device, "up")
        for host in LAN_HOSTS:
            _run(ip, "-n", name, "address", "add", f"{host}/24", "dev", "lan0")
        ipv6 = (f"{LAN_HOST_IPV6}/64", "dev", "lan0", "nodad")
        _run(ip, "-n", name, "-6", "address", "add", *ipv6)
        yield Namespace(name, LAN_HOSTS)
    finally:
        _run(ip, "netns", "delete", name)


def add_addresses(namespace: Namespace, hosts: Iterable[str]) -> None:
    """Give a namespace more addresses on its loopback."""
    for host in hosts:
        _run("ip", "-n", namespace.name, "address", "add", f"{host}/32", "dev", "lo")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
