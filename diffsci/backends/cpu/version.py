"""What stored object code depends on besides what was compiled."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

__all__ = ["own_version"]


@functools.cache
def own_version() -> str:
    """Return what changes whenever the compiler's own source does."""
    marks = []
    package = Path(__file__).resolve().parents[2]
    for folder in ("backends/plan", "backends/cpu", "backends/vectormath", "native"):
        path = package / folder
        for entry in sorted(os.scandir(path), key=lambda e: e.name):
            if entry.name.endswith(".py"):
                status = entry.stat()
                marks.append(f"{entry.name}:{status.st_size}:{status.st_mtime_ns}")
    return hashlib.sha256("|".join(marks).encode()).hexdigest()
