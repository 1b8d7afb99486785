"""The addresses of this machine's network interfaces: what `--bind tun0` means."""

from __future__ import annotations

import ipaddress

from actortorrent.errors import UsageError


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


def can_be_mapped(bind: str | None) -> bool:
    """Say whether a router may lead to this address of ours: not to IPv6, nor the loopback."""
    return bind is None or (":" not in bind and not ipaddress.ip_address(bind).is_loopback)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
