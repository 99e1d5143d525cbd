"""Complex values where they enter and leave programs: one real array with a last axis of two parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.graph.namespaces import as_array, namespace
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import ComplexArray, complex_dtype, is_complex, part_dtype
from diffsci.tracing.standard import standard

__all__ = ["entering", "joined", "leaving", "packed", "parts_of", "unpacked", "whole_of"]


def parts_of(value: Any) -> np.ndarray:
    """Return the parts of complex numbers along a new last axis; no copy of a contiguous array."""
    array = standard(value)
    whole = namespace([array]).ascontiguousarray(array)
    return whole.reshape(*array.shape, 1).view(part_dtype(array.dtype))


def whole_of(parts: np.ndarray) -> Any:
    """Return the complex numbers whose parts stand along the last axis."""
    parts = namespace([parts]).ascontiguousarray(parts)
    return parts.view(complex_dtype(parts.dtype))[..., 0][()]


def packed(z: ComplexArray) -> TracedArray:
    """Return the parts of a traced complex array along a new last axis."""
    from diffsci.tracing import operations as ops

    return ops.stack([z.re, z.im], z.ndim)


def unpacked(x: TracedArray) -> ComplexArray:
    """Return the traced complex array whose parts stand along the last axis."""
    made = ComplexArray(*(x[..., k].fresh() for k in (0, 1)))
    made.scalar = made.shape == ()
    return made


def entering(value: Any) -> Any:
    """Return what a program takes for an argument; only complex ones change."""
    if not is_complex(value):
        return value
    return packed(value) if isinstance(value, TracedArray) else parts_of(value)


def leaving(value: Any) -> Any:
    """Return the complex value of a program's result."""
    return unpacked(value) if isinstance(value, TracedArray) else whole_of(as_array(value))


def joined(values: Sequence[Any], flags: Sequence[bool]) -> list[Any]:
    """Return results of a program, those marked as complex numbers."""
    return [leaving(value) if flag else value for value, flag in zip(values, flags, strict=True)]
