"""Bytes that are read as a file is, by those who want a path."""

from __future__ import annotations

import io
from pathlib import PosixPath
from typing import Any


class BytesPath(PosixPath):
    """A path whose file has these bytes, and is on no disk."""

    _raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> BytesPath:
        """Return a path at which these bytes are read."""
        path = cls("in-memory")
        path._raw = raw
        return path

    def open(self, *_: Any, **__: Any) -> Any:
        """Return an open file of them."""
        return io.BytesIO(self._raw)
