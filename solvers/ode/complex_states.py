"""Complex states and parameters: integrated as pairs of real numbers, the parts along a last axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.low_level import (
    ComplexArray,
    entering,
    is_complex,
    is_traced,
    join_complex,
    leaving,
    private_copy,
)
from solvers.ode.result import DenseSolution, OdeResult


def is_complex_state(y0: Any) -> bool:
    """Whether an initial state is complex: an array, a number, or a sequence that holds a complex number."""
    return is_complex(y0) or (isinstance(y0, (list, tuple)) and any(map(is_complex_state, y0)))


def state_in_parts(y0: Any) -> Any:
    """The initial state as a real array with a last axis of two."""
    if isinstance(y0, (list, tuple)):
        traced = any(map(is_traced, y0))
        y0 = np.stack([y * (1 + 0j) for y in y0]) if traced else np.asarray(y0, complex)
    return entering(y0)


def model_in_parts(model: Callable, whole: bool) -> Callable:
    """``fun(t, y, *args)`` of a user on split arguments; with `whole`, the state has parts, too."""

    def split_model(t: Any, y: Any, *args: Any) -> Any:
        result = private_copy(model)(t, leaving(y) if whole else y, *join_complex(args))
        return _parts(result) if whole else result

    return split_model


def quadrature_in_parts(integrand: Callable, whole: bool) -> Callable:
    """``quadrature(t, y, *args)`` of a user on split arguments; the integrand is real."""

    def split_integrand(t: Any, y: Any, *args: Any) -> Any:
        return private_copy(integrand)(t, leaving(y) if whole else y, *join_complex(args))

    return split_integrand


def _parts(result: Any) -> Any:
    if isinstance(result, (list, tuple)):
        return [_parts(item) for item in result]
    return entering(result * (1 + 0j))


def tolerance_in_parts(atol: Any) -> Any:
    """Absolute tolerances of the components hold for both of their parts."""
    return atol if np.ndim(atol) == 0 else np.asarray(atol)[..., None]


def names_in_parts(names: Sequence[str] | None) -> list[str] | None:
    """Names of the parts of named components."""
    return None if names is None else [f"{name}.{part}" for name in names for part in ("real", "imag")]


def with_complex_states(result: OdeResult, ndim: int) -> OdeResult:
    """The result with complex states; `ndim` is the number of axes of a state."""
    y = result["y"]
    if is_traced(y):
        ahead = (slice(None),) * ndim
        # Two separate reads: a final state alone does not ask for the whole trajectory.
        result["y"] = ComplexArray(y[(*ahead, 0)], y[(*ahead, 1)])
    else:
        result["y"] = leaving(np.moveaxis(y, ndim, -1))
    if result["sol"] is not None:
        result["sol"] = ComplexSolution(result["sol"], ndim)
    return result


class ComplexSolution:
    """The solution as a function of time, complex. See `DenseSolution`."""

    def __init__(self, parts: DenseSolution, ndim: int):
        self._parts, self._ndim = parts, ndim
        self.ts, self.t_min, self.t_max = parts.ts, parts.t_min, parts.t_max

    def __call__(self, t: Any) -> np.ndarray:
        """Evaluate at a time, or at an array of times (the last axis of the result)."""
        return leaving(np.moveaxis(self._parts(t), self._ndim, -1))
