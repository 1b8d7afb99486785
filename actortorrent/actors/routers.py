"""Ask the router of this network to let connections in: PCP, NAT-PMP or UPnP, whichever it speaks.

All of it blocks for some seconds at worst: `port_mapping_calls.py` gives it a thread.
`permit` is asked each time before the router is told to change anything.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from actortorrent.errors import PortMappingError
from actortorrent.rules.port_mapping import LIFETIME_SECONDS, MappingCall, MappingDone, Way
from actortorrent.wire.port_mapping import (
    MAX_REPLY_BYTES,
    ROUTER_PORT,
    MappingGranted,
    MappingRequest,
    nat_pmp_request,
    pcp_request,
    read_nat_pmp_reply,
    read_pcp_reply,
    speaks_only_nat_pmp,
)

PATIENCE_SECONDS = (0.25, 0.5, 1.0)  # after the first packet, the second, the last
UPNP_SECONDS = 1.0  # for devices of one kind to say that they are there; there are four kinds
ROUTES = Path("/proc/net/route")
MAX_ROUTES_BYTES = 1024 * 1024
DESCRIPTION = "actortorrent"  # in the router's list of mappings

_TO_EVERYWHERE = "00000000"
_THROUGH_ROUTER = 2  # a flag of a route
_FAR_AWAY = ("192.0.2.1", 9)  # nobody's (RFC 5737)

Permit = Callable[[], None]


class Routers:
    """Know how to ask from one address of ours, or from any; for one call at a time."""

    def __init__(self, bind: str | None) -> None:
        self._bind = bind
        self._device: Any = None  # of UPnP, once it was found: to find it takes seconds

    def ask(self, call: MappingCall, permit: Permit) -> MappingDone:
        """Do what a call asks for, by its way, or by the first that works.

        Raises:
            PortMappingError: if no router does it, or `permit` is withdrawn.
        """
        whys = []
        for way in Way if call.way is None else (call.way,):
            try:
                return MappingDone(call.number, way, self._ask_by(way, call, permit))
            except PortMappingError as error:
                whys.append(f"{way}: {error}")
            except OSError as error:
                whys.append(f"{way}: {error.strerror or error}")
        raise PortMappingError("; ".join(whys))

    def _ask_by(self, way: Way, call: MappingCall, permit: Permit) -> tuple[MappingGranted, ...]:
        if way is Way.UPNP:
            device, self._device = self._device or find_upnp(self._bind), None
            granted = tuple(_map_by_upnp(device, request, permit) for request in call.requests)
            self._device = device  # it did what it was asked for, and so is still the right one
            return granted
        ask = _ask_by_pcp if way is Way.PCP else _ask_by_nat_pmp
        with closing(_line_to_router(self._bind)) as line:
            return tuple(ask(line, request, call.nonce, permit) for request in call.requests)


def router_address() -> str | None:
    """Return the IPv4 address of the router to everywhere, where the system tells it (Linux)."""
    try:
        with ROUTES.open("rb") as file:
            lines = file.read(MAX_ROUTES_BYTES).decode("ascii", "replace").splitlines()[1:]
    except OSError:
        return None
    routes = [line.split() for line in lines]
    usable = [
        route
        for route in routes
        if len(route) > 7 and route[1] == _TO_EVERYWHERE and int(route[3], 16) & _THROUGH_ROUTER
    ]
    if not usable:
        return None
    best = min(usable, key=lambda route: int(route[6]))  # by its metric
    return socket.inet_ntoa(struct.pack("=I", int(best[2], 16)))


# --- PCP and NAT-PMP -----------------------------------------------------------------------------


def _ask_by_pcp(
    line: socket.socket, request: MappingRequest, nonce: bytes, permit: Permit
) -> MappingGranted:
    def read(data: bytes) -> MappingGranted | None:
        if speaks_only_nat_pmp(data):
            raise PortMappingError("the router knows the older protocol alone")
        return read_pcp_reply(data, request, nonce)

    packet = pcp_request(request, line.getsockname()[0], nonce)
    return _checked(_ask(line, packet, read, permit), request)


def _ask_by_nat_pmp(
    line: socket.socket, request: MappingRequest, _nonce: bytes, permit: Permit
) -> MappingGranted:
    def read(data: bytes) -> MappingGranted | None:
        return read_nat_pmp_reply(data, request)

    return _checked(_ask(line, nat_pmp_request(request), read, permit), request)


def _line_to_router(bind: str | None) -> socket.socket:
    address = router_address()
    if address is None:
        raise PortMappingError("this machine knows of no router")
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if bind is not None:
            line.bind((bind, 0))
        line.connect((address, ROUTER_PORT))
    except OSError:
        line.close()
        raise
    return line


def _ask(
    line: socket.socket,
    packet: bytes,
    read: Callable[[bytes], MappingGranted | None],
    permit: Permit,
) -> MappingGranted:
    for patience in PATIENCE_SECONDS:
        permit()
        line.send(packet)
        deadline = time.monotonic() + patience
        while (seconds := deadline - time.monotonic()) > 0:
            line.settimeout(seconds)
            try:
                granted = read(line.recv(MAX_REPLY_BYTES + 1))
            except TimeoutError:
                break
            if granted is not None:
                return granted
    raise PortMappingError("no answer")


def _checked(granted: MappingGranted, request: MappingRequest) -> MappingGranted:
    if request.lifetime_seconds and not (granted.external_port and granted.lifetime_seconds):
        raise PortMappingError("expected a port for some time, found none")
    return granted


# --- UPnP ----------------------------------------------------------------------------------------


def find_upnp(bind: str | None) -> Any:
    """Find a router by UPnP; the library raises a bare `Exception` for whatever goes wrong.

    It dials the router from whichever address the system chooses, and has the port led there.

    Raises:
        PortMappingError: if there is none, or it would be asked from another address than `bind`.
        OSError: if no way leads out of this network.
    """
    if bind is not None and bind != _usual_source():
        raise PortMappingError(f"it would not be asked from {bind}")
    import miniupnpc  # noqa: PLC0415 - it takes a while to load, and not every network has UPnP

    settings = {} if bind is None else {"multicastif": bind}
    device = miniupnpc.UPnP(discoverdelay=int(UPNP_SECONDS * 1000), **settings)
    try:
        device.discover()
        device.selectigd()
    except Exception:  # noqa: BLE001
        raise PortMappingError("no router answers") from None
    if bind is not None and bind != device.lanaddr:
        raise PortMappingError(f"it was not asked from {bind}")
    return device


def _usual_source() -> str:
    """Return the address of ours from which the system goes to everywhere; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(_FAR_AWAY)
        return str(sock.getsockname()[0])


def _map_by_upnp(device: Any, request: MappingRequest, permit: Permit) -> MappingGranted:
    permit()
    try:
        if not request.lifetime_seconds:
            device.deleteportmapping(request.external_port, request.transport.name)
            return MappingGranted(request.external_port, 0)
        return _add_by_upnp(device, request)
    except Exception as error:  # noqa: BLE001
        raise PortMappingError(ascii(str(error))[1:-1]) from None


def _add_by_upnp(device: Any, request: MappingRequest) -> MappingGranted:
    port, kind, ours = request.external_port, request.transport.name, request.internal_port
    what = (port, kind, device.lanaddr, ours, DESCRIPTION, "")
    try:
        device.addportmapping(*what, request.lifetime_seconds)
    except Exception as error:
        if "Conflict" in str(error):  # another machine has this port
            port = device.addanyportmapping(*what, request.lifetime_seconds)
        elif "Permanent" in str(error):  # it knows no other mappings than those for ever
            device.addportmapping(*what, 0)
        else:
            raise
    return MappingGranted(int(port), LIFETIME_SECONDS, _as_host(device.externalipaddress()))


def _as_host(text: str) -> str:
    """Return what a router calls its address, if it is one."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
