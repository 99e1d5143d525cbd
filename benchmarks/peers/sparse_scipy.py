"""Grouped finite differences of SciPy, given our pattern: what its stiff solvers do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize._numdiff import approx_derivative, group_columns

TOLERANCE = 1e-5


def jacobian(f: Callable, side: int, y: np.ndarray, plan) -> tuple[Callable, Callable]:
    """Return what evaluates the matrix, twice."""
    pattern = plan.pattern.astype(float)
    groups = group_columns(pattern)

    def matrix():
        return approx_derivative(f, y, method="2-point", sparsity=(pattern, groups))

    return matrix, matrix
