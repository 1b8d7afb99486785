"""The Python in README.md runs as it stands, with a real seed on the other side."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ContentMaker
from tests.content import Content
from tests.documents import ROOT, blocks
from tests.peers.own import own_seed

ADDRESS_IN_README = "192.0.2.7:6881"
EXAMPLES = blocks((ROOT / "README.md").read_text("utf-8"), "python")


@pytest.fixture
def photos(content_maker: ContentMaker) -> Content:
    return content_maker({"sea.jpg": 90_000, "hills.jpg": 70_000, "notes.txt": 500}, name="photos")


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_runs(example: str, photos: Content, tmp_path: Path) -> None:
    with own_seed(photos) as seed:
        done = subprocess.run(
            [sys.executable, "-c", example.replace(ADDRESS_IN_README, seed.address)],
            cwd=_folder_with(photos, tmp_path / "here"),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.strip()


def test_the_examples_are_the_three_that_are_promised() -> None:
    shown = "\n".join(EXAMPLES)
    assert len(EXAMPLES) == 3
    assert all(name in shown for name in ("fetch(", "create_torrent(", "capture_trace()"))


def _folder_with(photos: Content, folder: Path) -> Path:
    """Return a folder that has what the README speaks of: `photos` and `photos.torrent`."""
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "one.jpg").write_bytes(b"an image")
    (folder / "photos.torrent").write_bytes(photos.torrent.read_bytes())
    return folder
