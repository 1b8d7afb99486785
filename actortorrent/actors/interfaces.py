"""The addresses of this machine's network interfaces: what `--bind tun0` means."""

from __future__ import annotations

import ipaddress

from msgspec import Struct

from actortorrent.errors import UsageError


class OwnAddress(Struct, frozen=True):
    """An address of this machine, and the number of its interface."""

    host: str
    interface_index: int

    @property
    def is_ipv6(self) -> bool:
        """Say whether it is one of IPv6."""
        return ":" in self.host

    @property
    def is_link_local(self) -> bool:
        """Say whether it means something on its own interface only."""
        return ipaddress.ip_address(self.host).is_link_local


def local_addresses(bind: str | None) -> list[OwnAddress]:
    """Return our addresses in local networks, or only `bind` if that is one; no loopback."""
    import ifaddr  # noqa: PLC0415 - rarely needed, and start-up is to be quick

    return [
        OwnAddress(host, adapter.index or 0)
        for adapter in ifaddr.get_adapters()
        for host in (str(ip.ip if ip.is_IPv4 else ip.ip[0]) for ip in adapter.ips)
        if bind in (None, host) and not ipaddress.ip_address(host).is_loopback
    ]


def own_address(bind: str | None) -> str | None:
    """Return the address to listen on and dial from, given itself or by an interface's name.

    Of an interface with several, its first IPv4 address is taken, else its first IPv6 one.

    Raises:
        UsageError: if there is no such interface, or it has no address.
    """
    if bind is None or _is_address(bind):
        return bind
    import ifaddr  # noqa: PLC0415 - rarely needed, and start-up is to be quick

    addresses = {
        adapter.nice_name: [ip.ip if ip.is_IPv4 else ip.ip[0] for ip in adapter.ips]
        for adapter in ifaddr.get_adapters()
    }
    if not addresses.get(bind):
        known = ", ".join(sorted(addresses))
        raise UsageError(
            f"expected an address of this machine or one of its interfaces ({known}), "
            f"found {bind!r}"
        )
    return str(min(addresses[bind], key=lambda address: ":" in str(address)))


def is_on_loopback(bind: str | None) -> bool:
    """Say whether nobody but this machine can reach this address of ours."""
    return bind is not None and ipaddress.ip_address(bind).is_loopback


def can_be_mapped(bind: str | None) -> bool:
    """Say whether a router may lead to this address of ours: not to IPv6, nor the loopback."""
    return bind is None or (":" not in bind and not is_on_loopback(bind))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
