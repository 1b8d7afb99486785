"""What one says to a proxy so that it connects us to somebody: SOCKS5 and HTTP.

SOCKS5 is RFC 1928, with the user name and password of RFC 1929; HTTP's way is `CONNECT`
(RFC 9110, 9.3.6). Names of hosts are sent as they are: the proxy looks them up, and nobody
here does.

A handshake is pure: `begin` gives what is said first, `receive` takes what came and gives what
is said next, and `is_done` says when the line leads to the other end.
"""

from __future__ import annotations

import binascii
import ipaddress
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from actortorrent.errors import ProxyError, UsageError
from actortorrent.wire.addresses import Address

SCHEMES = ("socks5", "http")
DEFAULT_PORTS = {"socks5": 1080, "http": 8080}
MAX_FIELD_BYTES = 255  # a name or a password in SOCKS5, and any that we take
MAX_HEAD_BYTES = 8 * 1024  # of an HTTP proxy's answer

_HOST = re.compile(r"[A-Za-z0-9._:-]{1,255}")
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r|\n)")
_VERSION, _AUTH_VERSION, _CONNECT = 5, 1, 1
_NO_AUTH, _PASSWORD = 0, 2
_IPV4, _NAME, _IPV6 = 1, 3, 4
_REFUSALS = {
    1: "it failed",
    2: "its rules forbid it",
    3: "the network is unreachable",
    4: "the host is unreachable",
    5: "the connection was refused",
    6: "it took too long",
    7: "it cannot connect",
    8: "it does not know this kind of address",
}


@dataclass(frozen=True, slots=True)
class Proxy:
    """Name a proxy, and how to log in there.

    Attributes:
        scheme: "socks5" or "http".
        host, port: where it listens.
        user, password: empty if it asks for none.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Show it without its secrets."""
        return f"{self.scheme}://{self.address}"

    @property
    def address(self) -> Address:
        """Return where it listens."""
        return Address(self.host, self.port)

    @property
    def authorization(self) -> str:
        """Return what HTTP calls Basic authorization, or nothing (RFC 7617)."""
        if not self.user:
            return ""
        told = f"{self.user}:{self.password}".encode()
        return f"Basic {binascii.b2a_base64(told, newline=False).decode()}"


def parse_proxy(text: str) -> Proxy:
    """Read `socks5://[user:password@]host[:port]` or `http://...`; both are percent-encoded.

    Raises:
        UsageError: if it is no such thing; its text holds no password.
    """
    expected = "expected a proxy as socks5://[USER:PASSWORD@]HOST[:PORT] or http://..."
    try:
        text.encode()  # a shell passes on any bytes, also such as are no text
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UsageError(f"{expected}, found something else") from None
    scheme = (
        "socks5" if parts.scheme == "socks5h" else parts.scheme
    )  # names are always its business
    if scheme not in SCHEMES:
        raise UsageError(f"{expected}, found the scheme {ascii(parts.scheme)[1:-1]!r}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    fits = all(len(word.encode()) <= MAX_FIELD_BYTES for word in (user, password))
    is_bare = parts.path in ("", "/") and not parts.query and not parts.fragment
    if not (_HOST.fullmatch(host) and fits and is_bare and port != 0):
        raise UsageError(f"{expected}, found something else")
    return Proxy(scheme, host, port or DEFAULT_PORTS[scheme], user, password)


class ProxyHandshake(ABC):
    """Ask a proxy for a connection."""

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        self._proxy = proxy
        self._host = _checked_host(host)
        self._port = port
        self._came = bytearray()
        self.is_done = False

    @abstractmethod
    def begin(self) -> bytes:
        """Return what is said first."""

    def receive(self, data: bytes | memoryview) -> bytes:
        """Take what came, and return what is to be sent now.

        Raises:
            ProxyError: if the proxy refuses, or is none.
        """
        self._came += data
        answer = b""
        while (said := self._advance()) is not None:
            answer += said
        if self.is_done and self._came:  # nobody speaks to us before we do
            raise ProxyError("expected silence behind the proxy's answer, found more")
        return answer

    @abstractmethod
    def _advance(self) -> bytes | None:
        """Take one step and return what is said in it; None: more must come first."""

    def _take(self, byte_count: int) -> bytes:
        taken = bytes(self._came[:byte_count])
        del self._came[:byte_count]
        return taken


def proxy_handshake(proxy: Proxy, host: str, port: int) -> ProxyHandshake:
    """Return the handshake that asks `proxy` for a connection to `host` at `port`.

    Raises:
        ProxyError: if no host can have this name.
    """
    kind = _Socks5Handshake if proxy.scheme == "socks5" else _HttpHandshake
    return kind(proxy, host, port)


class _Socks5Handshake(ProxyHandshake):
    """Speak SOCKS5: agree on a way to log in, log in, ask."""

    def __init__(self, proxy: Proxy, host: str, port: int) -> None:
        super().__init__(proxy, host, port)
        self._advance_now = self._read_method

    def begin(self) -> bytes:
        methods = bytes([_NO_AUTH, _PASSWORD] if self._proxy.user else [_NO_AUTH])
        return bytes([_VERSION, len(methods)]) + methods

    def _advance(self) -> bytes | None:
        return None if self.is_done else self._advance_now()

    def _read_method(self) -> bytes | None:
        if len(self._came) < 2:
            return None
        version, method = self._take(2)
        if version != _VERSION:
            raise ProxyError("expected SOCKS5, found another protocol")
        if method == _PASSWORD and self._proxy.user:
            self._advance_now = self._read_login
            return self._login()
        if method != _NO_AUTH:
            raise ProxyError("expected a way to log in that we have, found none")
        self._advance_now = self._read_reply
        return self._request()

    def _login(self) -> bytes:
        user, password = self._proxy.user.encode(), self._proxy.password.encode()
        lengths = [_AUTH_VERSION, len(user)]
        return bytes(lengths) + user + bytes([len(password)]) + password

    def _read_login(self) -> bytes | None:
        if len(self._came) < 2:
            return None
        if self._take(2)[1]:
            raise ProxyError("expected to be let in, found that name or password is wrong")
        self._advance_now = self._read_reply
        return self._request()

    def _request(self) -> bytes:
        head = bytes([_VERSION, _CONNECT, 0])
        return head + _socks5_host(self._host) + self._port.to_bytes(2)

    def _read_reply(self) -> bytes | None:
        came = self._came
        if len(came) < 5:
            return None
        if came[0] != _VERSION or came[3] not in (_IPV4, _NAME, _IPV6):
            raise ProxyError("expected SOCKS5, found another protocol")
        if came[1]:
            why = _REFUSALS.get(came[1], f"code {came[1]}")
            raise ProxyError(f"expected a connection, found that the proxy made none: {why}")
        host_bytes = {_IPV4: 4, _IPV6: 16, _NAME: 1 + came[4]}[came[3]]
        if len(came) < 4 + host_bytes + 2:
            return None
        self._take(4 + host_bytes + 2)
        self.is_done = True
        return b""


class _HttpHandshake(ProxyHandshake):
    """Ask an HTTP proxy for a tunnel."""

    def begin(self) -> bytes:
        host = f"[{self._host}]" if ":" in self._host else self._host
        target = f"{host}:{self._port}"
        authorization = self._proxy.authorization
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        lines += [f"Proxy-Authorization: {authorization}"] if authorization else []
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def _advance(self) -> bytes | None:
        if self.is_done:
            return None
        end = self._came.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(self._came) >= MAX_HEAD_BYTES:
                raise ProxyError(f"expected an answer of at most {MAX_HEAD_BYTES} bytes")
            return None
        head = self._take(end + 4)
        status = _STATUS.match(head)
        if status is None:
            raise ProxyError("expected HTTP, found another protocol")
        if not status[1].startswith(b"2"):
            found = f"status {status[1].decode()}"
            raise ProxyError(f"expected a connection, found that the proxy made none: {found}")
        self.is_done = True
        return b""


def _socks5_host(host: str) -> bytes:
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        return bytes([_NAME, len(name)]) + name
    return bytes([_IPV6 if ip.version == 6 else _IPV4]) + ip.packed


def _checked_host(host: str) -> str:
    """Return a host's name as it is sent, in ASCII.

    Raises:
        ProxyError: if no host can have it: it may come from anybody.
    """
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise ProxyError("expected a name that a host can have")
    return name
