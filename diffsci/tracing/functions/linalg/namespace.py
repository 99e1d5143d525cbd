"""Functions that numpy.linalg has in its own form: they work on the last two axes."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.functions import products
from diffsci.tracing.protocols import call_function, implements


@implements(np.linalg.trace)
def trace(x, /, *, offset=0, dtype=None):
    found = call_function(np.trace, (x,), {"offset": offset, "axis1": -2, "axis2": -1})
    return found if dtype is None else ops.convert(found, dtype)


@implements(np.linalg.diagonal)
def diagonal(x, /, *, offset=0):
    return call_function(np.diagonal, (x,), {"offset": offset, "axis1": -2, "axis2": -1})


@implements(np.linalg.outer)
def outer(x1, x2, /):
    x1, x2 = ops.traced(x1), ops.traced(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"Input arrays must be one-dimensional, but they are {x1.ndim=} and {x2.ndim=}.")
    return products.outer(x1, x2)


@implements(np.linalg.cross)
def cross(x1, x2, /, *, axis=-1):
    return call_function(np.cross, (x1, x2), {"axis": axis})


@implements(np.linalg.matmul)
def matmul(x1, x2, /):
    return products.matmul(x1, x2)


@implements(np.linalg.tensordot)
def tensordot(x1, x2, /, *, axes=2):
    return products.tensordot(x1, x2, axes)


@implements(np.linalg.vecdot)
def vecdot(x1, x2, /, *, axis=-1):
    x1, x2 = ops.traced(x1), ops.traced(x2)
    return ops.reduce("sum", x1 * x2, axis)
