"""The worker threads of this process: there when a program first asks for them, joined at exit."""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import threading

from diffsci.backends.cpu.threads import PARALLEL, STOP, write_threads
from diffsci.native import cache
from diffsci.native.addresses import imported_names, library_address
from diffsci.native.engine import Library, compile_object, host, load

__all__ = ["parallel_address"]

_LOCK = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_LOCK.acquire, after_in_parent=_LOCK.release, after_in_child=_LOCK.release)
_loaded: list[Library] = []


def parallel_address() -> int:
    """Return the address of the function that shares out a loop."""
    with _LOCK:
        if not _loaded:
            _loaded.append(_library())
            atexit.register(ctypes.CFUNCTYPE(None)(_loaded[0].addresses[STOP]))
        return _loaded[0].addresses[PARALLEL]


def _library() -> Library:
    text = write_threads()
    key = hashlib.sha256("\0".join([text, *host()]).encode()).hexdigest()[:40]
    stored = cache.read(key)
    code = stored[1] if stored is not None else compile_object(text)
    if stored is None:
        cache.write(key, {}, code)
    return load([code], {name: library_address(name) for name in imported_names(text)}, [PARALLEL, STOP])
