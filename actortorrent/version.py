"""Say which version this is; `setup.py` reads it from here, so it stands nowhere else."""

from __future__ import annotations

VERSION = "0.1.0"
