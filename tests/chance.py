"""Claims about what usually happens: of swarms and rates, where the scheduler has a say.

That leeches trade more than a half, or that two get even shares in one second, is true of nearly
every run, and of none for certain: a process that does not get the processor in time changes it.
One run that went otherwise says nothing; `TRIES` in a row do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

TRIES = 3


Fixtures = dict[str, Any]
Test = Callable[..., None]


def tried_again(renewed: Callable[[Fixtures, int], Fixtures]) -> Callable[[Test], Test]:
    """Return a decorator that runs a test again if its claim fails, `TRIES` times at most.

    `renewed` is asked for the fixtures of each try, the first of which has the number 1.
    """

    def decorated(test: Test) -> Test:
        @functools.wraps(test)
        def tried(*args: Any, **fixtures: Any) -> None:
            for number in range(1, TRIES + 1):
                try:
                    test(*args, **renewed(fixtures, number))
                except AssertionError:
                    if number == TRIES:
                        raise
                else:
                    return

        return tried

    return decorated


def _with_its_own_folder(fixtures: Fixtures, number: int) -> Fixtures:
    if "tmp_path" not in fixtures:
        return fixtures
    folder: Path = fixtures["tmp_path"] / f"try-{number}"
    folder.mkdir()
    return {**fixtures, "tmp_path": folder}


usually = tried_again(_with_its_own_folder)
