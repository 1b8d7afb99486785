"""What chapter 9 says of a killed fetch is true in a new run."""

from __future__ import annotations

from pathlib import Path

from actortorrent.tracing.events import END, MESSAGE
from tests.learn.claims import by_time, decisions, events_of

FIRST_SONG = 0b1111_1111  # its pieces, as a mask


def verified(path: Path) -> set[int]:
    return {one.data["piece"] for one in events_of(path) if one.name == "bt:piece_verified"}


def found(path: Path) -> int:
    """Return the pieces that a fetch found when it began."""
    (told,) = (
        one
        for one in events_of(path)
        if one.name == MESSAGE and one.data["type"] == "content_checked"
    )
    return int(told.data["args"]["verified"])


def test_a_fetch_that_ended_in_peace_leaves_a_record_that_is_believed(fresh: Path) -> None:
    assert verified(fresh / "crash/first.trace") == set(range(8))
    (decision,) = decisions(fresh / "crash/killed.trace", "check_content")
    assert decision["has_record"] is True
    assert (decision["chosen"], decision["trusted"]) == (0, 8)
    assert found(fresh / "crash/killed.trace") == FIRST_SONG


def test_the_trace_of_the_killed_fetch_breaks_off(fresh: Path) -> None:
    events = events_of(fresh / "crash/killed.trace")
    assert END not in {one.name for one in events}
    assert len(verified(fresh / "crash/killed.trace")) >= 6


def test_files_that_were_written_since_are_checked_and_the_other_is_trusted(fresh: Path) -> None:
    path = fresh / "crash/resumed.trace"
    (decision,) = decisions(path, "check_content")
    assert decision["trusted"] == 8
    had = found(path)
    assert had & FIRST_SONG == FIRST_SONG
    assert all(had >> piece & 1 for piece in verified(fresh / "crash/killed.trace"))
    assert decision["chosen"] >= had.bit_count() - 8, "all that is new was read"
    assert verified(path) == {piece for piece in range(24) if not had >> piece & 1}


def test_what_was_found_is_the_first_thing_that_the_peer_is_told(fresh: Path) -> None:
    path = fresh / "crash/resumed.trace"
    sent = sorted((one for one in events_of(path) if one.name == "bt:message_sent"), key=by_time)
    assert [one.data["type"] for one in sent[:3]] == ["handshake", "extended", "bitfield"]
    assert sent[2].data["fields"]["set_bits"] == found(path).bit_count()
