"""Hostile peers that come in crowds."""

from __future__ import annotations

from contextlib import suppress

from tests.hostile.behaviours import Family
from tests.hostile.line import INTERESTED, GoneError
from tests.hostile.trader import Enemy

crowds = Family("crowd")

CROWD_SECONDS = 2.0
MUTE = "no handshake came|it said nothing, and others wait"


@crowds(why=MUTE, within_seconds=CROWD_SECONDS)
def comes_250_times_in_silence(enemy: Enemy) -> None:
    """Opens 250 connections, and says nothing on any of them."""
    for _ in range(250):
        enemy.dial()


@crowds(why="no slot is free")
def comes_60_times_by_other_names(enemy: Enemy) -> None:
    """Shakes hands 60 times, each time as somebody else, until no slot is free; then some go."""
    for _ in range(60):
        line = enemy.dial()
        with suppress(GoneError):
            line.shake_hands()
    for line in enemy.lines[:20]:
        line.sock.close()
        enemy.trader.log.wait_for_whys(line.name)


@crowds(why="connected to it already", within_seconds=CROWD_SECONDS)
def comes_from_1000_ports(enemy: Enemy) -> None:
    """Is one peer, and shakes hands from 1,000 ports, one after the other."""
    peer_id = b"-HO0000-one-and-only"
    for _ in range(1000):
        line = enemy.dial(peer_id=peer_id)
        line.send(line.handshake())
        if len(enemy.lines) > 20:
            enemy.lines[-20].sock.close()


@crowds(why="Connection reset|closed by the peer", within_seconds=CROWD_SECONDS)
def resets_300_times(enemy: Enemy) -> None:
    """Connects 300 times and tears each connection down with an RST."""
    for _ in range(300):
        enemy.dial().reset()


@crowds()
def wants_much_by_40_names(enemy: Enemy) -> None:
    """Is interested by 40 connections at once, asks for nothing, and goes."""
    for _ in range(40):
        line = enemy.greet()
        line.say(INTERESTED)
    enemy.hang_up()
