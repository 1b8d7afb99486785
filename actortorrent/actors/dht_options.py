"""What a `Dht` is to do: where it listens, by whom it joins, what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct, field

from actortorrent.rules.dht_limits import Rates
from actortorrent.rules.dht_queries import Patience
from actortorrent.wire.addresses import Address

ROUTERS = (
    Address("router.bittorrent.com", 6881),
    Address("dht.libtorrent.org", 25401),
    Address("dht.transmissionbt.com", 6881),
    Address("router.utorrent.com", 6881),
)
# Looks up the name of a node on another thread, and reports its addresses, perhaps none.
LookUp = Callable[[Address, Callable[[tuple[Address, ...]], None]], None]


class DhtOptions(Struct, frozen=True, kw_only=True):
    """Say how the DHT is to run.

    Attributes:
        port: UDP port to have, if it is free; 0: any.
        bind: our own IP address, or None for all.
        entrances: nodes to begin with, by address or name.
        routers: nodes for who knows no others, by name; asked only at need.
        folder: where our ids and nodes are kept from run to run; None: nowhere.
        is_read_only: answer nobody (BEP 43).
    """

    port: int = 0
    bind: str | None = None
    entrances: tuple[Address, ...] = ()
    routers: tuple[Address, ...] = ROUTERS
    folder: Path | None = None
    is_read_only: bool = False
    patience: Patience = field(default_factory=Patience)
    rates: Rates = field(default_factory=Rates)
