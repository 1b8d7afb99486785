import hashlib
import sys


def decode(data, at=0):
    """Return the value that begins at a byte, and where it ends."""
    kind = data[at : at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1 : end]), end + 1
    if kind in (b"l", b"d"):
        items, at = [], at + 1
        while data[at : at + 1] != b"e":
            item, at = decode(data, at)
            items.append(item)
        return (items if kind == b"l" else dict(zip(items[::2], items[1::2]))), at + 1
    colon = data.index(b":", at)
    begin = colon + 1
    end = begin + int(data[at:colon])
    return data[begin:end], end


torrent = open(sys.argv[1], "rb").read()
content = open(sys.argv[2], "rb").read()
values, _ = decode(torrent)
info = values[b"info"]
for key in (b"name", b"length", b"piece length"):
    print(key.decode(), "=", info[key])

begin = torrent.index(b"4:info") + len(b"4:info")
_, end = decode(torrent, begin)
print("info-hash =", hashlib.sha1(torrent[begin:end]).hexdigest())

for number in range(len(info[b"pieces"]) // 20):
    piece = content[number * info[b"piece length"] :][: info[b"piece length"]]
    wanted = info[b"pieces"][20 * number :][:20]
    is_right = hashlib.sha1(piece).digest() == wanted
    print(f"piece {number}: {len(piece):,} bytes,", "right" if is_right else "WRONG")
