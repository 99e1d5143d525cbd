"""How a stable function is called: traced values meet the rules, everything else the value itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.graph import lookup
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing import operations as ops
from diffsci.tracing.standard import refuse_device

__all__ = ["Axis", "elementwise", "floats", "holds_traced", "plain_or_traced"]

Axis = int | tuple[int, ...] | None


def holds_traced(*values: Any) -> bool:
    """Tell whether a traced value stands among the arguments, in lists and tuples, too."""
    return is_tracing() and any(_is_traced(x) for x in values)


def _is_traced(x: Any) -> bool:
    return any(map(_is_traced, x)) if isinstance(x, (list, tuple)) else isinstance(x, TracedArray)


def floats(*operands: Any) -> list[np.ndarray]:
    """Return arrays of one float dtype by NumPy's promotion: integers become float64, float32 stays."""
    arrays = [x if ops.is_python_scalar(x) else np.asarray(refuse_device(x)) for x in operands]
    dtype = np.result_type(*arrays)
    if dtype.kind in "biu" or dtype == np.float16:
        dtype = np.dtype(float if dtype.kind in "biu" else np.float32)
    if dtype.kind not in "fc":
        raise TypeError(f"expected numbers, got an array of {dtype}")
    return [np.asarray(x, dtype) for x in arrays]


def elementwise(name: str, *operands: Any) -> Any:
    """Apply the primitive of that name with NumPy's promotion and broadcasting; numbers for 0-d results."""
    if holds_traced(*operands):
        return ops.float_elementwise(name, *operands)
    with np.errstate(all="ignore"):
        return lookup(name).value(*np.broadcast_arrays(*floats(*operands)))[()]


def plain_or_traced(plain: Callable, traced: Callable, *operands: Any, **options: Any) -> Any:
    """Call the function of plain arrays, or the one of traced values where one is among the operands."""
    if holds_traced(*operands):
        return traced(*operands, **options)
    with np.errstate(all="ignore"):
        return plain(*floats(*operands), **options)[()]
