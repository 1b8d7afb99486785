"""`make soak`: a long run, a figure a row, and a picture of it.

    python -m tests.soak [--seconds 1800] [--picture build/soak.svg]

One process fetches torrents one after another by the Python API, and seeds another all the while;
every second a peer comes to each, and stays for up to three.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

from tests.soak.judging import LONG_SECONDS, judged, picture
from tests.soak.running import Course, run


@click.command()
@click.option(
    "--seconds",
    default=1800.0,
    type=click.FloatRange(min=LONG_SECONDS),
    help="How long torrents are begun.",
)
@click.option("--picture", "path", type=click.Path(path_type=Path), help="Draw it there, as SVG.")
@click.option("--record", type=click.Path(path_type=Path), help="Write all samples there, as JSON.")
def main(seconds: float, path: Path | None, record: Path | None) -> None:
    """Run for some time, and say whether all was flat."""
    with tempfile.TemporaryDirectory() as folder:
        seen = run(Course(seconds), Path(folder))
    rows = list(judged(seen))
    print(f"{seen.seconds:.0f} seconds", *rows, sep="\n")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(picture(seen))
    if record is not None:
        record.write_text(json.dumps(asdict(seen)))
    sys.exit(not all(row.is_met for row in rows))


if __name__ == "__main__":
    main()
