"""Dtypes of statements: two characters each."""

from __future__ import annotations

import math

import numpy as np

from diffsci.errors import UnsupportedError

__all__ = ["code_of", "identity_of"]

_CODES = {np.dtype(t): code for t, code in {"f8": "f8", "f4": "f4", "i8": "i8", "?": "b1"}.items()}


def code_of(dtype: np.dtype) -> str:
    """Return the statement dtype: f8, f4, i8 or b1."""
    try:
        return _CODES[dtype]
    except KeyError:
        raise UnsupportedError(
            f"compiled programs know float64, float32, int64 and bool, not {dtype}"
        ) from None


_EXTREME = {"f8": math.inf, "f4": math.inf, "i8": 2**63 - 1, "b1": True}


def identity_of(op: str, code: str) -> float | int | bool:
    """Return the neutral element of a reduction."""
    if op in ("sum", "any"):
        return False if code == "b1" else 0 if code == "i8" else 0.0
    if op in ("prod", "all"):
        return True if code == "b1" else 1 if code == "i8" else 1.0
    if op == "max":
        return False if code == "b1" else -(2**63) if code == "i8" else -math.inf
    return _EXTREME[code]
