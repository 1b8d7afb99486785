"""Errors for people: one line, what to do next, and the exit code."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import NamedTuple

import click

from actortorrent.cli.text import safe_text
from actortorrent.errors import ActorTorrentError, ExitCode, shortage_of
from actortorrent.version import VERSION

HINT_INDENT = "  "
BUG_PREFIX = "this is a bug, please report it"
# From click 8.2 on: `actortorrent trace`, whose message is the help of `trace`.
_ASKED_FOR_NOTHING = getattr(click.exceptions, "NoArgsIsHelpError", ())


class Failure(NamedTuple):
    """Put an error into one line, one hint (perhaps empty) and an exit code."""

    message: str
    hint: str
    exit_code: int
    is_bug: bool = False


def describe_failure(error: BaseException) -> Failure:
    """Return what people are told of an error."""
    if isinstance(error, click.ClickException):
        return _describe_usage(error)
    if isinstance(error, ActorTorrentError) and type(error) is not ActorTorrentError:
        return Failure(_one_line(str(error)), _one_line(error.hint), error.exit_code)
    of_system = _describe_system(error)
    if of_system is not None:
        return of_system
    if isinstance(error, KeyboardInterrupt):
        return Failure("interrupted", "", ExitCode.INTERRUPTED)
    kind = "" if isinstance(error, ActorTorrentError) else f"{type(error).__name__}: "
    message = _one_line(f"{BUG_PREFIX}: {kind}{error}")
    hint = error.hint if isinstance(error, ActorTorrentError) else ""
    return Failure(message, _one_line(hint), ExitCode.BUG, is_bug=True)


def report_failure(error: Exception, *, is_verbose: bool) -> int:
    """Tell an error on stderr and return the exit code that goes with it."""
    if isinstance(error, _ASKED_FOR_NOTHING):
        click.echo(str(error))
        return ExitCode.DONE
    failure = describe_failure(error)
    _tell(f"actortorrent: {failure.message}")
    if failure.hint:
        _tell(HINT_INDENT + failure.hint)
    if failure.is_bug and is_verbose:
        _show_traceback(error)
    elif failure.is_bug:
        place = _save_traceback(error)
        where = f"add this file to the report: {place}" if place else "-v shows where it happened"
        _tell(HINT_INDENT + where)
    return failure.exit_code


def _describe_system(error: BaseException) -> Failure | None:
    """Return what people are told of an error that the system they are on is the reason for."""
    if isinstance(error, OSError) and error.filename is not None:
        # What we write has another name until it is whole.
        name = str(error.filename).removesuffix(".part")
        message = _one_line(f"{name}: {error.strerror}")
        return Failure(message, "", ExitCode.DISK)
    if is_output_full(error):
        return Failure("cannot print any more: no space is left there", "", ExitCode.DISK)
    shortage = shortage_of(error)
    if shortage is not None:
        return Failure(str(shortage), shortage.hint, shortage.exit_code)
    unencodable = _unencodable(error)
    if unencodable is not None:
        message = f"this system writes names in {unencodable.encoding}, found one that it cannot"
        hint = "choose a locale with UTF-8, such as LC_ALL=C.UTF-8, or set PYTHONUTF8=1"
        return Failure(message, hint, ExitCode.DISK)
    return None


def is_output_full(error: BaseException) -> bool:
    """Say whether what we print went to a file on a full disk; for other files it has a name."""
    return isinstance(error, OSError) and error.errno == errno.ENOSPC and error.filename is None


def _unencodable(error: BaseException | None) -> UnicodeEncodeError | None:
    """Return the error, or that behind it, of a name that the file system's encoding lacks."""
    while error is not None and not isinstance(error, UnicodeEncodeError):
        error = error.__cause__
    return error


def _describe_usage(error: click.ClickException) -> Failure:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "actortorrent"
    message = _one_line(error.format_message())
    return Failure(_as_ours(message), f"{command} --help shows what it takes", error.exit_code)


def _as_ours(message: str) -> str:
    """Return a sentence of click's the way we write ours: small, and without the full stop."""
    return message[:1].lower() + message[1:].removesuffix(".")


def _one_line(text: str) -> str:
    return safe_text(" ".join(text.split("\n")).strip())


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _show_traceback(error: Exception) -> None:
    import traceback  # noqa: PLC0415 - seldom needed

    for line in "".join(traceback.format_exception(error)).splitlines():
        _tell(safe_text(line))


def _save_traceback(error: Exception) -> Path | None:
    """Write what a report needs into a file of its own; None if that cannot be done either."""
    try:
        return _write_report(error)
    except (OSError, MemoryError, ImportError):
        return None


def _write_report(error: Exception) -> Path:
    import platform  # noqa: PLC0415 - these are seldom needed, and slow to import
    import tempfile  # noqa: PLC0415
    import traceback  # noqa: PLC0415

    about = f"actortorrent {VERSION}, Python {platform.python_version()}, {platform.platform()}"
    text = "".join(traceback.format_exception(error))
    with tempfile.NamedTemporaryFile(
        "w",
        prefix="actortorrent-bug-",
        suffix=".txt",
        delete=False,
        encoding="utf-8",
        errors="backslashreplace",
    ) as file:
        file.write(f"{about}\narguments: {sys.argv[1:]}\n\n{text}")
        return Path(file.name)
