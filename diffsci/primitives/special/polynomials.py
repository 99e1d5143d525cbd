"""Orthogonal polynomials and hypergeometric functions; degrees and parameters are data.

Formulas: NIST Digital Library of Mathematical Functions (DLMF), 18.9.3 and chapters 13, 15, 16.
"""

from __future__ import annotations

import numpy as np

from diffsci.primitives.special.scipy_special import special
from diffsci.primitives.special.terms import Data, f, row

DEGREE, PARAMETER = Data("the degree"), Data("its parameters")


def _by_degree(function):
    """Whole degrees have evaluations of their own, more accurate; polynomials of negative degree are zero."""

    def value(n, *operands):
        n = np.asarray(n, float)
        whole = n == np.rint(n)
        if not np.all(whole):
            return np.where(whole & (n < 0), 0.0, function(n, *operands))
        return np.where(n < 0, 0.0, function(np.maximum(n, 0).astype(np.int64), *operands))

    return value


row(
    "eval_jacobi",
    _by_degree(special.eval_jacobi),
    *(DEGREE, PARAMETER, PARAMETER),
    lambda n, a, b, x, y: 0.5 * (n + a + b + 1) * f.eval_jacobi(n - 1, a + 1, b + 1, x),
)
row(
    "eval_gegenbauer",
    _by_degree(special.eval_gegenbauer),
    *(DEGREE, PARAMETER),
    lambda n, a, x, y: 2 * a * f.eval_gegenbauer(n - 1, a + 1, x),
)
row(
    "eval_legendre",
    _by_degree(special.eval_legendre),
    DEGREE,
    lambda n, x, y: f.eval_gegenbauer(n - 1, f.like(x, 1.5), x),
)
row(
    "eval_chebyt",
    _by_degree(special.eval_chebyt),
    DEGREE,
    lambda n, x, y: n * f.eval_chebyu(n - 1, x),
)
row(
    "eval_chebyu",
    _by_degree(special.eval_chebyu),
    DEGREE,
    lambda n, x, y: 2 * f.eval_gegenbauer(n - 1, f.like(x, 2.0), x),
)
row(
    "eval_genlaguerre",
    _by_degree(special.eval_genlaguerre),
    *(DEGREE, PARAMETER),
    lambda n, a, x, y: -f.eval_genlaguerre(n - 1, a + 1, x),
)
row(
    "eval_laguerre",
    _by_degree(special.eval_laguerre),
    DEGREE,
    lambda n, x, y: -f.eval_genlaguerre(n - 1, f.like(x, 1.0), x),
)
row(
    "eval_hermite",
    _by_degree(special.eval_hermite),
    DEGREE,
    lambda n, x, y: 2 * n * f.eval_hermite(n - 1, x),
)
row(
    "eval_hermitenorm",
    _by_degree(special.eval_hermitenorm),
    DEGREE,
    lambda n, x, y: n * f.eval_hermitenorm(n - 1, x),
)
row("hyp0f1", special.hyp0f1, PARAMETER, lambda v, z, y: f.hyp0f1(v + 1, z) / v)
row(
    "hyp1f1",
    special.hyp1f1,
    *(PARAMETER, PARAMETER),
    lambda a, b, z, y: a / b * f.hyp1f1(a + 1, b + 1, z),
)
row(
    "hyp2f1",
    special.hyp2f1,
    *(PARAMETER, PARAMETER, PARAMETER),
    lambda a, b, c, z, y: a * b / c * f.hyp2f1(a + 1, b + 1, c + 1, z),
)
row(
    "hyperu",
    special.hyperu,
    *(PARAMETER, PARAMETER),
    lambda a, b, z, y: -a * f.hyperu(a + 1, b + 1, z),
)
