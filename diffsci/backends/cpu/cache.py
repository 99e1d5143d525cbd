"""Compiled programs on disk: one file per program, checked before use, replaced as a whole."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

__all__ = ["directory", "read", "write"]

_MAGIC = b"diffsci object 1\n"
_DIGEST = 32


def directory() -> Path:
    """Return the cache folder: ``DIFFSCI_CACHE_DIR``, or the platform's place for caches."""
    chosen = os.environ.get("DIFFSCI_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "diffsci"


def read(key: str) -> tuple[dict[str, Any], bytes] | None:
    """Return (description, object code) of a stored program; None if absent or damaged."""
    try:
        data = (directory() / key).read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST
    payload = data[start:]
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(payload).digest() != data[len(_MAGIC) : start]:
        return None
    size = int.from_bytes(payload[:8], "little")
    description = json.loads(payload[8 : 8 + size])
    return (description, payload[8 + size :]) if description.get("key") == key else None


def write(key: str, description: dict[str, Any], code: bytes) -> None:
    """Store a program; where the folder cannot be written the program just is not kept."""
    text = json.dumps(description | {"key": key}).encode()
    payload = len(text).to_bytes(8, "little") + text + code
    folder = directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".writing-")
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
        os.replace(temporary, folder / key)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
