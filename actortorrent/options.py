"""What a session is asked to do: the options of `fetch` and `seed`, with their defaults."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from actortorrent.rules.encryption import Encryption
from actortorrent.rules.ending import Goals
from actortorrent.rules.picker_policies import PickPolicy
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.wire.proxy_handshake import Proxy

DEFAULT_MAX_PEERS = 50
FLIGHT_EVENTS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionOptions:
    """Say how a session is to run.

    Attributes:
        output: the folder that holds, or will hold, the content.
        peers: addresses to dial besides those that trackers name.
        trackers: URLs of trackers to ask before those of the torrent; they may be secret.
        use_trackers: whether those of the torrent are asked.
        use_dht: whether peers are looked for in the DHT (BEP 5), and it is helped.
        dht_nodes: nodes to join it by, in place of the well-known ones.
        use_web_seeds: whether the web servers are asked that the torrent names (BEP 19).
        port: where to listen; None tries 6881 to 6889, then any; 0 any.
        proxy: what dials peers and asks trackers for us, or None. With one, nothing goes
            around it: no UDP, no looking up of names, and no listening unless `port` is given.
        maps_port: whether the router is asked to let peers in.
        use_local_discovery: whether peers are looked for by multicast in our own network (BEP 14).
        bind: address of ours, or name of an interface, to listen on and dial from; None: all.
        encryption: whether streams with peers are encrypted.
        max_peers: connections at most.
        download_limit: bytes a second for all peers together, or None.
        upload_limit: bytes a second for all peers together, or None.
        upload_slots: peers served at once, 0 for none; None: by the upload limit.
        is_sequential: fetch the pieces in order, for playing while fetching.
        picker: what chooses the pieces instead of the usual rules, or None.
        selected_files: indexes of the files wanted, or None for all.
        keep_seeding: stay when complete, until interrupted or another limit is met.
        seed_ratio: stay when complete until uploaded / fetched reaches this.
        seed_seconds: stay when complete for this long at most.
        stall_timeout_seconds: give up after this long without a byte of use, or None.
        trace: file to write the trace to, or None.
        trace_level: "piece", "block" or "payload".
        flight_events: how many events are kept in memory where there is no trace; 0: none.
        trace_name: what the trace calls this client; empty: a part of its peer id.
        seed: number that the dice are seeded with, or None for chance.
        pace: how many times as fast as usual slots are reviewed and turns pass (the lab).
    """

    output: Path
    peers: tuple[Address, ...] = ()
    trackers: tuple[str, ...] = field(default=(), repr=False)
    use_trackers: bool = True
    use_dht: bool = True
    dht_nodes: tuple[Address, ...] = ()
    use_web_seeds: bool = True
    port: int | None = None
    proxy: Proxy | None = None
    maps_port: bool = True
    use_local_discovery: bool = True
    bind: str | None = None
    encryption: Encryption = Encryption.ALLOW
    max_peers: int = DEFAULT_MAX_PEERS
    download_limit: int | None = None
    upload_limit: int | None = None
    upload_slots: int | None = None
    is_sequential: bool = False
    picker: PickPolicy | None = None
    selected_files: frozenset[int] | None = None
    keep_seeding: bool = False
    seed_ratio: float | None = None
    seed_seconds: float | None = None
    stall_timeout_seconds: float | None = None
    trace: Path | None = None
    trace_level: str = "piece"
    flight_events: int = FLIGHT_EVENTS
    trace_name: str = ""
    seed: int | None = None
    pace: float = 1.0

    @property
    def is_proxied(self) -> bool:
        """Say whether nothing may go out but through a proxy."""
        return self.proxy is not None

    @property
    def listens(self) -> bool:
        """Say whether peers may dial us: behind a proxy only if a port was asked for."""
        return not self.is_proxied or self.port is not None

    def goals(self, *, is_seed_only: bool) -> Goals:
        """Return when a session is over."""
        return Goals(
            is_seed_only=is_seed_only,
            keep_seeding=self.keep_seeding,
            seed_ratio=self.seed_ratio,
            seed_seconds=self.seed_seconds,
            stall_timeout_seconds=self.stall_timeout_seconds,
        )
