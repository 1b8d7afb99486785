"""A job, and moments of it, as the views are shown them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from actortorrent.cli.views.view import Job
from actortorrent.rules.progress import Progress
from actortorrent.session import Summary

MIB = 1024 * 1024

JOB = Job(
    command="fetch",
    name="debian-13.2-netinst.iso",
    info_hash="0123456789abcdef0123456789abcdef01234567",
    source="debian.torrent",
    output=Path("/data"),
    content=Path("/data/debian-13.2-netinst.iso"),
    total_bytes=700 * MIB,
    wanted_bytes=700 * MIB,
    file_count=1,
    wanted_files=1,
    piece_count=2800,
    piece_length=256 * 1024,
)

ASKING = Progress(
    phase="fetching",
    activity="asking tracker.debian.org",
    elapsed_seconds=1.5,
    wanted_bytes=700 * MIB,
    piece_count=2800,
)
CHECKING = replace(
    ASKING, phase="checking", activity="checking what is already here", checked_bytes=350 * MIB
)
FETCHING = Progress(
    phase="fetching",
    activity="fetching from 3 peers",
    elapsed_seconds=65.0,
    wanted_bytes=700 * MIB,
    verified_bytes=294 * MIB,
    fetched_bytes=300 * MIB,
    uploaded_bytes=30 * MIB,
    wasted_bytes=2 * MIB,
    download_rate=4.5 * MIB,
    upload_rate=512 * 1024,
    eta_seconds=90.2,
    ratio=0.1,
    piece_count=2800,
    verified_pieces=1176,
    peers_connected=5,
    peers_dialling=2,
    peers_known=60,
    peers_unchoking_us=3,
    peers_interested=2,
    peers_unchoked=1,
    trackers=("tracker.debian.org: 60 peers, next in 25 min",),
)
SEEDING = replace(
    FETCHING,
    phase="seeding",
    activity="seeding until 5 min have passed",
    verified_bytes=700 * MIB,
    verified_pieces=2800,
    eta_seconds=None,
    download_rate=0.0,
)
COMPLETE = Summary(
    progress=replace(SEEDING, phase="stopping", fetched_bytes=700 * MIB, ratio=0.04),
    output=Path("/data"),
    elapsed_seconds=160.0,
    was_interrupted=False,
    is_complete=True,
    average_download_rate=4.375 * MIB,
    trace=None,
)
INTERRUPTED = Summary(
    progress=replace(FETCHING, phase="stopping"),
    output=Path("/data"),
    elapsed_seconds=65.0,
    was_interrupted=True,
    is_complete=False,
    average_download_rate=4.6 * MIB,
    trace=Path("it's a trace.jsonl"),
)
