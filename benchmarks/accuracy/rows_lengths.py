"""Lengths: hypot and norms; variances; sums."""

from __future__ import annotations

from functools import lru_cache

import mpmath as mp
import numpy as np

from benchmarks.accuracy.points import around, between, each, everywhere, extremes, magnitudes, mapped, mix
from benchmarks.accuracy.row import Function

SMALLEST = 2.0**-1022  # the inverse of smaller lengths overflows


def _length(*x):
    return mp.inf if any(mp.isinf(v) for v in x) else mp.sqrt(mp.fsum(v * v for v in x))


def _first(index):
    """X[i] / length; 0 at the origin by convention, not judged at infinity."""

    def partial(*x):
        h = _length(*x)
        return mp.nan if mp.isinf(h) else x[index] / h if h else mp.mpf(0)

    return partial


def _second(i, j, smallest=0):
    """(delta_ij length**2 - x[i] x[j]) / length**3; not judged at infinity, and up to a smallest length."""

    def partial(*x):
        h = _length(*x)
        if mp.isinf(h) or h <= smallest:
            return mp.nan
        across = mp.fsum(v * v for k, v in enumerate(x) if k != i) if i == j else -x[i] * x[j]
        return across / h**3

    return partial


def _partials(n, smallest=0):
    return {
        "first": tuple(_first(i) for i in range(n)),
        "second": tuple(_second(i, j, smallest) for i in range(n) for j in range(i, n)),
    }


@lru_cache(maxsize=4)
def _moments(precision, x):
    """Return n deviations, the sum of their squares, and n std; all but the root are exact."""
    n, total = len(x), mp.fsum(x)
    apart = [n * v - total for v in x]
    squares = mp.fsum(v * v for v in apart)
    return apart, squares, mp.sqrt(squares / n)


def _apart(x):
    return _moments(mp.mp.prec, x)


def _variance(*x):
    return _apart(x)[1] / len(x) ** 3


def _variance_first(index):
    return lambda *x: 2 * _apart(x)[0][index] / len(x) ** 2


def _variance_second(i, j):
    return lambda *x: mp.mpf(2) * (len(x) * (i == j) - 1) / len(x) ** 2


def _std(*x):
    return _apart(x)[2] / len(x)


def _std_first(index):
    """(x[i] - mean) / (n std); 0 by convention where all are equal."""

    def partial(*x):
        apart, _, root = _apart(x)
        return apart[index] / (len(x) * root) if root else mp.mpf(0)

    return partial


def _std_second(i, j):
    """(delta_ij - 1/n - d[i] d[j] / (n var)) / (n std); not judged where 1 / std overflows."""

    def partial(*x):
        (apart, squares, root), n = _apart(x), len(x)
        if root <= n * SMALLEST:
            return mp.nan
        return (((i == j) * n - 1) * squares - n * apart[i] * apart[j]) / (n * squares * root)

    return partial


def _inverse_std(*x):
    root = _apart(x)[2]
    return 1 / root if root else mp.nan


def _of_three(first, second):
    return {
        "first": tuple(first(i) for i in range(3)),
        "second": tuple(second(i, j) for i in range(3) for j in range(i, 3)),
    }


def _samples(high):
    """Offsets of all sizes, and numbers of one size: the whole range of the type, up to `high`."""
    unit = between(-1.0, 1.0)
    return mix(
        mapped(each(everywhere(), unit, unit, unit), lambda s, x, y, z: (s * x, s * y, s * z)),
        mapped(each(magnitudes(1e-6, 1e16), unit, unit, unit), lambda c, x, y, z: (c + x, c + y, c + z)),
        mapped(each(everywhere(), unit, unit), lambda s, x, y: (s, s * (1 + x * 1e-8), s * (1 + y * 1e-8))),
        mapped(each(everywhere(), around(1.0)), lambda s, r: (s, s, s * r)),
        each(extremes(infinite=False), magnitudes(1e-3, 1e3), magnitudes(1e-3, 1e3)),
        where=lambda *x: np.max(np.abs(x), axis=0) < high,
    )


ROWS = [
    Function(
        name="hypot",
        arguments="x y",
        ours="ds.stable.hypot(x, y)",
        value=_length,
        **_partials(2),
        points=mix(
            each(everywhere(), everywhere()),
            mapped(each(everywhere(), magnitudes(1e-20, 1e20)), lambda x, r: (x, x * r)),
            mapped(each(everywhere(), around(1.0)), lambda x, r: (x, x * r)),
            each(extremes(), everywhere()),
            each(extremes(), extremes()),
        ),
        jax="jnp.hypot(x, y)",
        torch="torch.hypot(x, y)",
        autograd="anp.sqrt(x * x + y * y)",
    ),
    Function(
        name="norm",
        arguments="x y z",
        ours="ds.stable.norm(np.stack([x, y, z], -1), axis=-1)",
        value=_length,
        **_partials(3, smallest=SMALLEST),
        points=mix(
            each(everywhere(), everywhere(), everywhere()),
            mapped(
                each(everywhere(), magnitudes(1e-20, 1e20), magnitudes(1e-20, 1e20)),
                lambda x, r, s: (x * r, x, x * s),
            ),
            mapped(each(everywhere(), around(1.0), around(1.0)), lambda x, r, s: (x * r, x, x * s)),
            each(extremes(), everywhere(), everywhere()),
            each(extremes(), extremes(), extremes()),
        ),
        jax="jnp.linalg.norm(jnp.stack([x, y, z], -1), axis=-1)",
        torch="torch.linalg.norm(torch.stack([x, y, z], -1), dim=-1)",
        autograd="anp.linalg.norm(anp.stack([x, y, z], -1), axis=-1)",
    ),
    Function(
        name="variance",
        arguments="x y z",
        ours="ds.stable.variance(np.stack([x, y, z], -1), axis=-1)",
        value=_variance,
        **_of_three(_variance_first, _variance_second),
        points=_samples(np.inf),
        jax="jnp.var(jnp.stack([x, y, z], -1), axis=-1)",
        torch="torch.var(torch.stack([x, y, z], -1), dim=-1, correction=0)",
        autograd="anp.var(anp.stack([x, y, z], -1), axis=-1)",
    ),
    Function(
        name="std",
        arguments="x y z",
        ours="ds.stable.std(np.stack([x, y, z], -1), axis=-1)",
        value=_std,
        **_of_three(_std_first, _std_second),
        points=_samples(np.inf),
        jax="jnp.std(jnp.stack([x, y, z], -1), axis=-1)",
        torch="torch.std(torch.stack([x, y, z], -1), dim=-1, correction=0)",
        autograd="anp.std(anp.stack([x, y, z], -1), axis=-1)",
        digits=350,
        second_scale=_inverse_std,
    ),
    Function(
        name="sum",
        arguments="x y z",
        ours="ds.stable.sum(np.stack([x, y, z], -1), axis=-1)",
        value=lambda *x: mp.fsum(x),
        **_of_three(lambda i: lambda *x: mp.mpf(1), lambda i, j: lambda *x: mp.mpf(0)),
        points=mix(
            each(everywhere(), everywhere(), everywhere()),
            mapped(each(everywhere(), around(1.0), everywhere()), lambda x, r, y: (x, y, -x * r)),
            each(extremes(infinite=False), extremes(infinite=False), everywhere()),
        ),
        jax="jnp.sum(jnp.stack([x, y, z], -1), axis=-1)",
        torch="torch.sum(torch.stack([x, y, z], -1), dim=-1)",
        autograd="anp.sum(anp.stack([x, y, z], -1), axis=-1)",
        digits=700,
    ),
]
