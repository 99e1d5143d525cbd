"""Settings that compiled programs read when they run."""

from __future__ import annotations

import operator
import os

import numpy as np

__all__ = ["SETTINGS", "get_num_threads", "set_num_threads"]


def _processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


SETTINGS = np.array([_processors(), 0, 0, 0, 0, 0, 0, 0], dtype=np.int64)


def set_num_threads(count: int) -> None:
    """Set how many threads large loops use; results do not depend on it."""
    count = operator.index(count)
    if count < 1:
        raise ValueError(f"the number of threads must be at least 1, got {count}")
    SETTINGS[0] = count


def get_num_threads() -> int:
    """Return how many threads large loops use."""
    return int(SETTINGS[0])
