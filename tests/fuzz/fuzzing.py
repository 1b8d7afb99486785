"""Fuzz one target with atheris: `python -m tests.fuzz.fuzzing TARGET [libFuzzer's options]`."""

from __future__ import annotations

import sys

import atheris

from tests.fuzz.targets import load

WATCHED = ["actortorrent", "bencodepy", "urllib.parse"]


def main() -> None:
    """Fuzz until libFuzzer has enough; it ends the process."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=WATCHED):
        target = load(name)
    atheris.Setup([sys.argv[0], f"-max_len={target.longest}", *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
