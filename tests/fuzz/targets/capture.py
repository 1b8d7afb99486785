"""Packet captures of anybody: read to the end and told as a trace, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator

from actortorrent.captures import importing
from actortorrent.captures.casting import cast
from actortorrent.captures.files import MAX_PACKET_BYTES, MAX_TIME_NS, CaptureFile, Packet
from actortorrent.captures.narrating import Narrator
from actortorrent.captures.surveying import Survey
from actortorrent.captures.talking import Talks
from actortorrent.errors import InvalidCaptureError, UsageError
from tests.captures.frames import (
    ADA_6,
    BOB_6,
    Dialogue,
    handshake,
    ng_interface,
    ng_packet,
    ng_section,
    pcap,
    pcapng,
)
from tests.fuzz.in_memory import BytesPath
from tests.fuzz.refusing import check_refusal


def seeds() -> list[bytes]:
    talk = Dialogue().open()
    talk.says(0, handshake(b"A" * 20)).says(1, handshake()).says(1, b"\0\0\0\2\5\xe0")
    talk.skips(1, 7).says(1, b"\0\0\0\1\1").says(0, b"\0\0\0\1\2").close()
    over_6 = Dialogue((ADA_6, BOB_6)).open().says(0, handshake()).says(1, handshake()).frames
    several = ng_section(">") + ng_interface(">", 1) + ng_packet(">", 1, b"\0" * 60)
    return [
        pcap(talk.frames),
        pcap(talk.frames, order=">", is_ns=False, link=228, snaplen=90),
        pcapng(over_6),
        pcapng(talk.frames, order=">"),
        several + ng_section("<"),
    ]


def check(data: bytes) -> None:
    path = BytesPath.of(data)
    survey = Survey()
    try:
        with CaptureFile(path) as capture:
            counts = Talks(survey).follow(_checked(capture))
        wanted = importing._torrent(survey, counts, b"")
        talks = survey.of_torrent(wanted)
        who = cast(importing._header(path, survey, wanted, None), talks, "")
    except (InvalidCaptureError, UsageError) as error:
        check_refusal(error)
        return
    for event in importing._events(path, Narrator(who, survey.first_ns)):
        event.to_line()


def _checked(capture: CaptureFile) -> Iterator[Packet]:
    for packet in capture.packets():
        assert 0 <= packet.time_ns <= MAX_TIME_NS
        assert len(packet.data) <= MAX_PACKET_BYTES
        yield packet
