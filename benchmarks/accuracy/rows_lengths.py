"""Lengths: hypot and norms."""

from __future__ import annotations

import mpmath as mp

from benchmarks.accuracy.points import around, each, everywhere, extremes, magnitudes, mapped, mix
from benchmarks.accuracy.row import Function


def _length(*x):
    return mp.inf if any(mp.isinf(v) for v in x) else mp.sqrt(mp.fsum(v * v for v in x))


def _first(index):
    """X[i] / length; 0 at the origin by convention, not judged at infinity."""

    def partial(*x):
        h = _length(*x)
        return mp.nan if mp.isinf(h) else x[index] / h if h else mp.mpf(0)

    return partial


def _second(i, j):
    """(delta_ij length**2 - x[i] x[j]) / length**3; not judged at the origin and at infinity."""

    def partial(*x):
        h = _length(*x)
        if mp.isinf(h) or h == 0:
            return mp.nan
        across = mp.fsum(v * v for k, v in enumerate(x) if k != i) if i == j else -x[i] * x[j]
        return across / h**3

    return partial


def _partials(n):
    return {
        "first": tuple(_first(i) for i in range(n)),
        "second": tuple(_second(i, j) for i in range(n) for j in range(i, n)),
    }


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
        **_partials(3),
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
]
