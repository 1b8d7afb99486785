"""Hostile peers that never come to a message: what they do in place of a handshake."""

from __future__ import annotations

import random
import socket
import time

from tests.hostile.behaviours import Family
from tests.hostile.line import EXTENSIONS, PROTOCOL
from tests.hostile.trader import DEADLINE_SECONDS, Enemy

handshakes = Family("handshake")

NO_HANDSHAKE = "no handshake came"
NO_BITTORRENT = "expected a BitTorrent handshake|no handshake came|encrypt|public key"


@handshakes(why=NO_HANDSHAKE)
def never_speaks(enemy: Enemy) -> None:
    """Takes a connection and never says a word."""
    enemy.dial().until_dropped()


@handshakes(why=NO_HANDSHAKE)
def dribbles_its_handshake(enemy: Enemy) -> None:
    """Sends a right handshake a byte at a time, each in time, all of them far too late."""
    line = enemy.dial()
    began = time.monotonic()
    for byte in line.handshake():
        line.send(bytes((byte,)))
        time.sleep(DEADLINE_SECONDS / 20)
        if not line.is_open():
            break
    assert time.monotonic() - began < 20 * DEADLINE_SECONDS
    line.until_dropped()


@handshakes(why=NO_HANDSHAKE)
def stops_in_mid_handshake(enemy: Enemy) -> None:
    """Sends half a handshake and then nothing more."""
    line = enemy.dial()
    line.send(line.handshake()[:40])
    line.until_dropped()


@handshakes()
def hangs_up_in_mid_handshake(enemy: Enemy) -> None:
    """Sends half a handshake and hangs up."""
    line = enemy.dial()
    line.send(line.handshake()[:40])
    line.sock.shutdown(socket.SHUT_WR)
    line.until_dropped()


@handshakes()
def hangs_up_at_once(enemy: Enemy) -> None:
    """Connects and hangs up."""
    line = enemy.dial()
    line.sock.shutdown(socket.SHUT_WR)
    line.until_dropped()


@handshakes()
def resets_at_once(enemy: Enemy) -> None:
    """Connects, and tears the connection down with an RST."""
    enemy.dial().reset()


@handshakes(why=NO_BITTORRENT)
def speaks_http(enemy: Enemy) -> None:
    """Asks for a page, as a browser or a scanner of ports does."""
    line = enemy.dial()
    line.send(b"GET / HTTP/1.1\r\nHost: here\r\nUser-Agent: x\r\n\r\n" * 30)
    line.until_dropped()


@handshakes(why=NO_BITTORRENT)
def speaks_tls(enemy: Enemy) -> None:
    """Begins a TLS connection."""
    line = enemy.dial()
    line.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(2000))
    line.until_dropped()


@handshakes(why=NO_BITTORRENT)
def sends_noise(enemy: Enemy) -> None:
    """Sends 64 KiB of noise, which might be the beginning of an encrypted stream."""
    line = enemy.dial()
    line.send(random.Random(1).randbytes(64 * 1024))
    line.until_dropped()


@handshakes(why=NO_BITTORRENT)
def pads_its_encryption_for_ever(enemy: Enemy) -> None:
    """Begins an encrypted stream and never comes to an end of its padding."""
    line = enemy.dial()
    line.send(random.Random(2).randbytes(96))
    line.until_dropped_while(lambda: line.send(bytes(64)))


@handshakes(why=NO_BITTORRENT)
def gives_a_weak_key(enemy: Enemy) -> None:
    """Begins an encrypted stream with the public key 0, of which everybody knows the secret."""
    line = enemy.dial()
    line.send(bytes(96) + bytes(600))
    line.until_dropped()


@handshakes(why=NO_BITTORRENT)
def speaks_another_protocol(enemy: Enemy) -> None:
    """Shakes hands for a protocol whose name is as long."""
    line = enemy.dial()
    line.send(line.handshake().replace(b"BitTorrent", b"BitTorrend"))
    line.until_dropped()


@handshakes(why="expected info-hash")
def wants_another_torrent(enemy: Enemy) -> None:
    """Shakes hands for a torrent that is not here."""
    line = enemy.dial()
    line.send(PROTOCOL + bytes(8) + b"x" * 20 + line.peer_id)
    line.until_dropped()


@handshakes(why="the other end is ourselves")
def bears_our_own_id(enemy: Enemy) -> None:
    """Shakes hands with the very peer id that we told it."""
    theirs = enemy.dial().shake_hands()[48:]
    double = enemy.dial(peer_id=theirs)
    double.send(double.handshake())
    double.until_dropped()


@handshakes(why="connected to it already")
def bears_the_id_of_a_peer_that_is_here(enemy: Enemy) -> None:
    """Pretends to be the honest peer that is here, to have that one dropped."""
    line = enemy.dial(peer_id=enemy.trader.witness.peer_id)
    line.shake_hands()
    line.until_dropped()


@handshakes(why="expected at most")
def shakes_hands_twice(enemy: Enemy) -> None:
    """Sends a second handshake where messages should be."""
    line = enemy.greet()
    line.send(line.handshake())
    line.until_dropped()


@handshakes()
def claims_every_extension(enemy: Enemy) -> None:
    """Sets all reserved bits, and then says nothing in any of these extensions."""
    enemy.greet(bytes([255] * 8))


@handshakes()
def is_silent_after_the_handshake(enemy: Enemy) -> None:
    """Shakes hands, and stays without another word."""
    enemy.greet(EXTENSIONS)


@handshakes()
def shuts_its_side_after_the_handshake(enemy: Enemy) -> None:
    """Shakes hands and says that it will send nothing more, but goes on to listen."""
    line = enemy.greet()
    line.sock.shutdown(socket.SHUT_WR)
    line.until_dropped()


@handshakes()
def sends_urgent_data(enemy: Enemy) -> None:
    """Shakes hands, with TCP's urgent data in between."""
    line = enemy.dial()
    line.send(line.handshake()[:30])
    line.sock.send(b"!", socket.MSG_OOB)
    line.send(line.handshake()[30:])
