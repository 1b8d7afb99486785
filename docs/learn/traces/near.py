import sys

lines = [line.split() for line in open(sys.argv[1]) if ":" in line]
target = int(sys.argv[2], 16)


def distance(line):
    return int(line[0], 16) ^ target


print("target  ", f"{target:0160b}"[:24])
for node_id, address in sorted(lines, key=distance)[:10]:
    bits = (int(node_id, 16) ^ target).bit_length()
    print(node_id[:8], f"{int(node_id, 16):0160b}"[:24], bits, address)
