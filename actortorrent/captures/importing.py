"""A packet capture as a trace: what went over the wire between any clients.

::

    made = import_capture(Path("x.pcap"), Path("x.trace"))
    made.events, made.counts            # what was written, what was ignored

The capture is read twice: once to learn who is in it, once to write. A message has the time
at which the last of its bytes was captured.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from msgspec import Struct

from actortorrent.captures.casting import cast
from actortorrent.captures.files import CaptureFile
from actortorrent.captures.narrating import Narrator
from actortorrent.captures.surveying import Survey
from actortorrent.captures.talking import CaptureCounts, Nature, Talks
from actortorrent.errors import InvalidCaptureError, UsageError
from actortorrent.tracing.events import Event
from actortorrent.tracing.header import EPOCH, TraceHeader
from actortorrent.tracing.merging import write_trace
from actortorrent.version import VERSION
from actortorrent.wire.metainfo import Metainfo

LAST_NS = 253_402_300_799 * 10**9  # of the year 9999


class Imported(Struct, frozen=True):
    """Say what became of a capture.

    Attributes:
        header: of the trace.
        events, by_name, by_type: how many were written; wire messages by their type, each
            once.
        counts: what there was in the capture.
        connections: that are in the trace.
        other_torrents: how many connections there are of others, by their info-hash.
        lost_bytes, gaps: of these connections, not in the capture.
        malformed: messages that break the form of their kind.
        is_inferred: whether the torrent's measures are a guess.
        is_cut_off: whether the capture ends within a packet.
    """

    header: TraceHeader
    events: int
    by_type: Counter[str]
    counts: CaptureCounts
    connections: int
    other_torrents: Counter[str]
    gaps: int
    lost_bytes: int
    malformed: int
    is_inferred: bool
    is_cut_off: bool


def import_capture(
    path: Path,
    out: Path,
    *,
    us: str = "",
    info_hash: bytes = b"",
    torrent: Metainfo | None = None,
) -> Imported:
    """Write a trace of a capture.

    Args:
        path: of the capture.
        out: of the trace.
        us: the client whose view it is to be, `HOST` or `HOST:PORT`; by default the one
            that takes part in all connections, or all clients.
        info_hash: of the torrent; by default that of which most is said.
        torrent: that torrent; without it, its measures are inferred.

    Raises:
        InvalidCaptureError: if it is no capture, or nobody speaks BitTorrent in it.
        UsageError: if no such client or torrent is in it, or `out` is there and no trace.
    """
    survey = Survey()
    with CaptureFile(path) as capture:
        counts = Talks(survey).follow(capture.packets())
        is_cut_off = capture.is_cut_off
    wanted = _torrent(survey, counts, torrent.info_hash if torrent else info_hash)
    talks = survey.of_torrent(wanted)
    who = cast(_header(path, survey, wanted, torrent), talks, us)
    narrator = Narrator(who, survey.first_ns)
    events = write_trace(out, who.header, _events(path, narrator))
    others = Counter(talk.info_hash.hex() for talk in survey.talks.values())
    del others[wanted.hex()]
    return Imported(
        header=who.header,
        events=events,
        by_type=narrator.by_type,
        counts=counts,
        connections=len({number for number, _ in who.ends}),
        other_torrents=others,
        gaps=narrator.gaps,
        lost_bytes=narrator.lost_bytes,
        malformed=survey.malformed,
        is_inferred=torrent is None,
        is_cut_off=is_cut_off,
    )


def _events(path: Path, narrator: Narrator) -> Iterator[Event]:
    with CaptureFile(path) as capture:
        talks = Talks(narrator)
        for packet in capture.packets():
            talks.take(packet)
            yield from narrator.told()
        talks.end()
        yield from narrator.told()
        yield from narrator.ends()


def _torrent(survey: Survey, counts: CaptureCounts, wanted: bytes) -> bytes:
    """Return of which torrent the trace is."""
    torrents = survey.torrents()
    if not torrents:
        encrypted = counts.connections[Nature.ENCRYPTED]
        hint = "those that are encrypted cannot be read" if encrypted else ""
        raise InvalidCaptureError(
            f"expected connections that begin with BitTorrent's handshake, found none among "
            f"{sum(counts.connections.values())} of TCP, {encrypted} of them likely encrypted",
            hint=hint,
        )
    if wanted and wanted not in torrents:
        there = ", ".join(one.hex() for one in torrents[:4])
        raise UsageError(f"expected the torrent {wanted.hex()}, found only {there}")
    return wanted or torrents[0]


def _header(path: Path, survey: Survey, info_hash: bytes, torrent: Metainfo | None) -> TraceHeader:
    """Return the header that the trace of any of its clients has."""
    measures = torrent or survey.shapes[info_hash]
    piece_length = measures.piece_length
    begin = EPOCH + timedelta(microseconds=min(survey.first_ns, LAST_NS) // 1000)
    return TraceHeader(
        node="",
        peer_id="",
        info_hash=info_hash.hex(),
        piece_count=measures.piece_count,
        piece_length=piece_length,
        total_length=measures.total_length,
        level="piece" if survey.counted else "block",
        argv=("actortorrent", "trace", "import", path.name),
        versions={"actortorrent": VERSION},
        wall_clock_time=begin.isoformat(),
        monotonic_ns=0,
        imported_from=path.name,
    )
