"""nginx as a web seed: a folder served by HTTP, with ranges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actortorrent.lab.processes import Running
from tests.peers.needs import need_command
from tests.peers.processes import free_port, is_listening, wait_until

CONFIG = """
daemon off;
master_process off;
worker_processes 1;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format asked '$request_method $uri $http_via $status $body_bytes_sent';
    access_log {folder}/access.log asked;
    client_body_temp_path {folder}/temp-body;
    proxy_temp_path {folder}/temp-proxy;
    fastcgi_temp_path {folder}/temp-fastcgi;
    uwsgi_temp_path {folder}/temp-uwsgi;
    scgi_temp_path {folder}/temp-scgi;
    server {{
        listen 127.0.0.1:{port};
        root "{root}";
        location /moved/ {{ rewrite ^/moved/(.*)$ http://localhost:{port}/$1 redirect; }}
    }}
}}
"""


class Nginx:
    """An nginx process, its URL, and what it was asked for."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.url = f"http://127.0.0.1:{port}/"

    def requests(self) -> list[str]:
        """Return a line for each question: what for, by which proxy, the status, the bytes sent."""
        return (self._folder / "access.log").read_text("utf-8", "replace").splitlines()


@contextmanager
def nginx(folder: Path, root: Path) -> Iterator[Nginx]:
    """Serve what is under `root` while the block runs; `folder` is for nginx's own files."""
    command = need_command("nginx")
    folder.mkdir()
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, root=root, port=port))
    with Running([command, "-p", folder, "-e", folder / "error.log", "-c", config]) as process:
        wait_until(lambda: is_listening("127.0.0.1", port), process, "listening")
        yield Nginx(folder, port)
