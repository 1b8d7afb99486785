"""What tests of whole sessions share: a reporter in haste, so that they need not wait."""

from __future__ import annotations

import pytest

from actortorrent import session
from actortorrent.actors import peer_connection, reporter


@pytest.fixture(autouse=True)
def haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Report twenty times a second, look after peers ten times, be short in saying goodbye."""
    monkeypatch.setattr(session, "GOODBYE_SECONDS", 0.2)
    monkeypatch.setattr(reporter, "TICK_SECONDS", 0.05)
    monkeypatch.setattr(peer_connection, "FIRST_BEAT_SECONDS", 0.1)
    monkeypatch.setattr(peer_connection, "BUSY_BEAT_SECONDS", 0.1)
    monkeypatch.setattr(peer_connection, "IDLE_BEAT_SECONDS", 0.2)
