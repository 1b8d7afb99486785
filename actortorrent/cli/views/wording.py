"""`Progress` and what came of it, in words: what all views for people say alike."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from actortorrent.cli.text import (
    format_duration,
    format_part,
    format_rate,
    format_share,
    format_size,
    plural,
    safe_text,
)

if TYPE_CHECKING:
    from actortorrent import Progress
    from actortorrent.cli.views.view import Job
    from actortorrent.session import Summary

GAP = "  "


def job_size(job: Job) -> str:
    """Return what the job is about in figures: `2.4 GiB in 3 of 12 files`."""
    if not job.file_count:
        return "by its info-hash"
    return f"{format_size(job.wanted_bytes)} in {files_wanted(job)}"


def files_wanted(job: Job) -> str:
    """Return how many files are wanted: `12 files`, or of how many: `3 of 12 files`."""
    files = plural(job.file_count, "file")
    return f"{job.wanted_files:,} of {files}" if _is_some(job) else files


def amount(progress: Progress) -> str:
    """Return how much is here, or while checking has been read: `1.0 of 2.4 GiB`."""
    if progress.phase == "metadata":
        return ""  # the activity says it
    part = format_part(done(progress), progress.wanted_bytes)
    return f"{part} checked" if progress.phase == "checking" else part


def done(progress: Progress) -> int:
    """Return what the bar stands for: bytes, checked or verified, or parts of the metadata."""
    if progress.phase == "metadata":
        return progress.metadata_parts
    return progress.checked_bytes if progress.phase == "checking" else progress.verified_bytes


def share(progress: Progress) -> str:
    """Return the part that is done: `42.3 %`; nothing where that is not known."""
    if progress.phase == "metadata" and not progress.metadata_part_count:
        return ""
    return format_share(done(progress), whole(progress))


def whole(progress: Progress) -> int:
    """Return what `done` is a part of."""
    is_metadata = progress.phase == "metadata"
    return progress.metadata_part_count if is_metadata else progress.wanted_bytes


def rates(progress: Progress) -> str:
    """Return both rates and what they lead to: `down 2.0 MiB/s  up 0 B/s  20 s left`."""
    if progress.phase in ("starting", "metadata", "checking"):
        return ""
    parts = [f"up {format_rate(progress.upload_rate)}"]
    if progress.phase != "seeding":
        parts.insert(0, f"down {format_rate(progress.download_rate)}")
    if progress.eta_seconds is not None and progress.phase == "fetching":
        parts.append(f"{format_duration(progress.eta_seconds)} left")
    if progress.uploaded_bytes:
        parts.append(f"ratio {progress.ratio:.2f}")
    return GAP.join(parts)


def peers(progress: Progress) -> str:
    """Return who is there: `5 peers: 3 serve us, we serve 1, 2 more being dialled`."""
    if not progress.peers_connected:
        return f"no peers connected, {_dialling(progress)}"
    doing = []
    if progress.phase == "metadata":
        return plural(progress.peers_connected, "peer")
    if progress.phase != "seeding":
        count = progress.peers_unchoking_us
        doing.append(f"{count} serves us" if count == 1 else f"{count} serve us")
    if progress.peers_interested or progress.phase == "seeding":
        doing.append(
            f"we serve {progress.peers_unchoked} of {progress.peers_interested} interested"
        )
    if progress.peers_dialling:
        doing.append(f"dialling {progress.peers_dialling} more")
    return f"{plural(progress.peers_connected, 'peer')}: {', '.join(doing)}"


def details(progress: Progress) -> Iterator[str]:
    """Yield the lines that `-v` adds."""
    if progress.piece_count:
        yield _pieces(progress)
    for line in progress.trackers:
        yield f"tracker {safe_text(line)}"


def _pieces(progress: Progress) -> str:
    pieces = f"{progress.verified_pieces:,} of {progress.piece_count:,} pieces verified"
    wasted = f", {format_size(progress.wasted_bytes)} received in vain"
    return pieces + (wasted if progress.wasted_bytes else "")


def summary_lines(job: Job, summary: Summary) -> list[tuple[str, str]]:
    """Return (label, text) for each line of what came of a session."""
    return [(label, text) for label, text in _summary(job, summary) if text]


def _summary(job: Job, summary: Summary) -> Iterator[tuple[str, str]]:
    progress = summary.progress
    yield _outcome(job, summary)
    if progress.fetched_bytes:
        size, time = format_size(progress.fetched_bytes), _fetching_seconds(summary)
        rate = format_rate(summary.average_download_rate)
        yield "fetched", f"{size} in {format_duration(time)}, {rate} on average"
    if progress.uploaded_bytes or summary.is_complete:
        yield "sent", f"{format_size(progress.uploaded_bytes)}, ratio {progress.ratio:.2f}"
    yield "files", safe_text(str(job.content.absolute()))
    if summary.trace is not None:
        trace = safe_text(str(summary.trace))
        yield "trace", f"{trace} (actortorrent trace show {shlex.quote(trace)})"
    yield "next", _next_step(job, summary)


def _fetching_seconds(summary: Summary) -> float:
    """Return how long was fetched: not the check before, nor the seeding and goodbye after."""
    rate = summary.average_download_rate
    return summary.progress.fetched_bytes / rate if rate else summary.elapsed_seconds


def _outcome(job: Job, summary: Summary) -> tuple[str, str]:
    name, progress = safe_text(job.name), summary.progress
    if job.command == "seed":
        return "seeded", f"{name} for {format_duration(summary.elapsed_seconds)}"
    what = f"{files_wanted(job)} of {name}" if _is_some(job) else name
    if progress.phase == "metadata":
        return "stopped", f"{what}: before the torrent was known"
    if progress.phase in ("starting", "checking"):
        return "stopped", f"{what}: before all that is here was checked"
    if not summary.is_complete:
        part = format_share(progress.verified_bytes, progress.wanted_bytes)
        return "stopped", f"{what}: {part} is here, and saved"
    if not progress.fetched_bytes:
        return "complete", f"{what}: all {format_size(job.wanted_bytes)} were here already"
    return "complete", f"{what}: every piece matches its hash"


def _next_step(job: Job, summary: Summary) -> str:
    if not summary.is_complete and job.command == "fetch":
        return "run the same command again to go on"
    if job.command == "seed" or _is_some(job) or not job.is_file:
        return ""
    line = ["actortorrent", "seed", str(job.output), job.source]
    return f"{safe_text(shlex.join(line))} serves it to others"


def _is_some(job: Job) -> bool:
    return job.wanted_files != job.file_count


def _dialling(progress: Progress) -> str:
    known = f"{progress.peers_known:,}" if progress.peers_known else "none"
    if progress.peers_dialling:
        return f"dialling {progress.peers_dialling:,} of {known} known"
    return f"{known} known"
