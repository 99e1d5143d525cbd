"""Compiled programs on disk: one file per program, checked before use, replaced as a whole.

The folder is kept below a size: what was used longest ago is removed. Files of others in it are left alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["directory", "limit", "read", "write"]

_MAGIC = b"diffsci object 1\n"
_DIGEST = 32
_WRITING = ".writing-"
_MOST_BYTES = 1 << 30
_TIDY_EVERY = 64  # writes
_STALE_SECONDS = 3600.0


def directory() -> Path:
    """Return the cache folder: ``DIFFSCI_CACHE_DIR``, or the platform's place for caches."""
    chosen = os.environ.get("DIFFSCI_CACHE_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen))
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser("~\\AppData\\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "diffsci"


def read(key: str) -> tuple[dict[str, Any], bytes] | None:
    """Return (description, object code) of a stored program; None if absent or damaged."""
    path = directory() / key
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(_MAGIC) + _DIGEST
    payload = data[start:]
    if data[: len(_MAGIC)] != _MAGIC or hashlib.sha256(payload).digest() != data[len(_MAGIC) : start]:
        return None
    size = int.from_bytes(payload[:8], "little")
    description = json.loads(payload[8 : 8 + size])
    if description.get("key") != key:
        return None
    with suppress(OSError):  # a cache that only others may write has no order of use
        os.utime(path)
    return description, payload[8 + size :]


def write(key: str, description: dict[str, Any], code: bytes) -> None:
    """Store a program; where the folder cannot be written the program just is not kept."""
    text = json.dumps(description | {"key": key}).encode()
    payload = len(text).to_bytes(8, "little") + text + code
    folder = directory()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=_WRITING)
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(_MAGIC + hashlib.sha256(payload).digest() + payload)
        os.replace(temporary, folder / key)
    except OSError:  # the disk is full, say
        return
    finally:  # an interrupted write leaves nothing behind
        Path(temporary).unlink(missing_ok=True)
    _tidy(folder)


_writes: dict[Path, int] = {}  # what this process wrote to each folder since it last looked at it


def _tidy(folder: Path) -> None:
    """Now and then, remove what was used longest ago until the folder is no larger than `limit`."""
    count = _writes.get(folder, 0)
    _writes[folder] = (count + 1) % _TIDY_EVERY
    if count:
        return
    most, stale = limit(), time.time() - _STALE_SECONDS
    found = []
    with suppress(OSError):  # a folder that may be written but not listed, or that is gone
        for path in folder.iterdir():
            with suppress(OSError):  # another process has removed it
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
    for last, _, path in found:
        if path.name.startswith(_WRITING) and last < stale:
            _remove(path)
    if sum(size for _, size, _ in found) <= most:
        return
    found = [entry for entry in found if _is_own(entry[2])]
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        total -= size
        _remove(path)


def _is_own(path: Path) -> bool:
    """Tell whether a file is a stored program: the folder may be one that others use as well."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _remove(path: Path) -> None:
    with suppress(OSError):  # in use on Windows: next time
        path.unlink()


def limit() -> int:
    """Return how many bytes are kept: ``DIFFSCI_CACHE_BYTES``, or 1 GiB.

    Raises
    ------
    ValueError
        If the variable is no number.
    """
    text = os.environ.get("DIFFSCI_CACHE_BYTES", "")
    if text and not text.isdecimal():
        raise ValueError(f"DIFFSCI_CACHE_BYTES={text!r}: expected a number of bytes, such as 500000000")
    return int(text) if text else _MOST_BYTES
