"""All that we know of `requests` and `urllib3`: one GET over a socket that we dial ourselves.

Apart from `http_fetching.py`, since these libraries take longer to load than all else that
a session needs: they are imported in the thread of the first call that needs them.

The environment's proxies and `.netrc` are left out on purpose: a tracker is to see the
address that peers will be told, and nobody else is to see the passkey. A file of
certificates to trust is taken from `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from actortorrent.actors.resolving import explain_os_error
from actortorrent.version import VERSION
from actortorrent.wire.proxy_handshake import Proxy

HEADERS = {
    "User-Agent": f"actortorrent/{VERSION}",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}
# What requests and the libraries below it raise on hostile answers and URLs; ValueError
# stands for their many kinds of "this is no URL".
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
)

Dial = Callable[[str, int], socket.socket]


@contextmanager
def asking(
    url: str, dial: Dial, seconds: float, proxy: Proxy | None = None
) -> Iterator[requests.Response]:
    """Send a GET and yield the response, its body unread and its redirect not followed.

    The adapter is called without a `Session`, which reads the body of a redirect whole; and
    each request has its own, since servers close lines without a word. A proxy that speaks
    HTTP is asked as it wants to be; any other is the business of `dial`.

    Raises:
        FAILURES: one of them, and whatever `dial` raises.
    """
    request = requests.Request("GET", url, HEADERS).prepare()
    by_http = proxy is not None and proxy.scheme == "http"
    proxies = {"http": str(proxy), "https": str(proxy)} if by_http else {}
    verify = _certificates()
    with (
        closing(_Adapter(dial, proxy)) as adapter,
        adapter.send(request, True, seconds, verify, proxies=proxies) as response,
    ):
        yield response


def explain(error: Exception) -> str:
    """Say in a few words of ours what failed: the library's own words quote the URL."""
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection: its certificate or its TLS is not accepted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy makes no connection to it"
    causes: list[BaseException | None] = [error]
    while causes[-1] is not None:
        cause = causes[-1]
        if isinstance(cause, OSError) and cause.errno is not None:
            return explain_os_error(cause)
        causes.append(cause.__cause__ or cause.__context__)
    return "its URL is malformed" if isinstance(error, ValueError) else "it does not speak HTTP"


class _Adapter(HTTPAdapter):
    """Have requests connect by `dial`: urllib3's own proxies hook in at the same place."""

    def __init__(self, dial: Dial, proxy: Proxy | None) -> None:
        self._dial = dial
        self._proxy = proxy
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._dial)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = _pools(self._dial)
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:  # noqa: ARG002 - it is ours
        told = "" if self._proxy is None else self._proxy.authorization
        return {"Proxy-Authorization": told} if told else {}


def _pools(dial: Dial) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self.host, self.port)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return dial(self.host, self.port)

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}


def _certificates() -> str | bool:
    return os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE") or True
