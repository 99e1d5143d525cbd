"""Damped Newton iteration, to rounding.

Far from a solution the step is halved until the residual shrinks (Armijo's rule). Near one, Newton's
corrections shrink quadratically until rounding stops them: there the iteration ends, so that derivatives by
the implicit function theorem are as good as the problem's condition allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Outcome", "newton", "polish", "size_of"]

LEAST_STEP = 2.0**-30
SUFFICIENT = 1e-4  # of the decrease that the linear model promises


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where an iteration ended.

    Attributes
    ----------
    x : ndarray
    converged : bool
    iterations : int
    residual : float
        Norm of the residual at `x`.
    reason : str
        Why it did not converge.
    left : bool
        It stopped because `x` is on another branch of the model.
    """

    x: np.ndarray
    converged: bool
    iterations: int
    residual: float
    reason: str = ""
    left: bool = False


def newton(
    step: Callable,
    residual: Callable,
    x: np.ndarray,
    tol: float | None,
    maxiter: int,
    holds: Callable[[np.ndarray], bool] = lambda x: True,
) -> Outcome:
    """Solve r(x) = 0.

    Parameters
    ----------
    step : callable
        ``step(x) -> (r(x), -J(x)^-1 r(x))``.
    residual : callable
        ``residual(x) -> r(x)``.
    x : ndarray
        The start.
    tol : float or None
        Size of the last correction relative to the solution; None: down to rounding.
    maxiter : int
    holds : callable
        Tells whether the functions are valid at a point; the iteration stops where they are not.
    """
    eps = np.finfo(x.dtype).eps
    goal = 4.0 * eps if tol is None else tol
    scale, before = size_of(x), np.inf
    for k in range(maxiter):
        r, correction = step(x)
        norm = _norm(r)
        if not np.isfinite(norm):
            return Outcome(x, False, k, norm, "the residual is not finite")
        if norm == 0.0:
            return Outcome(x, True, k, norm)
        if not np.all(np.isfinite(correction)):
            return Outcome(x, False, k, norm, "the Jacobian is singular there")
        scale = max(scale, size_of(x))
        size = size_of(correction)
        at_rounding = size <= 10.0 * np.sqrt(eps) * scale and size >= 0.25 * before
        if size <= goal * scale or at_rounding:
            return polish(step, residual, x + correction, k + 1)
        before = size
        x, shrinks = _damped(residual, x, correction, norm)
        if not shrinks:
            x, shrinks = _contracted(step, x, correction)
        if not shrinks:
            return Outcome(x, False, k + 1, norm, "no step along Newton's direction helps")
        if not holds(x):
            return Outcome(x, False, k + 1, norm, left=True)
    return Outcome(x, False, maxiter, _norm(residual(x)), "the number of iterations is used up")


def _damped(
    residual: Callable, x: np.ndarray, correction: np.ndarray, norm: float
) -> tuple[np.ndarray, bool]:
    """Return the first of the steps 1, 1/2, 1/4, ... that makes the residual smaller."""
    eps = np.finfo(x.dtype).eps
    length = 1.0
    while length >= LEAST_STEP:
        trial = (x + length * correction).astype(x.dtype)
        found = _norm(residual(trial))
        if found <= (1.0 - SUFFICIENT * length) * norm:
            return trial, True
        # A full step near the solution may be all rounding: the next correction will tell.
        if length == 1.0 and size_of(correction) <= np.sqrt(eps) * size_of(x) and np.isfinite(found):
            return trial, True
        length *= 0.5
    return x, False


def _contracted(step: Callable, x: np.ndarray, correction: np.ndarray) -> tuple[np.ndarray, bool]:
    """Return the full step if the next correction is half as large.

    This natural monotonicity does not depend on how the equations are scaled: rounding of large residuals
    hides the progress of small ones (P. Deuflhard, Newton methods for nonlinear problems, 2004, section 3.3).
    """
    trial = (x + correction).astype(x.dtype)
    _, following = step(trial)
    shrinks = bool(np.all(np.isfinite(following))) and size_of(following) <= 0.5 * size_of(correction)
    return (trial, True) if shrinks else (x, False)


def polish(step: Callable, residual: Callable, x: np.ndarray, k: int) -> Outcome:
    """Take one more full step from a point that is close to a solution; it must stay close."""
    eps = np.finfo(x.dtype).eps
    r, correction = step(x)
    norm = _norm(r)
    if norm == 0.0:
        return Outcome(x, True, k, norm)
    if not np.all(np.isfinite(correction)):
        return Outcome(x, False, k, norm, "the Jacobian is singular at the solution")
    if size_of(correction) > 1e2 * np.sqrt(eps) * max(size_of(x), size_of(x + correction)):
        return Outcome(x, False, k, norm, "the corrections do not become small")
    better = (x + correction).astype(x.dtype)
    return Outcome(better, True, k, _norm(residual(better)))


def _norm(r: np.ndarray) -> float:
    return float(np.linalg.norm(r))


def size_of(x: np.ndarray) -> float:
    """Return the largest magnitude."""
    return float(np.max(np.abs(x), initial=0.0))
