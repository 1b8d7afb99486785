"""Be a libtorrent client in a process of its own, and tell what happens as JSON lines.

A test starts it as ``python libtorrent_peer.py seed|fetch ...``. It prints

    {"event": "listening", "port": 50123}
    {"event": "checked", "is_seed": true}
    {"event": "metadata"}                    fetch --magnet: it knows the torrent
    {"event": "done", "seconds": 1.25}       fetch: all is fetched and flushed to disk

A fetch ends when done (with ``--stay``: seeds on); a seed, and whatever is not done yet,
ends when its standard input closes, so that it never outlives the test.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import sys
import time
from pathlib import Path
from typing import Any

import libtorrent as lt

ENCRYPTION = {  # policy and level, of settings_pack::enc_policy and ::enc_level
    "off": (2, 3),
    "forced": (0, 3),  # RC4, or plain behind an encrypted handshake
    "rc4": (0, 2),
    "plain": (0, 1),  # an encrypted handshake, and plain behind it
}
EAGER_BYTES = 1024 * 1024  # read ahead of the socket, from the first block on


def main() -> None:
    options = _parse()
    Peer(options).run()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=["seed", "fetch"])
    parser.add_argument("torrent", type=Path)
    parser.add_argument("folder", type=Path, help="holds the content, or will")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--peer", action="append", default=[], metavar="HOST:PORT")
    parser.add_argument("--up", type=int, default=0, help="bytes a second; 0: no limit")
    parser.add_argument(
        "--eager",
        action="store_true",
        help="send at full rate at once, not only when the next second has shown the rate",
    )
    parser.add_argument("--slots", type=int, help="peers unchoked at once; default: hardly a limit")
    parser.add_argument("--trackers", action="store_true", help="ask those of the torrent")
    parser.add_argument("--stay", action="store_true", help="seed on when fetched")
    parser.add_argument("--encryption", choices=ENCRYPTION, default="off")
    parser.add_argument("--lsd", action="store_true", help="call to the local network (BEP 14)")
    parser.add_argument("--dht", default="", help="join the DHT by this node, HOST:PORT (BEP 5)")
    parser.add_argument("--no-pex", action="store_true", help="tell no peer of others (BEP 11)")
    parser.add_argument("--magnet", default="", help="know no more of the torrent than this link")
    return parser.parse_args()


class Peer:
    """Run one session with one torrent."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._began = time.monotonic()
        self._alarm, alarm_in = os.pipe()
        settings: Any = _settings(options)  # its stubs name every setting; they lag behind
        self._session = lt.session(settings)
        self._session.set_alert_fd(alarm_in)
        if options.slots is not None:
            self._session.set_peer_class_filter(_nobody_is_local())
        self._handle = self._session.add_torrent(_torrent(options))
        for peer in options.peer:
            host, _, port = peer.rpartition(":")
            self._handle.connect_peer((host, int(port)))

    def run(self) -> None:
        is_over = False
        while not is_over:
            readable, _, _ = select.select([self._alarm, sys.stdin], [], [])
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), 1):
                is_over = True
            if self._alarm in readable:
                os.read(self._alarm, 4096)
                for alert in self._session.pop_alerts():
                    is_over |= self._take(alert)

    def _take(self, alert: Any) -> bool:
        """Act on an alert; return whether this client's work is over."""
        match alert:
            case lt.listen_succeeded_alert() if alert.socket_type == lt.socket_type_t.tcp:
                _tell("listening", port=alert.port)
            case lt.listen_failed_alert():
                raise SystemExit(alert.message())
            case lt.torrent_checked_alert():
                _tell("checked", is_seed=self._handle.status().is_seeding)
            case lt.metadata_received_alert():
                _tell("metadata")
            case lt.torrent_finished_alert():
                self._handle.flush_cache()
            case lt.cache_flushed_alert() if self._options.mode == "fetch":
                _tell("done", seconds=time.monotonic() - self._began)
                return not self._options.stay
            case lt.torrent_error_alert() | lt.file_error_alert():
                raise SystemExit(alert.message())
        return False


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    policy, level = ENCRYPTION[options.encryption]
    return {
        "listen_interfaces": f"{options.host}:{options.port}",
        "enable_dht": bool(options.dht),
        "dht_bootstrap_nodes": options.dht,
        "dht_restrict_routing_ips": False,  # all are of one network
        "dht_restrict_search_ips": False,
        "dht_announce_interval": 1,
        "enable_lsd": options.lsd,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "in_enc_policy": policy,
        "out_enc_policy": policy,
        "allowed_enc_level": level,
        "allow_multiple_connections_per_ip": True,
        "upload_rate_limit": options.up,
        "unchoke_slots_limit": 8 if options.slots is None else options.slots,
        **({"send_buffer_low_watermark": EAGER_BYTES} if options.eager else {}),
        "ssrf_mitigation": False,  # our trackers are on this machine
        "announce_to_all_tiers": True,
        "announce_to_all_trackers": True,
        "min_reconnect_time": 1,
        "tracker_backoff": 1,
        "alert_mask": lt.alert.category_t.status_notification
        | lt.alert.category_t.error_notification
        | lt.alert.category_t.storage_notification,
    }


def _torrent(options: argparse.Namespace) -> Any:
    if options.magnet:
        params = lt.parse_magnet_uri(options.magnet)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(str(options.torrent))
    params.save_path = str(options.folder)
    params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
    if options.no_pex:
        params.flags |= lt.torrent_flags.disable_pex
    if not options.trackers:
        params.flags |= lt.torrent_flags.override_trackers
        params.trackers = []
    return params


def _nobody_is_local() -> Any:
    """Return a filter by which slots and limits also hold for peers of this machine."""
    everybody = lt.ip_filter()
    everybody.add_rule("0.0.0.0", "255.255.255.255", 1 << lt.session.global_peer_class_id)
    return everybody


def _tell(event: str, **what: object) -> None:
    print(json.dumps({"event": event, **what}), flush=True)


if __name__ == "__main__":
    main()
