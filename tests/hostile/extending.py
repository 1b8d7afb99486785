"""Hostile peers that speak the extensions of BEP 10: metadata (BEP 9), exchange of peers (BEP 11)."""

from __future__ import annotations

import socket
import struct

import bencodepy

from tests.hostile.behaviours import Family
from tests.hostile.line import EXTENDED, EXTENSIONS, Line, message
from tests.hostile.trader import Enemy

extending = Family("extension")

HANDSHAKE, METADATA, PEX = 0, 1, 2  # the client's numbers
NO_HANDSHAKE = "expected a handshake of the extensions"
FLOOD = "found a flood of others"


def _extended(number: int, payload: bytes) -> bytes:
    return message(EXTENDED, bytes((number,)) + payload)


def _says(enemy: Enemy, number: int, payload: bytes) -> None:
    """Send one extended message, and see that it is the end."""
    line = enemy.greet(EXTENSIONS)
    line.send(_extended(number, payload))
    line.until_dropped()


def _offers(enemy: Enemy, **said: object) -> Line:
    line = enemy.greet(EXTENSIONS)
    line.send(
        _extended(HANDSHAKE, bencodepy.encode({"m": {"ut_metadata": 3, "ut_pex": 4}, **said}))
    )
    return line


# --- the handshake of the extensions --------------------------------------------------------------


@extending(why=NO_HANDSHAKE)
def extends_by_noise(enemy: Enemy) -> None:
    """Sends noise where a dictionary should be."""
    _says(enemy, HANDSHAKE, b"\xff" * 100)


@extending(why=NO_HANDSHAKE)
def nests_10_000_lists(enemy: Enemy) -> None:
    """Sends lists in lists, 10,000 deep, which a recursive reader would die of."""
    _says(enemy, HANDSHAKE, b"d1:m" + b"l" * 10_000 + b"e" * 10_001)


@extending(why=NO_HANDSHAKE)
def says_a_string_of_10_gib(enemy: Enemy) -> None:
    """Announces a string of ten billion bytes in a message of twenty."""
    _says(enemy, HANDSHAKE, b"d1:v9999999999:xe")


@extending(why=NO_HANDSHAKE)
def says_a_negative_length(enemy: Enemy) -> None:
    """Gives a key a negative length, at which some readers go round in circles for ever."""
    _says(enemy, HANDSHAKE, b"d-1:mi1ee")


@extending(why=NO_HANDSHAKE)
def never_ends_its_dictionary(enemy: Enemy) -> None:
    """Sends a dictionary without an end."""
    _says(enemy, HANDSHAKE, b"d1:md11:ut_metadatai1e")


@extending(why=NO_HANDSHAKE)
def says_a_number_of_50_000_digits(enemy: Enemy) -> None:
    """Sends a number that takes long to read."""
    _says(enemy, HANDSHAKE, b"d4:reqqi" + b"9" * 50_000 + b"ee")


@extending(why=NO_HANDSHAKE)
def names_20_000_extensions(enemy: Enemy) -> None:
    """Names far more extensions than there are."""
    names = {f"x{number:05}": 1 for number in range(5_000)}
    _says(enemy, HANDSHAKE, bencodepy.encode({"m": names}))


@extending()
def says_nonsense_of_itself(enemy: Enemy) -> None:
    """Says of itself what cannot be: ports, numbers, addresses and names beyond all measure."""
    _offers(
        enemy,
        v=b"\x1b[2J\x07evil\r\n" * 20,
        p=10**9,
        reqq=-5,
        metadata_size=2**40,
        yourip=b"abc",
        ipv6=b"",
        upload_only=7,
    )


@extending(why=FLOOD)
def shakes_extended_hands_10_000_times(enemy: Enemy) -> None:
    """Sends the handshake of the extensions 10,000 times, switching them on and off."""
    line = enemy.greet(EXTENSIONS)
    on = _extended(HANDSHAKE, bencodepy.encode({"m": {"ut_pex": 4}, "reqq": 100}))
    off = _extended(HANDSHAKE, bencodepy.encode({"m": {"ut_pex": 0}, "reqq": 1}))
    line.send((on + off) * 5_000)
    line.until_dropped()


@extending(why="expected at most 131081 bytes")
def sends_an_extended_message_of_1_mib(enemy: Enemy) -> None:
    """Sends an extended message longer than any may be."""
    _says(enemy, HANDSHAKE, bytes(1024 * 1024))


@extending()
def speaks_an_extension_of_nobody(enemy: Enemy) -> None:
    """Sends messages of extensions that have no number here."""
    line = enemy.greet(EXTENSIONS)
    line.send(b"".join(_extended(number, b"de") for number in range(3, 256)))


# --- metadata ------------------------------------------------------------------------------------


@extending(why="expected at most|found a flood of others|expected a peer that reads")
def asks_for_metadata_and_reads_nothing(enemy: Enemy) -> None:
    """Asks 20,000 times for a part of the metadata, and reads none of them."""
    line = _offers(enemy)
    ask = _extended(METADATA, bencodepy.encode({"msg_type": 0, "piece": 0}))
    line.send(ask * 20_000)
    line.until_dropped()


@extending(why="in the message about metadata|expected")
def asks_for_a_part_below_zero(enemy: Enemy) -> None:
    """Asks for part -1 of the metadata."""
    _says(enemy, METADATA, b"d8:msg_typei0e5:piecei-1ee")


@extending(why="expected")
def asks_for_part_2_to_the_40(enemy: Enemy) -> None:
    """Asks for a part of the metadata far behind the last."""
    _says(enemy, METADATA, b"d8:msg_typei0e5:piecei1099511627776ee")


@extending(why="expected the message about metadata")
def sends_metadata_that_is_none(enemy: Enemy) -> None:
    """Sends a message about metadata that is no dictionary."""
    _says(enemy, METADATA, b"i1e" * 10)


@extending()
def sends_metadata_that_nobody_wants(enemy: Enemy) -> None:
    """Sends parts of metadata to a client that has them all."""
    line = _offers(enemy, metadata_size=10**6)
    part = bencodepy.encode({"msg_type": 1, "piece": 0, "total_size": 10**6}) + bytes(16384)
    line.send(_extended(METADATA, part) * 100)


# --- the exchange of peers ------------------------------------------------------------------------


def _pex(addresses: bytes) -> bytes:
    return _extended(PEX, bencodepy.encode({"added": addresses}))


@extending(why="expected at most 6 exchanges of peers")
def floods_with_exchanges(enemy: Enemy) -> None:
    """Tells of other peers 1,000 times, where once a minute is enough."""
    line = _offers(enemy)
    line.send(_pex(b"\x7f\x00\x00\x01\x00\x01") * 1_000)
    line.until_dropped()


@extending()
def names_10_000_peers(enemy: Enemy) -> None:
    """Tells of 10,000 peers at once, none of which is there."""
    line = _offers(enemy)
    line.send(_pex(b"".join(struct.pack(">4sH", b"\x7f\x00\x00\x02", n) for n in range(1, 10_001))))


@extending()
def names_peers_of_five_bytes(enemy: Enemy) -> None:
    """Tells of peers whose addresses have a byte too few."""
    _offers(enemy).send(_pex(bytes(5)))


@extending()
def names_hosts_that_are_none(enemy: Enemy) -> None:
    """Tells of broadcast, multicast and other addresses that no peer can have, and of port 0."""
    hosts = ("255.255.255.255", "224.0.0.1", "0.0.0.0", "240.0.0.1", "127.0.0.1")
    line = _offers(enemy)
    line.send(_pex(b"".join(socket.inet_aton(host) + b"\x00\x00" for host in hosts)))


@extending()
def names_ourselves(enemy: Enemy) -> None:
    """Tells us our own address, to have us talk to ourselves."""
    line = _offers(enemy)
    line.send(_pex(socket.inet_aton("127.0.0.1") + struct.pack(">H", enemy.trader.port)))
