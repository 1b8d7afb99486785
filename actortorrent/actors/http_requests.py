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
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from actortorrent.actors.resolving import explain_os_error
from actortorrent.version import VERSION
from actortorrent.wire.proxy_handshake import Proxy

USER_AGENT = f"actortorrent/{VERSION}"
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "gzip", "Connection": "close"}
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
    with (
        closing(_Adapter(dial, proxy)) as adapter,
        adapter.ask(url, HEADERS, seconds) as response,
    ):
        yield response


class KeptLine:
    """Ask one server for ranges of its files, one after the other, over one line if it keeps it.

    Args:
        dial: as of `asking`.
        seconds: between two bytes.
    """

    def __init__(self, dial: Dial, seconds: float, proxy: Proxy | None = None) -> None:
        self._dial = dial
        self._seconds = seconds
        self._proxy = proxy
        self._adapter: _Adapter | None = None
        self._host = ""

    @contextmanager
    def asking(self, url: str, first_byte: int, last_byte: int) -> Iterator[requests.Response]:
        """Send a GET for a range, and yield the response, its body unread.

        The line is kept only if the body has been read to its end. For another host there is
        a new line: so there is only one at a time, and it is the one dialled last.

        Raises:
            FAILURES: one of them, and whatever `dial` raises.
        """
        headers = {
            "User-Agent": USER_AGENT,
            "Accept-Encoding": "identity",
            "Range": f"bytes={first_byte}-{last_byte}",
        }
        with self._ask(url, headers) as response:
            yield response
            if response.raw.length_remaining == 0:
                response.raw.release_conn()

    def _ask(self, url: str, headers: dict[str, str]) -> requests.Response:
        host = urlsplit(url).netloc
        if self._adapter is not None and host == self._host:
            try:
                return self._adapter.ask(url, headers, self._seconds)
            except requests.ConnectionError:
                pass  # servers close lines that they had kept, without a word
        self.close()
        self._adapter, self._host = _Adapter(self._dial, self._proxy), host
        return self._adapter.ask(url, headers, self._seconds)

    def close(self) -> None:
        """Hang up."""
        if self._adapter is not None:
            self._adapter.close()
        self._adapter = None


def explain(error: Exception) -> str:
    """Say in a few words of ours what failed: the library's own words quote the URL."""
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection: its certificate or its TLS is not accepted"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy makes no connection to it"
    if is_of_time(error):
        return "no answer in time"
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno is not None:
            return explain_os_error(cause)
    return "its URL is malformed" if isinstance(error, ValueError) else "it does not speak HTTP"


def is_of_time(error: Exception) -> bool:
    """Say whether it failed because nothing came for as long as was to be waited."""
    # The system's own time-outs have a number.
    return any(isinstance(one, TimeoutError) and one.errno is None for one in _causes(error))


def _causes(error: Exception) -> Iterator[BaseException]:
    """Yield an error, what caused it, what caused that, and so on."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


class _Adapter(HTTPAdapter):
    """Have requests connect by `dial`: urllib3's own proxies hook in at the same place."""

    def __init__(self, dial: Dial, proxy: Proxy | None) -> None:
        self._dial = dial
        self._proxy = proxy
        super().__init__()

    def ask(self, url: str, headers: dict[str, str], seconds: float) -> requests.Response:
        """Send a GET; the caller closes the response."""
        request = requests.Request("GET", url, headers).prepare()
        proxy = self._proxy
        by_http = proxy is not None and proxy.scheme == "http"
        proxies = {"http": str(proxy), "https": str(proxy)} if by_http else {}
        return self.send(request, True, seconds, _certificates(), proxies=proxies)

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
