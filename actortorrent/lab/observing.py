"""What a swarm looks like at one moment, as its members themselves tell it.

Each of ours prints its progress as JSON and writes a trace. The trace is read while it
grows: it knows which pieces are there, and whom its client serves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from actortorrent.lab.processes import Running
from actortorrent.lab.scenarios import Member, Role

READ_BYTES = 1024 * 1024
TELLING = ('{"event": "progress"', '{"event": "done"')
# What a line of a trace must have to be looked at: most are not even read as JSON.
MARKS = (
    b'"bt:piece_verified"',
    b'"what":"unchoke"',
    b'"what":"ban_peer"',
    b'"type":"handshake"',
    b'"bt:connection_closed"',
)
READABLE = range(33, 127)  # what a trace prints of a peer id


class MemberPicture(Struct, frozen=True, kw_only=True):
    """Say how one member stands.

    Attributes:
        pieces: those it has; bit i is piece i. None: it does not say.
        part: of the content that it has, from 0 to 1. None: it does not say.
        serves: names of those who have a slot of it now.
        banned: names of those whom it has banned.
        peers_met: with how many it has shaken hands.
        phase: as in `--progress json`, or "starting".
    """

    member: Member
    phase: str = "starting"
    is_complete: bool = False
    pieces: int | None = None
    part: float | None = None
    serves: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    download_rate: float = 0.0
    upload_rate: float = 0.0
    fetched_bytes: int = 0
    uploaded_bytes: int = 0
    wasted_bytes: int = 0
    peers_met: int = 0


class SwarmPicture(Struct, frozen=True, kw_only=True):
    """Say how the swarm stands.

    Attributes:
        elapsed_seconds: since the members were started.
        tracker: where it is; empty once it is gone.
    """

    members: tuple[MemberPicture, ...]
    piece_count: int
    elapsed_seconds: float
    tracker: str


class Observer:
    """Watch one member: what it prints, and the trace that it writes."""

    def __init__(self, member: Member, process: Running, trace: Path, piece_count: int) -> None:
        self.member = member
        self.process = process
        self._heard = 0  # lines
        self._told: Mapping[str, Any] = {}
        self._trace = TraceTail(trace)
        self._piece_count = piece_count
        self._everything = (1 << piece_count) - 1

    @property
    def peer_id(self) -> str:
        """Return its peer id as a trace prints it; empty where it is not known."""
        return self._trace.peer_id

    @property
    def has_left_complete(self) -> bool:
        """Say whether it has ended because it had everything: aria2 does not stay."""
        is_aria2 = self.member.role is Role.ARIA2
        return is_aria2 and self.process.ends_within(0) and self.process.wait() == 0

    def look(self, names: Mapping[str, str]) -> MemberPicture:
        """Return how it stands now; `names` are those of members by their peer ids."""
        self._listen()
        self._trace.read_on()
        told = self._told
        done = bool(told.get("is_complete")) or self.has_left_complete
        pieces = self._pieces(done=done)
        return MemberPicture(
            member=self.member,
            phase=told.get("phase", "starting"),
            is_complete=done,
            pieces=pieces,
            part=None if pieces is None else pieces.bit_count() / self._piece_count,
            serves=tuple(self._trace.named(self._trace.serves, names)),
            banned=tuple(self._trace.named(self._trace.banned, names)),
            download_rate=told.get("download_rate", 0.0),
            upload_rate=told.get("upload_rate", 0.0),
            fetched_bytes=told.get("fetched_bytes", 0),
            uploaded_bytes=told.get("uploaded_bytes", 0),
            wasted_bytes=told.get("wasted_bytes", 0),
            peers_met=len(self._trace.peer_ids),
        )

    def close(self) -> None:
        """Let go of the trace."""
        self._trace.close()

    def _listen(self) -> None:
        lines = self.process.lines
        for line in lines[self._heard :]:
            if line.startswith(TELLING):
                self._told = {**self._told, **json.loads(line)}
        self._heard = len(lines)

    def _pieces(self, *, done: bool) -> int | None:
        if done or self.member.role is Role.BAD_PEER:
            return self._everything
        drawn = self._told.get("pieces")
        if isinstance(drawn, str):
            return int(drawn[::-1] or "0", 2)
        return self._trace.pieces if self.member.is_traced else None


class TraceTail:
    """Read a trace while it is written, and keep what a picture needs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        self._peer_of: dict[str, str] = {}  # peer ids by names of actors
        self.peer_id = ""
        self.pieces = 0
        self.serves: tuple[str, ...] = ()  # names of peers' actors
        self.banned: tuple[str, ...] = ()

    def read_on(self) -> None:
        """Read what was written since the last time."""
        if self._file is None:
            if not self._path.exists():
                return
            self._file = self._path.open("rb")
        while chunk := self._file.read(READ_BYTES):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                self._take(line)

    @property
    def peer_ids(self) -> frozenset[str]:
        """Return those of whom it has shaken hands with."""
        return frozenset(self._peer_of.values())

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()

    def named(self, actors: tuple[str, ...], names: Mapping[str, str]) -> Iterator[str]:
        """Yield the members' names for names of actors."""
        for actor in actors:
            peer_id = self._peer_of.get(actor, "")
            yield names.get(peer_id, actor)

    def _take(self, line: bytes) -> None:
        if not self.peer_id and line.startswith(b'{"file_schema"'):
            self.peer_id = _readable(bytes.fromhex(json.loads(line)["peer_id"]))
        elif any(mark in line for mark in MARKS):
            event = json.loads(line)
            self._learn(event["name"], event["actor"], event["data"])

    def _learn(self, name: str, actor: str, data: Mapping[str, Any]) -> None:
        match name, data:
            case "bt:piece_verified", {"piece": int(piece)}:
                self.pieces |= 1 << piece
            case "bt:message_received", {"fields": {"peer_id": str(peer_id)}}:
                self._peer_of[actor] = peer_id
            case "actor:decision", {"what": "unchoke", "chosen": list(chosen)}:
                self.serves = tuple(chosen)
            case "bt:connection_closed", {"conn": int(conn)}:
                self.serves = tuple(one for one in self.serves if one != f"Peer-{conn}")
            case "actor:decision", {"what": "ban_peer", "chosen": str(chosen)}:
                if chosen not in self.banned:
                    self.banned = (*self.banned, chosen)


def _readable(peer_id: bytes) -> str:
    return "".join(chr(byte) if byte in READABLE else "." for byte in peer_id)
