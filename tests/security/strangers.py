"""Strangers whose every word steers a terminal, or is a script: a torrent, a peer, two trackers."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha1
from pathlib import Path

import bencodepy

from actortorrent.rules.bitfield import to_wire
from actortorrent.wire.addresses import pack_compact
from actortorrent.wire.bencoding import encode
from actortorrent.wire.handshake import reserved_bytes
from actortorrent.wire.messages import Bitfield, Extended, Unchoke
from tests.actors.playing_trackers import HttpTalk, PlayedHttpTracker
from tests.content import Content, make_content
from tests.sessions.scripted_peer import ScriptedPeer, Talk

# A title for the window, a colour, the same in one byte, going back, turning round, a new line.
STEERING = "\x1b]0;owned\x07\x1b[7777m\x9b7777n\r\x08\u202e\u2028\n"
IMAGE = "<img src=x onerror=window.pwned=1>"
EVIL = f"evil{STEERING}{IMAGE}</script><script>window.pwned=1</script>"
PEER_ID = b"-XX0001-\x1b[7777m<i>\r!"  # 20 bytes
READ_BYTES = 64 * 1024


def evil_torrent(folder: Path, trackers: Sequence[str]) -> Content:
    """Return content whose torrent says nothing harmless, but for the content."""
    sizes = {"a.bin": 200_000, "b.bin": 100_000}
    content = make_content(folder, sizes, piece_length=64 * 1024)
    metainfo = bencodepy.decode(content.torrent.read_bytes())
    info = metainfo[b"info"]
    info[b"name"] = EVIL.encode()
    info[b"files"][0][b"path"] = [EVIL.encode(), b"a.bin"]
    info[b"files"][1][b"path"] = [f"b{EVIL}".encode()]
    about = dict.fromkeys(("comment", "created by", "encoding", "publisher", "source"), EVIL)
    urls = {
        "announce-list": [[url] for url in trackers],
        "url-list": [f"http://127.0.0.1:1/{EVIL}"],
    }
    torrent = folder / "evil.torrent"
    torrent.write_bytes(bencodepy.encode({"info": info, **about, **urls}))
    return replace(content, torrent=torrent, info_hash=sha1(bencodepy.encode(info)).digest())


def name_oneself(talk: Talk) -> None:
    """Say an evil name, and serve."""
    talk.shake_hands()
    talk.say(Extended(0, encode({"m": {EVIL: 7}, "v": EVIL, "p": 7})))
    talk.say(Bitfield(to_wire(talk.peer.everything, talk.peer.content.piece_count)), Unchoke())
    talk.serve()


@contextmanager
def strangers(folder: Path) -> Iterator[Content]:
    """Play them while the block runs; yield the content of their torrent.

    The second tracker, asked once the first has refused, is the only one who knows the peer:
    nobody can be done before both have spoken.
    """
    known = bytearray()

    def warn(talk: HttpTalk) -> None:
        talk.send_reply({"warning message": EVIL, "interval": 1800, "peers": bytes(known)})

    with (
        PlayedHttpTracker(lambda talk: talk.send_reply({"failure reason": EVIL})) as refusing,
        PlayedHttpTracker(warn) as warning,
    ):
        content = evil_torrent(folder, [refusing.url, warning.url])
        extended = reserved_bytes(extensions=True)
        with ScriptedPeer(content, name_oneself, peer_id=PEER_ID, reserved=extended) as peer:
            known += pack_compact(peer.address)
            yield content


def on_a_terminal(command: Sequence[str | Path], folder: Path) -> bytes:
    """Run a command in a folder, in a terminal of its own; return all that the terminal got."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    got = bytearray()
    with suppress(OSError):  # the terminal's end
        while data := os.read(ours, READ_BYTES):
            got += data
    os.close(ours)
    process.wait(60)
    return bytes(got)
