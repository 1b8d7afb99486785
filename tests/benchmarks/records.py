"""The results as JSON: every run, what came of the goals, and the machine."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from actortorrent.version import VERSION
from tests.benchmarks.judging import verdicts
from tests.benchmarks.rounds import Result

CPU_INFO = Path("/proc/cpuinfo")


def machine() -> dict[str, object]:
    """Return what figures depend on."""
    return {
        "actortorrent": VERSION,
        "commit": _said_by("git", "rev-parse", "--short", "HEAD"),
        "python": platform.python_version(),
        "libtorrent": importlib.metadata.version("libtorrent"),
        "aria2": _said_by("aria2c", "--version").partition("\n")[0].removeprefix("aria2 version "),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "load_before": list(os.getloadavg()),
    }


def as_json(results: Iterable[Result]) -> dict[str, object]:
    """Return the results of each workload, by name."""
    return {result.workload.name: _result(result) for result in results}


def _result(result: Result) -> dict[str, object]:
    return {
        "what": result.workload.what,
        "failure": result.failure,
        "byte_count": result.byte_count,
        "runs": {name: [asdict(cost) for cost in runs] for name, runs in result.costs.items()},
        "goals": [
            {
                "figure": verdict.goal.figure.name,
                "goal": str(verdict.goal),
                "against": verdict.goal.against,
                "ours": asdict(verdict.ours),
                "other": asdict(verdict.other) if verdict.other else None,
                "judged": asdict(verdict.judged),
                "is_met": verdict.is_met,
            }
            for verdict in verdicts(result)
        ],
    }


def _processor() -> str:
    text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    found = re.search(r"model name\s*:\s*(.+)", text)
    return found[1] if found else platform.processor()


def _said_by(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
