"""Renew the course: `python -m tests.learn [--record] [--pictures] [CHAPTER...]`.

Without an option the excerpts are printed anew from the traces that are kept. `--record` runs
the chapters' scripts, keeps their traces in place of the old, and takes the pictures, too; then
read the chapters again, since they point at lines. `--pictures` takes the pictures only.
A chapter is named by its number: `05`. Chapters with the same script are recorded together.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from tests.learn import pictures
from tests.learn.chapters import TRACES, Chapter, chapters
from tests.learn.excerpts import files_of, renewed
from tests.learn.running import run_scripts

LARGEST_TRACE_BYTES = 400_000


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.learn", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--pictures", action="store_true")
    parser.add_argument("chapter", nargs="*")
    given = parser.parse_args()
    wanted = [one for one in chapters() if not given.chapter or one.path.name[:2] in given.chapter]
    if given.record:
        record(wanted)
    for chapter in wanted:
        renew(chapter)
    if given.record or given.pictures:
        pictures.take(picture for chapter in wanted for picture in chapter.pictures)


def record(wanted: list[Chapter]) -> None:
    """Run the scripts of chapters, and keep the files in which their commands look."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        run_scripts(wanted, folder)
        for name in sorted({name for chapter in wanted for name in kept_files(chapter)}):
            kept = TRACES / name
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, kept)
            print(f"recorded {name}: {kept.stat().st_size:,} bytes")
            assert kept.stat().st_size <= LARGEST_TRACE_BYTES, "let less happen"


def kept_files(chapter: Chapter) -> set[str]:
    """Return the files that a chapter's commands and pictures are of."""
    named = {name for excerpt in chapter.excerpts for name in files_of(excerpt.command)}
    pictured = {name for picture in chapter.pictures for name in picture.trace.split(",")}
    return named | pictured | set(chapter.files)


def renew(chapter: Chapter) -> None:
    """Write into a chapter what its commands print now; its files are theirs, too."""
    for name, content in chapter.files.items():
        (TRACES / name).write_text(content, "utf-8")
    if (new := renewed(chapter.text, TRACES)) != chapter.text:
        chapter.path.write_text(new, "utf-8")
        print(f"renewed {chapter.path.name}")


if __name__ == "__main__":
    main()
