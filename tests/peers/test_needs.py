from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.peers.needs import need_command, need_module

NO_SUCH = "no-such-thing-on-any-machine"
needing = pytest.mark.parametrize("need", [need_command, need_module])


@needing
def test_elsewhere_a_missing_peer_is_a_skip_that_says_so(
    need: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"{NO_SUCH} is not installed"):
        need(NO_SUCH)


@needing
def test_in_ci_a_missing_peer_is_a_failure(
    need: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="in CI no real peer may be missing"):
        need(NO_SUCH)


def test_what_is_there_is_returned() -> None:
    assert need_command("sh").endswith("/sh")
    assert need_module("sys") is sys
