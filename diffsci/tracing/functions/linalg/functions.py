"""Powers, products and analytic functions of matrices."""

from __future__ import annotations

import functools
import itertools
import operator
from typing import Any

import numpy as np

from diffsci.primitives.linalg.functions import MATRIX_FUNCTIONS
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.linalg.common import as_square, eye, matmul, mismatch, single
from diffsci.tracing.functions.linalg.solving import inv
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind


@implements(np.linalg.matrix_power)
def matrix_power(a, n):
    a = as_square(a)
    n = operator.index(n)
    if n < 0:
        a, n = inv(a), -n
    if n == 0:
        return ops.copy(eye(a.shape[-1], a))
    result = None
    while n:
        if n & 1:
            result = a if result is None else matmul(result, a)
        n >>= 1
        a = matmul(a, a) if n else a
    return ops.copy(result)


@implements(np.linalg.multi_dot)
def multi_dot(arrays, *, out=None):
    arrays = [ops.traced(x) for x in arrays]
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    ends = arrays[0].ndim == 1, arrays[-1].ndim == 1
    if ends[0]:
        arrays[0] = ops.reshape(arrays[0], (1, -1))
    if ends[1]:
        arrays[-1] = ops.reshape(arrays[-1], (-1, 1))
    for x in arrays:
        single(x, "multi_dot")
    for x, y in itertools.pairwise(arrays):
        if x.shape[1] != y.shape[0]:
            raise mismatch("multi_dot", x, y)
    sizes = (*(x.shape[0] for x in arrays), arrays[-1].shape[1])
    product = _chain(arrays, _cheapest(sizes), 0, len(arrays) - 1)
    shape = tuple(n for n, dropped in zip(product.shape, ends, strict=True) if not dropped)
    if shape != product.shape:
        product = ops.copy(ops.reshape(product, shape))
        product.scalar = shape == ()
    return product


def _cheapest(sizes: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Where to split each part of a product (Cormen et al., Introduction to Algorithms, section 15.2)."""
    count = len(sizes) - 1
    cost = {(k, k): 0 for k in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            prices = [
                (cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            ]
            cost[i, j], split[i, j] = min(prices)
    return split


def _chain(arrays: list[TracedArray], split: dict, i: int, j: int) -> TracedArray:
    if i == j:
        return arrays[i]
    k = split[i, j]
    return matmul(_chain(arrays, split, i, k), _chain(arrays, split, k + 1, j))


# functions of matrices ----------------------------------------------------------------------------------


def _matrix_function(name: str, a: Any, **options: Any) -> TracedArray:
    a = as_square(a)
    unknown = set(options) - {"disp", "blocksize"}
    if unknown or options.get("disp", True) is not True:
        raise ops.unsupported(f"an option of scipy.linalg.{name}", "leave it out")
    found = bind("matrix_function", a, function=name)
    if name in ("logm", "sqrtm") and np.isnan(found.concrete()).any() and np.isfinite(a.concrete()).all():
        raise ops.unsupported(
            f"scipy.linalg.{name} of a matrix with eigenvalues that are not positive",
            "its value is complex, or there is none",
        )
    return found


for _name in MATRIX_FUNCTIONS:
    implements_scipy(f"scipy.linalg.{_name}")(functools.partial(_matrix_function, _name))


@implements_scipy("scipy.linalg.expm_frechet")
def expm_frechet(a, e, method=None, compute_expm=True, check_finite=True):
    """In double precision always, as SciPy's."""
    a, e = (ops.convert(as_square(x), float) for x in (a, e))
    if a.shape != e.shape:
        raise mismatch("expm_frechet", a, e)
    moved = bind("matrix_function", a, e, function="expm")
    return (bind("matrix_function", a, function="expm"), moved) if compute_expm else moved
