"""numpy.poly* and the evaluation functions of numpy.polynomial."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import polynomial

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.creation import vander
from diffsci.tracing.functions.signal import convolve
from diffsci.tracing.protocols import call_function, implements
from diffsci.tracing.trace import bind


def _coefficients(p: Any) -> TracedArray:
    """A vector of coefficients: an array, a sequence, or a numpy.poly1d."""
    p = ops.traced(p.coeffs if isinstance(p, np.poly1d) else p)
    return ops.reshape(p, -1)


@implements(np.polyval)
def polyval(p, x):
    p, x = _coefficients(p), ops.traced(x)
    dtype = ops.promoted(p, x)
    if dtype.kind == "f":
        return bind("polyval", ops.convert(p, dtype), ops.convert(x, dtype), order=0)
    total = ops.traced(np.zeros(x.shape, dtype))
    for k in range(p.size):
        total = total * x + p[k]
    return total


def _aligned(a, b) -> tuple[TracedArray, TracedArray]:
    a, b = _coefficients(a), _coefficients(b)
    n = max(a.size, b.size)
    return tuple(ops.concatenate([np.zeros(n - v.size, v.dtype), v]) if v.size < n else v for v in (a, b))


implements(np.polyadd)(lambda a1, a2: ops.arithmetic("add", *_aligned(a1, a2)))
implements(np.polysub)(lambda a1, a2: ops.arithmetic("sub", *_aligned(a1, a2)))
implements(np.polymul)(lambda a1, a2: convolve(_coefficients(a1), _coefficients(a2)))


@implements(np.polyder)
def polyder(p, m=1):
    p = _coefficients(p)
    for _ in range(m):
        p = p[:-1] * np.arange(p.size - 1, 0, -1)
    return p


@implements(np.polyint)
def polyint(p, m=1, k=None):
    p = _coefficients(p)
    constants = ops.traced(np.zeros(m) if k is None else k)
    constants = ops.broadcast_to(constants, (m,)) if constants.size == 1 else constants
    for j in range(m):
        p = ops.concatenate([p / np.arange(p.size, 0, -1), constants[j : j + 1]])
    return p


@implements(np.polyfit)
def polyfit(x, y, deg, rcond=None, full=False, w=None, cov=False):
    if full or cov:
        raise ops.unsupported("numpy.polyfit with full or cov", "leave them out")
    x, y = (ops.convert(v, float) for v in (x, y))
    columns = vander(x, int(deg) + 1)
    if w is not None:
        w = ops.traced(w)
        columns = columns * w[:, None]
        y = y * (w if y.ndim == 1 else w[:, None])
    # Columns of length one, as in NumPy: the system is better conditioned.
    scale = ops.unary("sqrt", (columns * columns).sum(0))
    solution = call_function(np.linalg.lstsq, (columns / scale, y, rcond), {})[0]
    return solution / (scale if y.ndim == 1 else scale[:, None])


def _traced_series(name: str, steps: Any):
    """Evaluate a series in an orthogonal basis by Clenshaw's recurrence, as numpy.polynomial does."""

    def evaluate(x, c, tensor=True):
        x, c = ops.traced(x), ops.traced(c)
        if tensor:
            c = ops.reshape(c, (*c.shape, *(1,) * x.ndim))
        return steps(x, c)

    evaluate.__name__ = name
    return evaluate


def _horner(x, c):
    total = c[-1] + x * 0
    for k in range(2, c.shape[0] + 1):
        total = c[-k] + total * x
    return total


def _clenshaw(first, alpha, beta):
    """Return sum c_k P_k(x) for P_{k+1} = alpha(k, x) P_k - beta(k) P_{k-1}, P_0 = 1, P_1 = first(x)."""

    def steps(x, c):
        n = c.shape[0]
        later, latest = 0.0, c[n - 1] + x * 0
        if n == 1:
            return latest
        for k in range(n - 2, 0, -1):
            later, latest = latest, c[k] + latest * alpha(k, x) - later * beta(k + 1)
        return c[0] + latest * first(x) - later * beta(1)

    return steps


SERIES = {
    polynomial.polynomial.polyval: _horner,
    polynomial.chebyshev.chebval: _clenshaw(lambda x: x, lambda k, x: 2.0 * x, lambda k: 1.0),
    polynomial.legendre.legval: _clenshaw(
        lambda x: x, lambda k, x: (2 * k + 1) / (k + 1) * x, lambda k: k / (k + 1)
    ),
    polynomial.hermite.hermval: _clenshaw(lambda x: 2.0 * x, lambda k, x: 2.0 * x, lambda k: 2.0 * k),
    polynomial.hermite_e.hermeval: _clenshaw(lambda x: x, lambda k, x: x, lambda k: float(k)),
    polynomial.laguerre.lagval: _clenshaw(
        lambda x: 1.0 - x, lambda k, x: (2 * k + 1 - x) / (k + 1), lambda k: k / (k + 1)
    ),
}
for _function, _steps in SERIES.items():
    implements(_function)(_traced_series(_function.__name__, _steps))


@implements(polynomial.polynomial.polyder)
def _polyder(c, m=1, scl=1, axis=0):
    c = ops.traced(c)
    for _ in range(m):
        powers = np.arange(1, c.shape[axis]).astype(c.dtype)
        tail = c[(slice(None),) * axis + (slice(1, None),)]
        c = tail * powers.reshape(tuple(-1 if a == axis else 1 for a in range(c.ndim))) * scl
    return c


@implements(polynomial.polynomial.polyfromroots)
def _polyfromroots(roots):
    result = ops.traced(np.ones(1))
    for root in ops.reshape(ops.traced(roots), -1):
        result = convolve(result, ops.stack([-root, 1.0]))
    return result


@implements(np.poly)
def poly(seq_of_zeros):
    roots = ops.traced(seq_of_zeros)
    if roots.ndim != 1:
        raise ops.unsupported("numpy.poly of a matrix", "use the roots, from numpy.linalg.eigvals")
    result = ops.traced(np.ones(1))
    for root in roots:
        result = convolve(result, ops.stack([1.0, -root]))
    return result
