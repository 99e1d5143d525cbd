"""Memory that native code reads and writes."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Type

__all__ = ["aligned", "checked", "data"]

_ALIGN = 64


def data(array: np.ndarray) -> int:
    """Return the address of the first element."""
    return array.__array_interface__["data"][0]


def aligned(size: int) -> np.ndarray:
    """Return uninitialised bytes that start at a multiple of 64."""
    raw = np.empty(size + _ALIGN, np.uint8)
    start = -data(raw) % _ALIGN
    return raw[start : start + size] if size else raw[start:]


def checked(array, type_: Type) -> np.ndarray:
    """Return a C-contiguous array of that type; TypeError for any other type."""
    array = np.asarray(array)
    if array.shape != type_.shape or array.dtype != type_.dtype:
        raise TypeError(f"expected {type_}, got {Type.of(array)}")
    return np.ascontiguousarray(array).reshape(type_.shape)
