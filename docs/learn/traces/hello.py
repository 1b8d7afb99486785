import hashlib
import os
import re
import socket
import struct
import sys
import time


def port_in(trace):
    while True:  # until the seed has written where it listens
        text = open(trace).read() if os.path.exists(trace) else ""
        if found := re.search(r'"bt:listening".*"port":(\d+)', text):
            return int(found[1])
        time.sleep(0.1)


def read(count):
    data = b""
    while len(data) < count:
        data += peer.recv(count - len(data))
    return data


def read_message():
    return read(int.from_bytes(read(4), "big"))


torrent = open(sys.argv[1], "rb").read()
info = torrent[torrent.index(b"4:info") + len(b"4:info") : -1]  # it is the last key
peer = socket.create_connection(("127.0.0.1", port_in(sys.argv[2])))

peer.sendall(b"\x13BitTorrent protocol" + bytes(8))
peer.sendall(hashlib.sha1(info).digest() + b"-ME0001-abcdefghijkl")
print("handshake of", read(68)[48:].decode())
print("bitfield   ", read_message().hex(" "))
peer.sendall(struct.pack("!IB", 1, 2))  # interested
print("unchoke    ", read_message().hex(" "))
peer.sendall(struct.pack("!IBIII", 13, 6, 1, 0, 40))  # piece 1, from byte 0, 40 bytes
block = read_message()
print("piece      ", block[:9].hex(" "), block[9:])
