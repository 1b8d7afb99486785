"""Hostile .torrent files: `actortorrent show` is to refuse each, or to bear it, at a small price."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bencodepy

from tests.hostile.behaviours import Behaviour, Family
from tests.hostile.client import PEAK
from tests.hostile.line import PATIENCE_SECONDS
from tests.hostile.outcomes import TRACEBACK, Outcome

torrents = Family("torrent")

MOST_BYTES = 32 * 1024 * 1024 - 500  # of a file that is read at all
HASHES = b"6:pieces20:" + bytes(20)
GOOD_INFO = b"d6:lengthi1e4:name1:x12:piece lengthi16384e" + HASHES + b"e"
NO_TORRENT = "is not a torrent we can use"


def _beside(good: bytes) -> bytes:
    """Return a good torrent with something more in it."""
    return b"d4:info" + GOOD_INFO + b"1:z" + good + b"e"


@torrents(why="at most .* values")
def holds_16_million_dictionaries() -> bytes:
    """Is 32 MiB of empty dictionaries."""
    return _beside(b"l" + b"de" * (MOST_BYTES // 2) + b"e")


@torrents(why="at most .* values")
def holds_3_million_keys() -> bytes:
    """Is 32 MiB of keys, each with an empty dictionary."""
    keys = b"".join(b"7:%07dde" % n for n in range(550_000))
    return _beside(b"d" + keys * (MOST_BYTES // len(keys)) + b"e")


@torrents(why="at most .* bytes")
def is_of_60_mib() -> bytes:
    """Is larger than any torrent."""
    return _beside(b"62914560:" + bytes(62_914_560))


@torrents(why="")
def holds_32_mib_of_nothing() -> bytes:
    """Is right, but for 32 MiB that mean nothing."""
    return _beside(b"%d:" % MOST_BYTES + bytes(MOST_BYTES))


@torrents(why="nested")
def nests_a_million_lists() -> bytes:
    """Is lists in lists, a million deep."""
    return _beside(b"l" * 1_000_000 + b"e" * 1_000_000)


@torrents(why=NO_TORRENT)
def says_a_negative_length() -> bytes:
    """Has a key of negative length, at which some readers go round in circles for ever."""
    return b"d-1:xi1ee"


@torrents(why=NO_TORRENT)
def says_a_string_of_10_gib() -> bytes:
    """Announces a string of ten billion bytes."""
    return b"d4:info9999999999:x"


@torrents(why=NO_TORRENT)
def says_a_number_of_a_million_digits() -> bytes:
    """Has a length that takes long to read."""
    return b"d4:infod6:lengthi" + b"9" * 1_000_000 + b"eee"


@torrents(why=NO_TORRENT)
def has_two_infos() -> bytes:
    """Is two torrents at once: which of them it is depends on the reader."""
    return b"d4:info" + GOOD_INFO + b"4:info" + GOOD_INFO + b"e"


@torrents(why=NO_TORRENT)
def has_pieces_of_nothing() -> bytes:
    """Has pieces of no bytes."""
    return bencodepy.encode(
        {"info": {"length": 1, "name": "x", "piece length": 0, "pieces": bytes(20)}}
    )


@torrents(why=NO_TORRENT)
def is_of_8_exabytes() -> bytes:
    """Is of more bytes than there are pieces for."""
    info = {"length": 2**63 - 1, "name": "x", "piece length": 2**40, "pieces": bytes(20)}
    return bencodepy.encode({"info": info})


@torrents(why="")
def leads_out_of_its_folder() -> bytes:
    """Has files whose paths lead out of the folder, by dots, from the root, and by devices."""
    paths = [["..", "..", "etc", "passwd"], ["/etc/passwd"], ["a", "", "."], ["CON"], ["x\0y"]]
    files = [{"length": 1, "path": path} for path in paths]
    info = {"files": files, "name": "../../x", "piece length": 16384, "pieces": bytes(20)}
    return bencodepy.encode({"info": info})


@torrents(why="")
def would_steer_the_terminal() -> bytes:
    """Has names, comments and trackers that would steer a terminal."""
    evil = "\x1b]0;evil\x07\x1b[2J\u202e\r\n" * 50
    info = {"length": 1, "name": evil, "piece length": 16384, "pieces": bytes(20)}
    return bencodepy.encode(
        {"info": info, "comment": evil, "created by": evil, "announce": f"http://{evil}/"}
    )


@torrents(why="")
def names_20_000_trackers() -> bytes:
    """Names 20,000 trackers, each in a tier of its own."""
    tiers = [[f"http://127.0.0.1:{n}/a"] for n in range(20_000)]
    return bencodepy.encode({"info": bencodepy.decode(GOOD_INFO), "announce-list": tiers})


def meet_torrent(folder: Path, behaviour: Behaviour) -> Outcome:
    """Have a hostile file shown, and see what that took."""
    path = folder / f"{behaviour.name.replace(' ', '-')}.torrent"
    path.write_bytes(behaviour.play())
    command = [sys.executable, "-m", "tests.hostile.client", "{}", "show", str(path)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=4 * PATIENCE_SECONDS, check=False
    )
    path.unlink()
    words, _, peak = (ended.stdout + ended.stderr).rpartition(PEAK)
    assert ended.returncode in (0, 3), words
    assert TRACEBACK not in words, words
    assert "\x1b" not in words, "it steers the terminal"
    return Outcome(
        whys=[words],
        growth_bytes=0,  # it is over: its peak is what counts
        peak_bytes=int(peak),
        threads=0,
        descriptors=0,
    )
