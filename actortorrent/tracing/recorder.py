"""The recorder: where actors' threads leave what happened (stub of the interface)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from actortorrent.actors.inbox import Stamp


class Recorder(Protocol):
    """Take events from any thread; never block, never raise."""

    level: str

    def record(
        self, time_ns: int, name: str, actor: str, lc: int, cause: str, data: dict[str, object]
    ) -> None:
        """Take one event."""

    def record_message(
        self,
        *,
        receiver: str,
        received: int,
        done: int,
        begin_ns: int,
        end_ns: int,
        stamp: Stamp,
        op: str,
        message: Any,
        status: str,
    ) -> None:
        """Take one actor message, at its finish."""
