"""Be `actortorrent` without a flight recorder, which no option switches off: to see what it costs."""

from __future__ import annotations

import sys
from typing import Any

from actortorrent.api import Settings
from actortorrent.cli import running
from actortorrent.cli.main import main

usual_settings = running.settings_from


def settings_without(given: dict[str, Any]) -> Settings:
    settings = usual_settings(given)
    settings["flight_events"] = 0
    return settings


if __name__ == "__main__":
    running.settings_from = settings_without
    sys.argv[0] = "actortorrent"
    main()
