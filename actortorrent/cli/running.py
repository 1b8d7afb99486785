"""Run a session in front of a view: what `fetch` and `seed` have in common."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actortorrent import Encryption, Magnet, Metainfo, Progress, Session, SessionOptions
from actortorrent.api import (
    Settings,
    content_path,
    listed_files,
    to_addresses,
    to_trackers,
    wanted_length,
)
from actortorrent.cli.failures import describe_failure
from actortorrent.cli.interrupts import recording_on_signal, stopping_on_signals
from actortorrent.cli.views import make_view
from actortorrent.cli.views.view import Job, View
from actortorrent.errors import ExitCode

SECONDS_A_MINUTE = 60
OBJECTS_A_COLLECTION = 50_000


@contextmanager
def viewing(given: dict[str, Any]) -> Iterator[View]:
    """Yield the view that the options ask for, and let it know of an error.

    Args:
        given: values of `output_options`, among others.
    """
    view = make_view(given["progress_kind"], is_quiet=given["quiet"], is_verbose=given["verbose"])
    try:
        yield view
    except BaseException as error:
        view.fail(describe_failure(error))
        raise


def settings_from(given: dict[str, Any]) -> Settings:
    """Return the session's settings from the values of the options; `seed` lacks some."""
    minutes = given["seed_minutes"]
    return Settings(
        trackers=to_trackers(given["trackers"]),
        use_trackers=not given["no_trackers"],
        use_dht=not given["no_dht"],
        dht_nodes=to_addresses(given["dht_nodes"]),
        use_web_seeds=not given.get("no_web_seeds", False),
        port=given["port"],
        proxy=given["proxy"],
        maps_port=not given["no_portmap"],
        use_local_discovery=not given["no_lsd"],
        bind=given["bind"],
        encryption=Encryption(given["encryption"]),
        max_peers=given["max_peers"],
        download_limit=given["download_limit"],
        upload_limit=given["upload_limit"],
        upload_slots=given["upload_slots"],
        is_sequential=given.get("sequential", False),
        stall_timeout_seconds=given.get("stall_timeout"),
        keep_seeding=given["keep_seeding"],
        seed_ratio=given["seed_ratio"],
        seed_seconds=None if minutes is None else minutes * SECONDS_A_MINUTE,
        trace_level=given["trace_level"],
        trace_name=given["trace_name"],
        seed=given["dice_seed"],
        pace=given["pace"],
    )


def describe_job(
    command: str,
    source: Path | str,
    metainfo: Metainfo,
    options: SessionOptions,
    content: Path | None = None,
    *,
    is_file: bool = True,
) -> Job:
    """Return what a session is about, for the views; `content` is where it is, if not by name."""
    selected = options.selected_files
    files = listed_files(metainfo)
    return Job(
        command=command,
        name=metainfo.name,
        info_hash=metainfo.info_hash_hex,
        source=str(source),
        output=options.output,
        content=content or content_path(metainfo, options.output),
        total_bytes=wanted_length(metainfo, None),
        wanted_bytes=wanted_length(metainfo, selected),
        file_count=len(files),
        wanted_files=len(files) if selected is None else len(selected),
        piece_count=metainfo.piece_count,
        piece_length=metainfo.piece_length,
        is_file=is_file,
    )


def describe_link(source: str, magnet: Magnet, options: SessionOptions) -> Job:
    """Return what a session is about of which only the link is known: it has no files yet."""
    return Job(
        command="fetch",
        name=magnet.name or magnet.info_hash.hex(),
        info_hash=magnet.info_hash.hex(),
        source=source,
        output=options.output,
        content=options.output,
        total_bytes=0,
        wanted_bytes=0,
        file_count=0,
        wanted_files=0,
        piece_count=0,
        piece_length=0,
        is_file=False,
    )


def run_session(
    make_session: Callable[..., Session], job: Callable[[], Job], view: View
) -> ExitCode:
    """Run a session until it ends or is interrupted, show it, and return the exit code.

    `make_session` takes `on_progress` and `on_notice`, and returns the session; `job` says
    what is known of it when asked.
    """
    session: Session = make_session(
        on_progress=lambda progress: _show(progress, session, view), on_notice=view.notice
    )
    _calm_garbage_collector()
    stopping = stopping_on_signals(session.request_stop)
    with stopping, recording_on_signal(session.request_record):
        summary = session.run()
    view.end(job(), summary)
    return ExitCode.INTERRUPTED if summary.was_interrupted else ExitCode.DONE


def _calm_garbage_collector() -> None:
    """Let it look at what the session makes only, and not so often.

    The events that a trace or a flight recorder keeps are many, and in no circles; to go
    through them, and all modules, again and again would cost more than to record them.
    """
    gc.freeze()
    gc.set_threshold(OBJECTS_A_COLLECTION)


def _show(progress: Progress, session: Session, view: View) -> None:
    view.listening(session.port)
    view.show(progress)
