"""Be several libtorrent nodes of the DHT in one process, each at an address of its own.

A test starts it as ``python libtorrent_dht.py PORT HOST...``; each host is a node, and is told
of the others. It is told what to do by lines on its standard input, and ends when that closes::

    announce 3 <info-hash in hex> 5555     let the fourth node announce a peer
    find 3 <info-hash in hex>              ... look for peers
    meet 3 127.0.0.1 6881                  ... ping a node

and tells what happens as JSON lines::

    {"event": "joined", "node": 3}
    {"event": "stored", "node": 3, "info_hash": "..."}      somebody announced a peer to it
    {"event": "peers", "node": 3, "peers": ["127.0.0.1:5555"]}
"""

from __future__ import annotations

import json
import select
import sys
from typing import Any

import libtorrent as lt

TICK_SECONDS = 0.05  # between two looks for alerts of so many sessions


def main() -> None:
    port, *hosts = sys.argv[1:]
    sessions = [lt.session(_settings(host, port, hosts[0])) for host in hosts]
    for session in sessions:
        for host in hosts:
            session.add_dht_node((host, int(port)))
    commands = _Commands(sessions)
    while commands.obey_some():
        for number, session in enumerate(sessions):
            for alert in session.pop_alerts():
                _tell(number, alert)


def _settings(host: str, port: str, first: str) -> Any:
    return {
        "listen_interfaces": f"{host}:{port}",
        "dht_bootstrap_nodes": "" if host == first else f"{first}:{port}",
        "enable_dht": True,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "dht_restrict_routing_ips": False,  # all are of one network
        "dht_restrict_search_ips": False,
        "dht_ignore_dark_internet": False,
        "dht_upload_rate_limit": 1_000_000,  # a test asks in a second what others ask in a minute
        "dht_block_ratelimit": 1_000,
        "alert_mask": lt.alert.category_t.dht_notification
        | lt.alert.category_t.dht_operation_notification
        | lt.alert.category_t.error_notification,
    }


def _tell(number: int, alert: Any) -> None:
    match alert:
        case lt.dht_bootstrap_alert():
            print(json.dumps({"event": "joined", "node": number}), flush=True)
        case lt.dht_get_peers_reply_alert():
            peers = [f"{host}:{port}" for host, port in alert.peers()]
            print(json.dumps({"event": "peers", "node": number, "peers": peers}), flush=True)
        case lt.dht_announce_alert():
            told = {"event": "stored", "node": number, "info_hash": str(alert.info_hash)}
            print(json.dumps(told), flush=True)
        case lt.listen_failed_alert():
            raise SystemExit(alert.message())


class _Commands:
    """Read the standard input as it comes."""

    def __init__(self, sessions: list[Any]) -> None:
        self._sessions = sessions

    def obey_some(self) -> bool:
        """Do what is asked for; say whether there may be more."""
        readable, _, _ = select.select([sys.stdin], [], [], TICK_SECONDS)
        if not readable:
            return True
        line = sys.stdin.buffer.raw.readline()  # one line at a time, or `select` misses others
        if line:
            self._obey(*line.decode().split())
        return bool(line)

    def _obey(self, what: str, number: str, *rest: str) -> None:
        session = self._sessions[int(number)]
        if what == "meet":
            session.add_dht_node((rest[0], int(rest[1])))
            return
        info_hash = lt.sha1_hash(bytes.fromhex(rest[0]))
        if what == "announce":
            session.dht_announce(info_hash, int(rest[1]), 0)
        else:
            session.dht_get_peers(info_hash)


if __name__ == "__main__":
    main()
