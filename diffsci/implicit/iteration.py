"""Fixed-point iteration x = g(x), plain or with Anderson's acceleration, finished by a Newton step.

D. G. Anderson, Iterative procedures for nonlinear integral equations, J. ACM 12 (1965); in the form of
H. F. Walker and P. Ni, Anderson acceleration for fixed-point iterations, SIAM J. Numer. Anal. 49 (2011).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.implicit.newton import Outcome, polish, size_of

__all__ = ["iterate"]

MEMORY = 5  # earlier iterates that the acceleration combines


def iterate(
    step: Callable,
    residual: Callable,
    x: np.ndarray,
    tol: float | None,
    maxiter: int,
    holds: Callable[[np.ndarray], bool] = lambda x: True,
    *,
    memory: int,
) -> Outcome:
    """Solve x = g(x), where ``residual(x) = x - g(x)``; the other parameters are those of `newton`."""
    goal = np.finfo(x.dtype).eps ** 0.625 if tol is None else tol
    steps: list[np.ndarray] = []
    changes: list[np.ndarray] = []
    last = None
    for k in range(maxiter):
        f = -residual(x)  # g(x) - x
        norm = float(np.linalg.norm(f))
        if not np.isfinite(norm):
            return Outcome(x, False, k, norm, "the iterates do not stay finite: g is no contraction here")
        if size_of(f) <= goal * max(size_of(x), np.finfo(x.dtype).tiny):
            return polish(step, residual, x, k)
        move = f
        if memory and last is not None:
            steps.append(x - last[0])
            changes.append(f - last[1])
            del steps[:-memory], changes[:-memory]
            columns = np.stack(changes, axis=1)
            weights = np.linalg.lstsq(columns, f, rcond=None)[0]
            move = f - (np.stack(steps, axis=1) + columns) @ weights
        last = x, f
        x = (x + move).astype(x.dtype)
        if not holds(x):
            return Outcome(x, False, k + 1, norm, left=True)
    return Outcome(x, False, maxiter, norm, "the number of iterations is used up")
