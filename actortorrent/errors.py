"""Every error that this package raises, in one tree, each knowing its exit code.

::

    ActorTorrentError                1  a bug, if nothing more precise is raised
     ├── DeadlockError               1  actors that wait for each other: a bug
     ├── UsageError                  2  a value the user gave makes no sense
     │    └── PickerError               what --picker names does not choose as it should
     ├── InvalidTorrentError         3  not a valid torrent (or magnet link)
     │    ├── BencodeError              the bytes are not bencoding; knows the offset
     │    ├── MetainfoError             bencoded, but not a torrent
     │    └── MagnetError               not a magnet link that names one torrent
     ├── InvalidTraceError           3  not a trace of ours
     ├── InvalidCaptureError         3  not a packet capture
     ├── NoProgressError             4  nobody to fetch from
     │    └── StalledError              nothing came for too long
     ├── TrackersRefusedError        5  every tracker refused and nothing else was known
     ├── StorageError                6  the disk: full, forbidden, read-only, vanished
     ├── ContentMismatchError        7  the files are not what the torrent describes
     ├── CollectorError              9  a tracing backend that is not there, or refuses
     ├── ShortageError              10  no memory, thread or descriptor is left
     ├── PeerProtocolError              a peer's fault: closes that peer, never reaches the user
     ├── KrpcError                      a DHT node's fault: its datagram is dropped or refused
     ├── ProxyError                     a proxy that does not connect us: as if nobody answered
     ├── PortMappingError               a router that will not let others in; we go on without
     ├── LabError                       a process of the lab did not do its part
     └── TrackerError                   a tracker's fault: told to the user, another is tried
          └── TrackerRefusalError       it answered, and the answer is no

The message of each is one line that says what was expected and what came.
`hint`, where there is one, says what the user can do next.
"""

from __future__ import annotations

import errno
from enum import IntEnum


class ExitCode(IntEnum):
    """What the `actortorrent` command returns to the shell."""

    DONE = 0
    BUG = 1
    USAGE = 2
    INVALID_TORRENT = 3
    NO_PROGRESS = 4
    TRACKERS_REFUSED = 5
    DISK = 6
    CONTENT_MISMATCH = 7
    FINDINGS = 8  # of `trace lint`
    COLLECTOR = 9  # of `trace export --to`
    SHORTAGE = 10
    INTERRUPTED = 130


class ActorTorrentError(Exception):
    """Stand at the root of the tree."""

    exit_code: ExitCode = ExitCode.BUG

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class DeadlockError(ActorTorrentError):
    """Say which actors wait for each other's answers."""


class UsageError(ActorTorrentError):
    """Say that a value given by the user makes no sense."""

    exit_code = ExitCode.USAGE


class PickerError(UsageError):
    """Say where a policy for picking pieces fails, or what it chose wrongly."""


class InvalidTorrentError(ActorTorrentError):
    """Say that something is not a torrent."""

    exit_code = ExitCode.INVALID_TORRENT


class BencodeError(InvalidTorrentError):
    """Say where bytes stop being bencoding (BEP 3)."""

    def __init__(self, offset: int, expected: str, found: str) -> None:
        super().__init__(f"at byte {offset}: expected {expected}, found {found}")
        self.offset = offset
        self.expected = expected
        self.found = found


class MetainfoError(InvalidTorrentError):
    """Say why well-formed bencoding is not a torrent we can use (BEP 3)."""


class MagnetError(InvalidTorrentError):
    """Say why a text is no magnet link that we can use (BEP 9, BEP 53)."""


class InvalidTraceError(ActorTorrentError):
    """Say in which line a file stops being a trace of ours."""

    exit_code = ExitCode.INVALID_TORRENT


class InvalidCaptureError(ActorTorrentError):
    """Say where a file stops being a packet capture, or that no peers speak in it."""

    exit_code = ExitCode.INVALID_TORRENT


class NoProgressError(ActorTorrentError):
    """Say that nothing came for too long, or that there is nobody to ask."""

    exit_code = ExitCode.NO_PROGRESS


class StalledError(NoProgressError):
    """Say that nothing of use came for as long as the user would wait."""


class TrackersRefusedError(ActorTorrentError):
    """Say that every tracker refused and that there was no other source of peers."""

    exit_code = ExitCode.TRACKERS_REFUSED


class StorageError(ActorTorrentError):
    """Say that the disk would not do what was asked of it."""

    exit_code = ExitCode.DISK


class ContentMismatchError(ActorTorrentError):
    """Say that files on disk are not what the torrent describes."""

    exit_code = ExitCode.CONTENT_MISMATCH


class CollectorError(ActorTorrentError):
    """Say why an OpenTelemetry collector did not take a trace."""

    exit_code = ExitCode.COLLECTOR


class ShortageError(ActorTorrentError):
    """Say what the system has no more of for us: memory, threads, descriptors."""

    exit_code = ExitCode.SHORTAGE


class PeerProtocolError(ActorTorrentError):
    """Say what a peer did that BEP 3 forbids; its connection is closed."""


class KrpcError(ActorTorrentError):
    """Say how a datagram breaks BEP 5; `transaction` names the query to refuse, if it is one."""

    transaction: bytes = b""


class TrackerError(ActorTorrentError):
    """Say how a tracker refused, failed or answered nonsense."""


class TrackerRefusalError(TrackerError):
    """Say why a tracker that could be asked will not serve us."""


class ProxyError(ActorTorrentError):
    """Say why a proxy does not connect us to somebody."""


class PortMappingError(ActorTorrentError):
    """Say why a router does not let connections from outside reach us."""


class LabError(ActorTorrentError):
    """Say which process of the lab did not do its part."""


_GO_ON = "then run the same command again: what was verified is kept"
NO_MEMORY = ("no memory is left", f"close other programs or raise the limit (ulimit -v), {_GO_ON}")
_NO_THREAD = ("no thread is left", f"raise the limit (ulimit -u or -v), {_GO_ON}")
_NO_DESCRIPTOR = ("too many files are open", f"raise the limit (ulimit -n), {_GO_ON}")
_SHORTAGES = {
    errno.ENOMEM: NO_MEMORY,
    errno.EMFILE: _NO_DESCRIPTOR,
    errno.ENFILE: _NO_DESCRIPTOR,
}


def shortage_of(error: BaseException) -> ShortageError | None:
    """Return what an error says that the system has no more of, or None if it says none of that."""
    found = None
    if isinstance(error, OSError):
        found = _SHORTAGES.get(error.errno or 0)
    elif isinstance(error, MemoryError) or _lacks_memory_to_load(error):
        found = NO_MEMORY
    elif isinstance(error, RuntimeError) and "start new thread" in str(error):  # of `threading`
        found = _NO_THREAD
    return ShortageError(found[0], hint=found[1]) if found is not None else None


def _lacks_memory_to_load(error: BaseException) -> bool:
    """Say whether a library could not be loaded; where that is forbidden, a reason follows."""
    return isinstance(error, ImportError) and str(error).endswith("segment from shared object")
