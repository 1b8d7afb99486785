"""Names of nodes into addresses: each by a short-lived actor, since a look-up can hang."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import replace

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.resolving import Resolve, resolve
from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address

Resolved = Callable[[tuple[Address, ...]], None]


def is_literal(host: str) -> bool:
    """Say whether a host is an IP address, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class NodeNameLookup(Actor):
    """Look up one node's name once, report its addresses (perhaps none) and end."""

    def __init__(
        self,
        runtime: Runtime,
        name: Address,
        report: Resolved,
        find_addresses: Resolve = resolve,
    ) -> None:
        super().__init__(replace(runtime, actor_failed=_leave_alone), "NodeNameLookup")
        self._node = name
        self._report = report
        self._find_addresses = find_addresses

    def on_start(self) -> None:
        """Begin, as a message like any other."""
        self._after(0, "_look_up")

    def _look_up(self) -> None:
        try:
            found = self._find_addresses(self._node.host, self._node.port)
        except TrackerError:
            found = ()
        self._report(found)
        self.stop()


def _leave_alone(_actor_name: str, _error: BaseException) -> None:
    """Do nothing: a name that cannot be looked up is no end of a session."""
