"""Slow elementary functions of long arrays, each thread on its part.

NumPy lets go of the interpreter's lock inside a ufunc. Parts begin at multiples of a vector's length, so
every element goes through the same instructions as in one sweep.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.backends.cpu import get_num_threads

__all__ = ["SHORTEST", "SLOW", "spread"]

SLOW = frozenset(
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh expm1 log1p cbrt".split()
)
SHORTEST = 1 << 15  # elements: below, handing over costs more than it saves
_VECTOR = 64


@functools.cache
def _pool() -> Any:
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(thread_name_prefix="diffsci")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork


def _quietly(ufunc: np.ufunc, x: np.ndarray, out: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        ufunc(x, out)


@functools.cache
def spread(ufunc: np.ufunc) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return the ufunc of one operand as a function of (operand, result) that uses all threads."""

    def apply(x: np.ndarray, out: np.ndarray) -> np.ndarray:
        threads = get_num_threads()
        if threads < 2 or not (x.flags.c_contiguous and out.flags.c_contiguous):
            return ufunc(x, out)
        operand, result = x.reshape(-1), out.reshape(-1)
        length = -(-operand.size // (threads * _VECTOR)) * _VECTOR
        jobs = [
            _pool().submit(_quietly, ufunc, operand[k : k + length], result[k : k + length])
            for k in range(length, operand.size, length)
        ]
        _quietly(ufunc, operand[:length], result[:length])
        for job in jobs:
            job.result()
        return out

    return apply
