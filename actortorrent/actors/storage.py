"""`Storage`: the files, the unfinished pieces, and the resume record.

At the start it says which pieces are there (`content_checked`). From then on peers hand
it the runs they filled; it hashes and writes them on its own thread, beside those that
receive, and tells the piece manager what became of each. Whatever the disk refuses ends
the session with all that was verified kept, and so does a file that vanishes.

Peers read what they upload by themselves, by the `ContentLayout` it gives out.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from actortorrent.actors.base import Actor, Proxy, Runtime, message
from actortorrent.actors.check_plan import CheckPlan, look_at_files, plan_check
from actortorrent.actors.content_check import ContentCheck
from actortorrent.actors.content_layout import ContentLayout
from actortorrent.actors.content_location import (
    ContentLocation,
    expected_paths,
    lay_out_content,
)
from actortorrent.actors.files import Files
from actortorrent.actors.parts_file import move_selected_parts
from actortorrent.actors.piece_store import Outcome, PieceStore, Verdict
from actortorrent.actors.record_keeper import RecordKeeper
from actortorrent.actors.resume import load_record
from actortorrent.actors.salvage import find_stored_blocks
from actortorrent.errors import StorageError
from actortorrent.options import SessionOptions
from actortorrent.rules.buffer_pool import Buffer
from actortorrent.rules.leases import Cargo, FilledRun, StoredRun
from actortorrent.rules.partial_pieces import EARLIER_SESSION
from actortorrent.wire.metainfo import Metainfo

if TYPE_CHECKING:
    from actortorrent.actors.piece_manager import PieceManagerProxy
    from actortorrent.actors.reporter import ReporterProxy

SAVE_SECONDS = 10.0
CHECK_SECONDS = 0.25  # at a time; between, other messages are heard
BREATH_SECONDS = 0.001


class Storage(Actor):
    """Keep the content of one torrent.

    Args:
        location: content that is there already and only to be served, wherever it is; then
            nothing is written but the record. None: fetch to `options.output`.

    Raises:
        StorageError: if the output folder cannot be used.
    """

    def __init__(
        self,
        runtime: Runtime,
        metainfo: Metainfo,
        options: SessionOptions,
        reporter: ReporterProxy,
        location: ContentLocation | None = None,
    ) -> None:
        super().__init__(runtime, "Storage")
        self._metainfo = metainfo
        self._reporter = reporter
        self._piece_manager: PieceManagerProxy | None = None
        self._may_write = location is None
        output = options.output.resolve() if location is None else location.output
        paths = expected_paths(metainfo) if location is None else location.paths
        self._layout = lay_out_content(metainfo, output, paths, options.selected_files)
        self._files = Files(self._layout)
        self._store = PieceStore(metainfo, self._layout, self._files)
        self._keeper = RecordKeeper(self._layout, self._files, self._store)
        self._check: ContentCheck | None = None
        self._plan = CheckPlan(0, 0)
        self._is_checked = False
        self._has_failed = False

    def content_layout(self) -> ContentLayout:
        """Return where the bytes lie: what a `ContentReader` is made from."""
        return self._layout

    def wanted_pieces(self) -> int:
        """Return the pieces that hold any byte of a selected file: bit i is piece i."""
        return self._store.wanted

    def report_to(self, piece_manager: PieceManagerProxy) -> None:
        """Learn whom to tell what becomes of pieces."""
        self._piece_manager = piece_manager

    # --- the start ------------------------------------------------------------------------

    def check_content(self) -> None:
        """Find out what is there; the answer is `content_checked`, sooner or later."""
        try:
            self._begin_check()
        except StorageError as error:
            self._fail(error)
        else:
            self._check_on()

    def _begin_check(self) -> None:
        if self._may_write:
            self._files.make_root()
            self._files.lock()
            move_selected_parts(self._layout, self._files)
        found = look_at_files(self._files.folder, self._layout, is_strict=self._may_write)
        record = load_record(self._files.folder, self._layout)
        self._plan = plan_check(self._metainfo, self._layout, found, record)
        is_synced = record is not None and record.is_synced and not self._plan.to_check
        self._keeper.begin(found.marks, is_synced=is_synced)
        self._check = ContentCheck(self._metainfo, self._layout, self._plan.to_check)
        self._decide(
            "check_content",
            self._plan.to_check.bit_count(),
            has_record=record is not None,
            trusted=self._plan.verified.bit_count(),
        )

    def _check_on(self) -> None:
        """Check for a moment; then hear what else there is, and go on."""
        check = self._check
        if check is None:
            return
        try:
            check.advance(CHECK_SECONDS)
        except StorageError as error:
            self._fail(error)
            return
        if self._plan.to_check:
            self._report_check(check)
        if check.is_done:
            self._end_check(check)
        else:
            self._after(BREATH_SECONDS, "_check_on")

    def _report_check(self, check: ContentCheck) -> None:
        total_bytes = self._metainfo.total_length
        known_bytes = total_bytes - self._layout.geometry.bytes_of(self._plan.to_check)
        self._reporter.checking.defer(known_bytes + check.checked_bytes, total_bytes)

    def _end_check(self, check: ContentCheck) -> None:
        check.close()
        self._check = None
        self._is_checked = True
        store = self._store
        store.verified = self._plan.verified | check.verified
        earlier = []
        begun = self._plan.begun & store.wanted & ~store.verified if self._may_write else 0
        for piece_index, blocks in (*self._plan.partial, *find_stored_blocks(self._layout, begun)):
            if store.verified >> piece_index & 1:
                continue  # its last blocks came after the record
            store.partial.restore(piece_index, blocks)
            runs = self._layout.geometry.runs_of(piece_index, blocks)
            earlier += [StoredRun(0, run, None, was_useful=True) for run in runs]
        self._tell.content_checked.defer(store.verified)
        if earlier:
            self._tell.runs_stored.defer(EARLIER_SESSION, tuple(earlier), ())
        if self._plan.to_check:
            self._save(is_final=False)  # so that it need not be checked again
        self._finish_if_complete()
        self._after(SAVE_SECONDS, "_save_on_time")

    # --- the data path ----------------------------------------------------------------------

    def store_runs(self, conn: int, filled: tuple[FilledRun, ...]) -> None:
        """Take runs that a peer filled; say what became of each, and give the buffers back."""
        stored: list[StoredRun] = []
        outcomes: list[Outcome] = []
        for one in filled:
            buffer = one.buffer.take()
            became = self._store_run(conn, one, buffer)
            stored.append(StoredRun(one.lease_id, one.run, Cargo(buffer), bool(became)))
            outcomes += became
        verified = [one.piece_index for one in outcomes if one.verdict is Verdict.VERIFIED]
        self._tell.runs_stored.defer(conn, tuple(stored), tuple(verified))
        if verified:
            self._finish_if_complete()
        for outcome in outcomes:
            self._tell_of_senders(outcome)

    def _store_run(self, conn: int, one: FilledRun, buffer: Buffer) -> list[Outcome]:
        """Store a run; return what became of its pieces, nothing if it was of no use."""
        if self._has_failed or not self._is_checked or not self._may_write:
            return []
        try:
            outcomes = self._store.store(conn, one.run, buffer, one.hashed)
        except StorageError as error:
            self._fail(self._with_bytes_missing(error))
            return []
        if outcomes:
            self._keeper.note_written(one.run.length)
        return outcomes

    def _tell_of_senders(self, outcome: Outcome) -> None:
        if outcome.verdict is Verdict.FAILED:
            self._tell.piece_failed.defer(outcome.piece_index, outcome.contributors)
        if outcome.guilty:
            self._tell.peers_sent_bad_data.defer(outcome.piece_index, outcome.guilty)

    def _finish_if_complete(self) -> None:
        """When nothing is lacking: make the empty files, cut what is too long, save."""
        if self._store.wanted & ~self._store.verified or not self._may_write:
            return
        try:
            self._files.finish(sorted(self._layout.wanted))
            if not self._layout.in_parts:
                self._files.remove_parts()
            self._keeper.save(is_final=True)
        except StorageError as error:
            self._fail(error)

    def piece_unreadable(self, piece_index: int, reason: str) -> None:
        """Learn that what was verified can no longer be read.

        Content that is only served is served as far as it is there; where something is
        fetched, nothing can be relied on any more.
        """
        if self._may_write:
            hint = "run the same command again to fetch what is missing"
            self._fail(StorageError(reason, hint=hint))
        elif self._store.verified >> piece_index & 1:
            self._store.verified &= ~(1 << piece_index)
            self._tell.piece_lost.defer(piece_index)
            self._reporter.notice.defer(f"no longer serving piece {piece_index}: {reason}")

    # --- the record -------------------------------------------------------------------------

    def save(self) -> None:
        """Write the resume record now."""
        self._save(is_final=False)

    def _save_on_time(self) -> None:
        self._save(is_final=False)
        self._sync_when_quiet()
        self._after(SAVE_SECONDS, "_save_on_time")

    def _sync_when_quiet(self) -> None:
        if not self._keeper.is_quiet or self._has_failed:
            return
        try:
            if self._keeper.sync_some():
                self._after(BREATH_SECONDS, "_sync_when_quiet")
        except StorageError as error:
            self._fail(error)

    def _save(self, *, is_final: bool) -> None:
        if not self._is_checked or self._has_failed:
            return
        try:
            if is_final:
                self._keeper.sync_at_end()
            self._keeper.save(is_final=is_final)
        except StorageError as error:
            self._fail(error)

    # --- the end ----------------------------------------------------------------------------

    def on_end(self, error: BaseException | None) -> None:
        """Save the record and close the files."""
        if self._check is not None:
            self._check.close()
        self._save(is_final=error is None)
        self._files.close()

    def _fail(self, error: StorageError) -> None:
        """Keep what there is, take nothing more, and say why; once."""
        if self._has_failed:
            return
        self._has_failed = True
        if self._is_checked:
            with contextlib.suppress(StorageError):
                self._keeper.save()
        cause = error.__cause__
        why = cause.strerror if isinstance(cause, OSError) else "content is gone"
        self._record("bt:disk_failed", {"cause": why})  # and no path: traces are given away
        self._reporter.disk_failed.defer(error)

    def _with_bytes_missing(self, error: StorageError) -> StorageError:
        lacking = self._layout.geometry.bytes_of(self._store.wanted & ~self._store.verified)
        told = StorageError(f"{error} ({lacking:,} bytes are still to be written)", hint=error.hint)
        told.__cause__ = error.__cause__
        return told

    @property
    def _tell(self) -> PieceManagerProxy:
        assert self._piece_manager is not None, "report_to comes first"
        return self._piece_manager


class StorageProxy(Proxy):
    """The messages that the storage takes."""

    content_layout = message(Storage.content_layout)
    wanted_pieces = message(Storage.wanted_pieces)
    report_to = message(Storage.report_to)
    check_content = message(Storage.check_content)
    store_runs = message(Storage.store_runs)
    piece_unreadable = message(Storage.piece_unreadable)
    save = message(Storage.save)
