"""What the views have in common: what they are told, and what a session is about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from actortorrent import Progress
    from actortorrent.cli.failures import Failure
    from actortorrent.session import Summary


class Job(Struct, frozen=True, kw_only=True):
    """Say what a session is about.

    Attributes:
        command: "fetch" or "seed".
        name: of the torrent, as it stands in it: not yet fit for a terminal.
        info_hash: 40 hexadecimal digits.
        source: the torrent, as the user named it; `is_file`: it is a .torrent file.
        output: the folder that holds the content.
        content: the file or folder in it that is the content.
        file_count: files in the torrent, without padding; `wanted_files` of them are selected. 0
            as long as only a link to the torrent is known.
        wanted_bytes: bytes of the selected files.
        piece_count: pieces in the torrent, each but the last of `piece_length` bytes.
    """

    command: str
    name: str
    info_hash: str
    source: str
    output: Path
    content: Path
    total_bytes: int
    wanted_bytes: int
    file_count: int
    wanted_files: int
    piece_count: int
    piece_length: int
    is_file: bool = True


class View(Protocol):
    """Show a session: `begin`, `listening`, then `show` and `notice`, then `end` or `fail`."""

    def begin(self, job: Job) -> None:
        """Say what is about to happen."""

    def learn(self, job: Job) -> None:
        """Say what it is about, now that the torrent is known that a link named."""

    def listening(self, port: int) -> None:
        """Say where other peers reach us, as often as one likes."""

    def show(self, progress: Progress) -> None:
        """Show how it stands; called about twice a second."""

    def notice(self, text: str) -> None:
        """Show one line that the user should know: a tracker's warning, a banned peer."""

    def end(self, job: Job, summary: Summary) -> None:
        """Say what came of it."""

    def fail(self, failure: Failure) -> None:
        """Leave the terminal clean for the error, which the command itself prints."""
