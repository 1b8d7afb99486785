"""Hosts of the tests' own on one network: namespaces, each with its cable to a bridge."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.peers.needs import do_without, need_command, need_root
from tests.peers.processes import within


class Network:
    """So many hosts, 1 to `count`, while the `with` block runs; 0 is the bridge itself."""

    def __init__(self, count: int) -> None:
        need_command("ip")
        need_command("nft")
        need_root("only root can make a network")
        self.hosts = range(1, count + 1)
        self._prefix = f"actortorrent-{os.getpid()}"

    def __enter__(self) -> Self:
        try:
            self._make()
        except subprocess.CalledProcessError as error:
            self._remove()
            do_without(f"no network can be made: {error.stderr.strip()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()

    def _make(self) -> None:
        bridge = self.namespace(0)
        _batch("", [f"netns add {self.namespace(host)}" for host in (0, *self.hosts)])
        _batch(
            bridge,
            [
                "link set lo up",
                "link add bridge type bridge",
                f"address add {self.address(0)}/24 dev bridge",
                "link set bridge up",
            ],
        )
        for host in self.hosts:
            inside = f"type veth peer name net netns {self.namespace(host)}"
            _batch(
                bridge,
                [f"link add cable{host} {inside}", f"link set cable{host} master bridge up"],
            )
            _batch(
                self.namespace(host),
                [
                    "link set lo up",
                    f"address add {self.address(host)}/24 dev net",
                    "link set net up",
                ],
            )

    def _remove(self) -> None:
        for host in (0, *self.hosts):
            command = ["ip", "netns", "delete", self.namespace(host)]
            subprocess.run(command, check=False, capture_output=True)

    def namespace(self, host: int) -> str:
        """Return the name of the namespace in which a host's processes run."""
        return f"{self._prefix}-{host}"

    def address(self, host: int) -> str:
        """Return the address that a host has at first."""
        return f"10.79.0.{100 + host}"

    def on(self, host: int, command: list[str | Path]) -> list[str | Path]:
        """Return a command that runs on a host."""
        return within(self.namespace(host), command)

    # --- faults ---------------------------------------------------------------------------

    def unplug(self, host: int) -> None:
        """Pull out a host's cable; it keeps its address."""
        _batch(self.namespace(0), [f"link set cable{host} down"])

    def plug_in(self, host: int) -> None:
        """Put the cable in again."""
        _batch(self.namespace(0), [f"link set cable{host} up"])

    def switch_off(self, host: int) -> None:
        """Take a host's own interface down."""
        _batch(self.namespace(host), ["link set net down"])

    def switch_on(self, host: int) -> None:
        """Take it up again."""
        _batch(self.namespace(host), ["link set net up"])

    def move(self, host: int, address: str) -> None:
        """Give a host another address in the place of the one it had."""
        _batch(
            self.namespace(host),
            ["address flush dev net scope global", f"address add {address}/24 dev net"],
        )

    def lose(self, host: int, percent: int) -> None:
        """Lose so many of a hundred packets that come to a host; none that it sends."""
        rule = f"""
            table inet loss {{
                chain arriving {{
                    type filter hook input priority 0;
                    iifname net numgen random mod 100 < {percent} drop
                }}
            }}"""
        command = self.on(host, ["nft", "-f", "-"])
        subprocess.run(command, input=rule, text=True, check=True, capture_output=True)


def _batch(namespace: str, lines: list[str]) -> None:
    where = ["-n", namespace] if namespace else []
    subprocess.run(
        ["ip", *where, "-batch", "-"],
        input="\n".join(lines),
        text=True,
        check=True,
        capture_output=True,
    )
