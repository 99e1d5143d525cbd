"""Why an integration failed: the time, the step, the component and what to try."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solvers.ode import codes

# SciPy's status of a failed integration.
FAILED = -1


@dataclass(frozen=True)
class Failure:
    """A failed integration.

    Attributes
    ----------
    code : int
        One of the negative codes of `codes`.
    t, step : float, int
        Where the failed step began, and how many steps were accepted before it.
    h : float
        The step size of the last attempt.
    component : int or None
        Flat index of the component that spoiled the step.
    share : float
        The component's share of the squared error norm.
    detail : str
        The program's own message.
    """

    code: int
    t: float
    step: int
    h: float = 0.0
    component: int | None = None
    share: float = 0.0
    detail: str = ""

    def message(self, shape: tuple[int, ...], names: list[str] | None = None) -> str:
        """One line for the user."""
        where = f"at t = {self.t:.9g} in step {self.step + 1}"
        part = component_name(self.component, shape, names)
        if self.code == codes.TOO_MANY_STEPS:
            return (
                f"{self.step} steps led only to t = {self.t:.9g} (step size {abs(self.h):.3g}): raise "
                "max_steps, loosen rtol and atol, or take a stiff method (Rodas5P)"
            )
        if self.code == codes.NON_FINITE:
            culprit = f"; first in {part}" if part else ""
            return (
                f"the right-hand side is not finite {where}, however small the step ({abs(self.h):.3g})"
                f"{culprit}: look there for a logarithm, a root, a division or an overflow"
            )
        if self.code == codes.UNDERFLOW:
            culprit = f"; {part} has {self.share:.0%} of the error" if part else ""
            return (
                f"the step size fell to the spacing of numbers {where} ({abs(self.h):.3g}){culprit}: the "
                "solution may be singular there, or the tolerances out of reach"
            )
        return f"the model failed {where}: {self.detail}"


def component_name(index: int | None, shape: tuple[int, ...], names: list[str] | None) -> str:
    """Name a component of the state: the user's name, else its index.

    Examples
    --------
    >>> component_name(4, (2, 3), None)
    'y[1, 1]'
    >>> component_name(1, (2,), ["prey", "predator"])
    "'predator' (y[1])"
    """
    if index is None:
        return ""
    size = int(np.prod(shape, dtype=np.int64))
    if index >= size:
        return f"integral q[{index - size}]"
    position = ", ".join(str(int(i)) for i in np.unravel_index(index, shape)) if shape else ""
    plain = f"y[{position}]" if shape else "y"
    return f"{names[index]!r} ({plain})" if names else plain


def worst_component(errors: np.ndarray, y: np.ndarray, y_new: np.ndarray, rtol: float, atol: np.ndarray):
    """Index of the component with the largest scaled error, or of the first that is not finite; its share."""
    scaled = errors / (atol + rtol * np.maximum(np.abs(y), np.abs(y_new)))
    squares = np.where(np.isfinite(y_new), scaled * scaled, np.nan)
    bad = np.flatnonzero(~np.isfinite(squares))
    if len(bad):
        return int(bad[0]), 1.0
    worst = int(np.argmax(squares))
    total = squares.sum()
    return worst, float(squares[worst] / total) if total > 0 else 0.0
