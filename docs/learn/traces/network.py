import random
import sys
from queue import SimpleQueue
from threading import Event

from actortorrent.actors.base import Runtime
from actortorrent.actors.dht import Dht
from actortorrent.actors.dht_names import NameLookups
from actortorrent.actors.dht_options import DhtOptions
from actortorrent.wire.addresses import Address

NODES = 50

first = Address("127.0.0.1", int(sys.argv[1]))
runtime, joined = Runtime(), SimpleQueue()
for number in range(NODES):
    options = DhtOptions(
        bind=first.host,
        port=0 if number else first.port,
        entrances=(first,) if number else (),  # whom each knows at first
        routers=(),
    )
    dice = random.Random(3157 + number)  # these ids make a good lesson, the same in each run
    Dht.start(runtime, options, NameLookups(runtime), dice, joined.put)
    (status,) = joined.get()  # it has looked around
    print(status.node_id, f"127.0.0.1:{status.port}")
print(NODES, "nodes are here", flush=True)
Event().wait()  # until somebody ends it
