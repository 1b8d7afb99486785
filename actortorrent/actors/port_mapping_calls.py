"""Calls to the router: each a short-lived actor that asks once, reports and ends.

They exist so that the `PortMapper` never waits: a call blocks for some seconds (`routers.py`).
Nobody sends them messages. Whatever happens, each reports exactly one outcome.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.routers import Routers
from actortorrent.errors import PortMappingError
from actortorrent.rules.port_mapping import MappingCall, MappingFailed, MappingOutcome

Report = Callable[[MappingOutcome], None]


class MappingStarter(Struct, frozen=True):
    """Start calls for a session; `StartMapping` of the rules is this.

    Attributes:
        routers: what asks, one call at a time.
    """

    runtime: Runtime
    routers: Routers

    def __call__(self, call: MappingCall, report: Report) -> Permission:
        """Start a call; `report` gets its outcome, in the call's own thread."""
        runtime = replace(self.runtime, actor_failed=_leave_to_report)
        permission = Permission()
        RouterCall.start(runtime, call, permission, self.routers, report)
        return permission


def _leave_to_report(_actor_name: str, _error: BaseException) -> None:
    """Do nothing: `on_end` reports it."""


class Permission:
    """Let a call change something at the router, until it is withdrawn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._was_used = False
        self._is_withdrawn = False

    def use(self) -> None:
        """Note that the router is asked now; raises PortMappingError if it may not be."""
        with self._lock:
            if self._is_withdrawn:
                raise PortMappingError("cancelled")
            self._was_used = True

    def cancel(self) -> bool:
        """Withdraw it, and say whether it was never used."""
        with self._lock:
            self._is_withdrawn = True
            return not self._was_used


class RouterCall(Actor):
    """Ask the router once."""

    def __init__(
        self,
        runtime: Runtime,
        call: MappingCall,
        permission: Permission,
        routers: Routers,
        report: Report,
    ) -> None:
        super().__init__(runtime, f"RouterCall-{call.number}")
        self._call = call
        self._permission = permission
        self._routers = routers
        self._report: Report | None = report

    def on_start(self) -> None:
        """Begin, as a message like any other."""
        self._after(0, "_ask")

    def on_end(self, error: BaseException | None) -> None:
        """Report what has not been reported."""
        why = "cancelled" if error is None else f"{type(error).__name__}: {error}"
        self._tell(MappingFailed(self._call.number, why))

    def _ask(self) -> None:
        try:
            self._tell(self._routers.ask(self._call, self._permission.use))
        except PortMappingError as error:
            self._tell(MappingFailed(self._call.number, str(error)))
        self.stop()

    def _tell(self, outcome: MappingOutcome) -> None:
        report, self._report = self._report, None
        if report is not None:
            report(outcome)
