"""Where peers come from, and from where those of a private torrent may not (BEP 27).

Whoever made it wants to know who is in its swarm: peers come from its trackers, or from the
user, and from nobody else.
"""

from __future__ import annotations

FROM_DHT = "DHT"
FROM_PEERS = "a peer"  # that told us of others (BEP 11)
FROM_OUR_NETWORK = "the local network"
OPEN_SOURCES = frozenset([FROM_DHT, FROM_PEERS, FROM_OUR_NETWORK])
