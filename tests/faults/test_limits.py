"""Limits that the system sets: descriptors, memory. Within them we go on, or end in words."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from actortorrent.errors import ExitCode, shortage_of
from tests.conftest import ContentMaker
from tests.content import Content
from tests.faults.limited import ALONE, DESCRIPTORS, MEMORY, MIB, limited_fetch, line_of
from tests.peers.own import OwnClient, own_fetch, own_seed

CROWD = 60
DESCRIPTORS_LEFT = 64  # fewer than the crowd would take, and the files
FILES = 50
RATE = 2_500_000
PROTOCOL = b"\x13BitTorrent protocol"


@contextmanager
def crowd(client: OwnClient, content: Content) -> Iterator[None]:
    """Dial a client many times, and say who each is, and nothing else."""
    host, port = client.address.split(":")
    with ExitStack() as stack:
        for _ in range(CROWD):
            sock = stack.enter_context(socket.create_connection((host, int(port)), 60))
            peer_id = b"-CR0000-" + secrets.token_bytes(12)
            sock.sendall(PROTOCOL + bytes(8) + content.info_hash + peer_id)
        yield


def test_a_crowd_that_dials_us_does_not_take_the_descriptors_that_the_disk_needs(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker({f"{i}/{i}": 40_000 for i in range(FILES)}, piece_length=32 * 1024)
    with (
        own_seed(content, extra=(*ALONE, "--up", str(RATE))) as seed,
        limited_fetch(content, tmp_path, (DESCRIPTORS, DESCRIPTORS_LEFT), [seed.address]) as leech,
        crowd(leech, content),
    ):
        assert leech.finish()["wasted_bytes"] == 0
    content.assert_same_in(tmp_path)


def test_too_few_descriptors_to_begin_with_are_told(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(100_000)
    with limited_fetch(content, tmp_path, (DESCRIPTORS, 6), ["127.0.0.1:1"]) as leech:
        assert leech.process.wait() in (ExitCode.DISK, ExitCode.SHORTAGE)
        assert "too many files are open" in line_of(leech)


def test_too_little_memory_to_begin_with_is_told(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(100_000)
    with limited_fetch(content, tmp_path, (MEMORY, 40 * MIB), ["127.0.0.1:1"]) as leech:
        assert leech.process.wait() == ExitCode.SHORTAGE
        assert line_of(leech) == "no memory is left within the limit of 40 MiB"


def test_threads_do_with_few_of_the_addresses_that_a_limit_leaves(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(24_000_000, piece_length=MIB)
    with (
        own_seed(content, extra=ALONE) as seed,
        limited_fetch(content, tmp_path, (MEMORY, 96 * MIB), [seed.address]) as leech,
    ):
        leech.finish()
    content.assert_same_in(tmp_path)


def test_with_little_memory_it_ends_by_itself_and_goes_on_when_there_is_more(
    content_maker: ContentMaker, tmp_path: Path
) -> None:
    content = content_maker(24_000_000, piece_length=MIB)
    codes = []
    with own_seed(content, extra=ALONE) as seed:
        for mebibytes in (30, 100):
            with limited_fetch(
                content, tmp_path, (MEMORY, mebibytes * MIB), [seed.address]
            ) as leech:
                codes.append(leech.process.wait())
        here = content.pieces_in(tmp_path)
        with own_fetch(content, tmp_path, peers=[seed.address], extra=ALONE) as leech:
            done = leech.finish()
    assert codes[0] != ExitCode.DONE  # with which memory it can do what is left to chance ...
    assert min(codes) >= 0  # ... but no signal ends it
    assert done["fetched_bytes"] <= content.total_length - content.length_of(here)
    content.assert_same_in(tmp_path)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "no memory is left"),
        (OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)), "no memory is left"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "too many files are open"),
        (OSError(errno.ENFILE, os.strerror(errno.ENFILE)), "too many files are open"),
        (RuntimeError("can't start new thread"), "no thread is left"),
        (ImportError("x.so: failed to map segment from shared object"), "no memory is left"),
    ],
)
def test_what_the_system_lacks_is_no_bug(error: BaseException, words: str) -> None:
    shortage = shortage_of(error)
    assert shortage is not None
    assert str(shortage) == words
    assert shortage.exit_code is ExitCode.SHORTAGE


@pytest.mark.parametrize("error", [OSError(errno.EIO, "disk"), RuntimeError("x"), ValueError()])
def test_other_errors_are_no_shortage(error: BaseException) -> None:
    assert shortage_of(error) is None
