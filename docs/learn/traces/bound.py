import random

from actortorrent.rules.dht_ids import is_fitting, make_node_id

HERE, ELSEWHERE = "124.31.75.21", "21.75.31.124"
for dice in map(random.Random, range(8)):
    node_id = make_node_id(HERE, dice)
    print(f"{node_id.number:0160b}"[:28], is_fitting(node_id, HERE), is_fitting(node_id, ELSEWHERE))
