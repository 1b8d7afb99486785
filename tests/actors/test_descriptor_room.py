from __future__ import annotations

import resource

import pytest

from actortorrent.actors import descriptor_room
from actortorrent.actors.descriptor_room import most_connections, most_files


@pytest.fixture
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (request.param, request.param))


@pytest.mark.parametrize(
    ("limit", "connections", "files"),
    [(1024, 50, 64), (256, 32, 64), (64, 4, 16), (16, 1, 4), (3, 1, 1)],
    indirect=["limit"],
)
@pytest.mark.usefixtures("limit")
def test_what_the_system_allows_is_shared_out(connections: int, files: int) -> None:
    assert most_connections(50) == connections
    assert most_files(64) == files


@pytest.mark.parametrize("limit", [resource.RLIM_INFINITY], indirect=True)
@pytest.mark.usefixtures("limit")
def test_without_a_limit_there_is_what_is_wanted() -> None:
    assert (most_connections(50), most_files(64)) == (50, 64)


def test_on_a_system_without_such_limits_there_is_what_is_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(descriptor_room, "HAS_LIMITS", False)
    assert (most_connections(50), most_files(64)) == (50, 64)
