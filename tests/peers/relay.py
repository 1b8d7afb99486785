"""A relay of TCP connections that counts the bytes of each direction, at the sockets themselves."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

READ_BYTES = 64 * 1024
HOST = "127.0.0.1"


class Relay:
    """Pass all that comes to a port on to another, and back.

    Attributes:
        to_server, to_client: bytes that came from one side for the other, of each connection
            in the order they were made.
    """

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.to_server: list[int] = []
        self.to_client: list[int] = []

    @property
    def address(self) -> str:
        """Return where to connect, as `host:port`."""
        return f"{HOST}:{self.port}"

    def run(self) -> None:
        """Accept until the listener is shut."""
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        server = socket.create_connection((HOST, self._server_port))
        self._sockets += (client, server)
        self.to_server.append(0)
        self.to_client.append(0)
        for source, sink, counts in (
            (client, server, self.to_server),
            (server, client, self.to_client),
        ):
            about = (source, sink, counts, len(counts) - 1)
            thread = threading.Thread(target=_pass_on, args=about, name="relay")
            self._threads.append(thread)
            thread.start()

    def wait_until_over(self) -> None:
        """Wait until both ends of each connection have closed it."""
        for thread in self._threads:
            thread.join()

    def close(self) -> None:
        """End all, whoever still speaks."""
        for one in (self._listener, *self._sockets):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.wait_until_over()
        for one in (self._listener, *self._sockets):
            one.close()


def _pass_on(source: socket.socket, sink: socket.socket, counts: list[int], number: int) -> None:
    """Count what comes, whether or not the other side still takes it."""
    is_taken = True
    with suppress(OSError):
        while data := source.recv(READ_BYTES):
            counts[number] += len(data)
            if is_taken:
                try:
                    sink.sendall(data)
                except OSError:
                    is_taken = False
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """Relay connections to a port of this machine while the block runs."""
    relay = Relay(port)
    thread = threading.Thread(target=relay.run, name="relay")
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()
