"""`SwarmDialling`: the part of the swarm that fills its slots with connections.

It dials whom the address book names, starts an actor for each connection, notes how it ended,
and has trackers and the DHT asked for more when nobody is left to dial.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from actortorrent.actors.base import Actor, Runtime
from actortorrent.actors.inbox import Timer
from actortorrent.actors.live_peers import LivePeer, LivePeers
from actortorrent.actors.peer_values import Connection, Parting
from actortorrent.errors import shortage_of
from actortorrent.rules.address_book import AddressBook
from actortorrent.rules.peer_priority import Ranking
from actortorrent.rules.statuses import SwarmStatus
from actortorrent.wire.addresses import Address

if TYPE_CHECKING:
    from actortorrent.actors.peer_connection import ConnectionProxy
    from actortorrent.actors.reporter import ReporterProxy
    from actortorrent.actors.tracker import TrackerProxy

MAX_HALF_OPEN = 30
LONELY_SECONDS, MOST_LONELY_SECONDS = 5.0, 60.0  # without a peer, before others are asked for some


class SwarmDialling(Actor):
    """Dial as long as there are slots and addresses; `Swarm` knows who is at the other end."""

    def __init__(
        self,
        runtime: Runtime,
        max_peers: int,
        start_peer: Callable[[Connection], ConnectionProxy],
        reporter: ReporterProxy,
    ) -> None:
        super().__init__(runtime, "Swarm")
        self._max_peers = max_peers
        self._start_peer = start_peer
        self._reporter = reporter
        self._tracker: TrackerProxy | None = None
        self._search_dht: Callable[[], None] = lambda: None
        self._ranking = Ranking()
        self._book = AddressBook(random.Random(runtime.rng.random()), self._ranking.priority)
        self._live = LivePeers()
        self._next_conn = 1
        self._is_open = False  # until the content is checked, and again when we stop
        self._is_complete = False
        self._banned_count = 0
        self._last_failure = ""
        self._has_met_anyone = False
        self._dial_timer: Timer | None = None
        self._minds_loneliness = False
        self._will_report = False

    # --- dialling -----------------------------------------------------------------------------------

    def _dial_more(self) -> None:
        now = time.monotonic()
        while self._is_open and self._has_slot():
            address = self._book.next_to_dial(now, skip_complete=self._is_complete)
            if address is None:
                self._wait_for_addresses(now)
                break
            self._decide("dial_peer", str(address), **self._book.figures_of(address))
            self._book.dialled(address)
            self._start(Connection(self._next_conn, address))
        self._report_soon()

    def _has_slot(self) -> bool:
        live = self._live
        return live.slots_taken < self._max_peers and live.half_open_count < MAX_HALF_OPEN

    def _wait_for_addresses(self, now: float) -> None:
        if self._dial_timer is not None:
            self._dial_timer.cancel()
            self._dial_timer = None
        seconds = self._book.seconds_to_next(now, skip_complete=self._is_complete)
        if seconds is not None:
            self._dial_timer = self._after(seconds + 0.01, "_dial_more")
        if not self._live:
            self._ask_for_more()

    def _ask_for_more(self) -> None:
        if self._tracker is not None:
            self._tracker.announce_now.defer()
        self._search_dht()

    def _start(self, connection: Connection) -> None:
        self._next_conn += 1
        data: dict[str, object] = {"conn": connection.conn, "address": str(connection.address)}
        self._record("bt:connection_begun", {**data, "we_dialled": connection.we_dialled})
        try:
            proxy = self._start_peer(connection)
        except (OSError, RuntimeError, MemoryError) as error:
            shortage = shortage_of(error)  # of descriptors or threads: the others go on
            if shortage is None:
                raise
            self._could_not_start(connection, str(shortage))
            return
        dialled = [connection.address] if connection.we_dialled else []
        priority = self._ranking.priority(connection.address)
        self._live.add(LivePeer(connection, proxy, dialled, priority))
        self._report_soon()

    def _could_not_start(self, connection: Connection, why: str) -> None:
        self._record("bt:connection_closed", {"conn": connection.conn, "why": why})
        if connection.sock is not None:
            connection.sock.close()
        else:
            self._note_parting(connection.address, Parting.NEVER_ANSWERED, why)

    def _note_parting(self, address: Address, parting: Parting, reason: str) -> None:
        now = time.monotonic()
        if parting in (Parting.NEVER_ANSWERED, Parting.MISBEHAVED, Parting.OURSELVES):
            self._last_failure = f"{address}: {reason}"
        if parting is Parting.OURSELVES:
            self._book.remove(address)
        elif parting in (Parting.NEVER_ANSWERED, Parting.MISBEHAVED):
            self._book.failed(address, now)
        else:
            has_everything = parting is Parting.NOTHING_TO_TRADE
            self._book.left(address, now, has_everything=has_everything)

    # --- loneliness --------------------------------------------------------------------------------

    @property
    def _is_lonely(self) -> bool:
        lacks_peers = self._is_open and not self._is_complete
        return lacks_peers and not self._live.connected_count

    def _mind_loneliness(self, seconds: float | None = None) -> None:
        if self._is_lonely and not self._minds_loneliness:
            self._minds_loneliness = True
            seconds = LONELY_SECONDS if seconds is None else seconds
            self._after(seconds, "_ask_if_lonely", seconds)

    def _ask_if_lonely(self, seconds: float) -> None:
        """Have the other trackers asked: one that names nobody, or the dead, is not the only one."""
        self._minds_loneliness = False
        if self._is_lonely:
            self._ask_for_more()
        self._mind_loneliness(min(2 * seconds, MOST_LONELY_SECONDS))

    # --- telling --------------------------------------------------------------------------------------

    def _report_soon(self) -> None:
        if not self._will_report:
            self._will_report = True
            self._after(0.1, "_report")

    def _report(self) -> None:
        self._will_report = False
        connected = self._live.connected_count
        self._reporter.swarm_changed.defer(
            SwarmStatus(
                connected=connected,
                dialling=len(self._live) - connected,
                waiting=self._book.waiting_count,
                banned=self._banned_count,
                has_met_anyone=self._has_met_anyone,
                is_hopeless=not self._live and self._book.is_hopeless,
                last_failure=self._last_failure,
            )
        )
