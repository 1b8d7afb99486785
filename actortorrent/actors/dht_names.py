"""Names of nodes into addresses: each by a short-lived actor, since a look-up can hang."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.resolving import Resolve, resolve
from actortorrent.errors import TrackerError
from actortorrent.wire.addresses import Address

Resolved = Callable[[tuple[Address, ...]], None]


class NameLookups(Struct, frozen=True):
    """Start look-ups for a session; `LookUp` of the options is this."""

    runtime: Runtime
    find_addresses: Resolve = resolve

    def __call__(self, name: Address, report: Resolved) -> None:
        """Start one; `report` gets the addresses, in its own thread."""
        NodeNameLookup.start(self.runtime, name, report, self.find_addresses)


class NodeNameLookup(Actor):
    """Look up one node's name once, report its addresses (perhaps none) and end."""

    def __init__(
        self,
        runtime: Runtime,
        name: Address,
        report: Resolved,
        find_addresses: Resolve,
    ) -> None:
        super().__init__(replace(runtime, actor_failed=_leave_alone), "NodeNameLookup")
        self._node = name
        self._report: Resolved | None = report
        self._find_addresses = find_addresses

    def on_start(self) -> None:
        """Begin, as a message like any other."""
        self._after(0, "_look_up")

    def _look_up(self) -> None:
        try:
            found = self._find_addresses(self._node.host, self._node.port)
        except TrackerError:
            found = ()
        self._tell(found)
        self.stop()

    def on_end(self, error: BaseException | None) -> None:  # noqa: ARG002 - the hook's signature
        """Report what has not been reported: that nothing was found."""
        self._tell(())

    def _tell(self, found: tuple[Address, ...]) -> None:
        report, self._report = self._report, None
        if report is not None:
            report(found)


def _leave_alone(_actor_name: str, _error: BaseException) -> None:
    """Do nothing: a name that cannot be looked up is no end of a session."""
