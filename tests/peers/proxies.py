"""Real proxies: microsocks for SOCKS5, tinyproxy for HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actortorrent.lab.processes import Running
from actortorrent.wire.proxy_handshake import Proxy
from tests.peers.needs import need_command
from tests.peers.processes import free_port, is_listening, wait_until, within

HOST = "127.0.0.1"
SETTINGS = """
Port {port}
Listen {host}
Timeout 60
MaxClients 100
LogLevel Connect
{login}
"""


@contextmanager
def microsocks(
    *, login: tuple[str, str] | None = None, host: str = HOST, namespace: str = ""
) -> Iterator[Proxy]:
    """Run a SOCKS5 proxy while the block runs."""
    port = free_port()
    user, password = login or ("", "")
    command = [need_command("microsocks"), "-i", host, "-p", str(port)]
    command += ["-u", user, "-P", password] if login else []
    with Running(within(namespace, command)) as process:
        wait_until(lambda: is_listening(host, port, namespace), process, "microsocks listens")
        yield Proxy("socks5", host, port, user, password)


@contextmanager
def tinyproxy(
    folder: Path,
    *,
    login: tuple[str, str] | None = None,
    host: str = HOST,
    namespace: str = "",
) -> Iterator[Proxy]:
    """Run an HTTP proxy while the block runs."""
    port = free_port()
    user, password = login or ("", "")
    settings = folder / "tinyproxy.conf"
    words = f"BasicAuth {user} {password}" if login else ""
    settings.write_text(SETTINGS.format(port=port, host=host, login=words))
    command = [need_command("tinyproxy"), "-d", "-c", settings]
    with Running(within(namespace, command)) as process:
        wait_until(lambda: is_listening(host, port, namespace), process, "tinyproxy listens")
        yield Proxy("http", host, port, user, password)
