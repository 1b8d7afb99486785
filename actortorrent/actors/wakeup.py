"""The wake-up: a descriptor that another thread makes readable.

Linux has `eventfd` for it; elsewhere a pair of connected sockets does the same.
"""

from __future__ import annotations

import os
import socket

HAS_EVENTFD = hasattr(os, "eventfd")


class WakeUp:
    """Let one thread wake another that waits on descriptors."""

    def __init__(self) -> None:
        self._sockets: tuple[socket.socket, socket.socket] | None = None
        if HAS_EVENTFD:
            self._fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        else:
            self._sockets = socket.socketpair()
            for end in self._sockets:
                end.setblocking(False)
            self._fd = self._sockets[0].fileno()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._fd

    def set(self) -> None:
        """Make it readable."""
        if self._sockets is None:
            os.eventfd_write(self._fd, 1)
        else:
            self._sockets[1].send(b"!")

    def clear(self) -> None:
        """Make it unreadable again."""
        if self._sockets is None:
            os.eventfd_read(self._fd)
        else:
            self._sockets[0].recv(64)

    def close(self) -> None:
        """Free the descriptors; once more does no harm."""
        if self._sockets is not None:
            for end in self._sockets:
                end.close()
        elif self._fd >= 0:
            os.close(self._fd)
        self._fd = -1  # the number may soon be another's
