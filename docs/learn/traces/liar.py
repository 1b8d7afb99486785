import hashlib
import re
import socket
import struct
import sys

PART = 16 * 1024


def read(count):
    data = b""
    while len(data) < count:
        data += peer.recv(count - len(data)) or sys.exit()  # they hung up
    return data


def send(number, payload):
    peer.sendall(struct.pack("!IBB", 2 + len(payload), 20, number) + payload)


torrent = open(sys.argv[1], "rb").read()
info = torrent[torrent.index(b"4:info") + len(b"4:info") : -1]  # it is the last key
lie = info[:PART].replace(b"only numbers", b"fine stories")
door = socket.create_server(("127.0.0.1", int(sys.argv[2])))
print("open on port", sys.argv[2], flush=True)
peer, _ = door.accept()

print("reserved", read(68)[20:28].hex(" "))
peer.sendall(b"\x13BitTorrent protocol" + bytes.fromhex("0000000000100000"))
peer.sendall(hashlib.sha1(info).digest() + b"-LI0001-abcdefghijkl")
send(0, b"d1:md11:ut_metadatai7ee13:metadata_sizei%dee" % len(info))
while True:
    kind, number, *payload = read(int.from_bytes(read(4), "big"))
    payload = bytes(payload)
    print(f"{kind} {number}", payload)
    if number == 0:
        theirs = int(re.search(rb"11:ut_metadatai(\d+)e", payload)[1])
    elif payload == b"d8:msg_typei0e5:piecei0ee":
        send(theirs, b"d8:msg_typei1e5:piecei0e10:total_sizei%dee" % len(info) + lie)
    else:
        send(theirs, payload.replace(b"msg_typei0e", b"msg_typei2e"))
