"""What all clients have in common: where they run, and how one sees that they are ready."""

from __future__ import annotations

import secrets
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from actortorrent.lab.processes import PATIENCE_SECONDS, Running

ASK_AGAIN_SECONDS = 0.02
ASKED_FOR = range(10_000, 32_000)  # ports that no system gives to who asks for any


def within(namespace: str, command: Sequence[str | Path]) -> list[str | Path]:
    """Return a command that runs in a network namespace, if one is named."""
    return ["ip", "netns", "exec", namespace, *command] if namespace else list(command)


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that nobody has, neither TCP nor UDP, nor gets by chance before it is used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = secrets.choice(ASKED_FOR)
        with (
            suppress(OSError),  # it is taken
            socket.socket(family, socket.SOCK_STREAM) as tcp,
            socket.socket(family, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind((host, port))
            udp.bind((host, port))
            return port


def wait_until(
    holds: Callable[[], bool], process: Running, what: str, seconds: float = PATIENCE_SECONDS
) -> None:
    """Ask `holds` every few milliseconds until it does, or `process` ends, or time is up.

    For clients that print nothing when they are ready.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        assert not process.ends_within(ASK_AGAIN_SECONDS), f"it ended before {what}"
        assert time.monotonic() < deadline, f"not {what} after {seconds} s"


def is_listening(host: str, port: int, namespace: str = "") -> bool:
    """Return whether somebody accepts connections there."""
    if namespace:
        connect = within(namespace, ["bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}"])
        return subprocess.run(connect, check=False, capture_output=True).returncode == 0
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
