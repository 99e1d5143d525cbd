"""Checks and normal forms of the arguments of `solve_ivp`."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from diffsci.low_level import concrete, is_traced, refuse_device
from diffsci.schedules import Checkpoints
from solvers.ode.methods import Method
from solvers.ode.tape import Controls

_SMALLEST_RTOL = 100 * np.finfo(float).eps
_DEFAULT_MAX_STEPS = 1_000_000


def initial_state(y0: Any) -> Any:
    """The initial state as a real array, traced ones as they are."""
    if is_traced(y0):
        value = concrete(y0)
    else:
        if isinstance(y0, (list, tuple)) and any(map(is_traced, y0)):
            return initial_state(np.stack([v if is_traced(v) else np.float64(v) for v in y0]))
        value = y0 = np.asarray(refuse_device(y0))
    if value.dtype.kind not in "fiub":
        raise ValueError(f"y0 must hold real numbers, got dtype {value.dtype}")
    if value.size == 0:
        raise ValueError(f"y0 has shape {value.shape}: a state needs at least one component")
    if not np.isfinite(value).all():
        bad = np.unravel_index(int(np.flatnonzero(~np.isfinite(value.reshape(-1)))[0]), value.shape)
        raise ValueError(f"y0 is not finite: y0[{', '.join(map(str, bad))}] = {value[bad]}")
    if value.dtype in (np.float64, np.float32):
        return y0 if is_traced(y0) else np.ascontiguousarray(y0).reshape(value.shape)
    return y0.astype(np.float64)


def fixed(value: Any) -> Any:
    """A setting as plain numbers: a compiled program that contains the integration holds for these only."""
    if is_traced(value):
        return value.pinned()
    if isinstance(value, (list, tuple)):
        return [fixed(item) for item in value]
    return value


def all_times(t_span: Any, t_eval: Any) -> tuple[np.ndarray, Any]:
    """The ends of the integration, then the output times: as plain numbers, and traced (None if plain).

    Output times must come in order of integration, as SciPy demands it.
    """
    ends = tuple(t_span)
    if len(ends) != 2:
        raise ValueError(f"t_span must be (t0, t1), got {len(ends)} entries")
    if t_eval is not None and not is_traced(t_eval) and not isinstance(t_eval, np.ndarray):
        t_eval = list(t_eval)
    points = [] if t_eval is None else t_eval
    if any(map(np.ndim, points)) if isinstance(points, list) else points.ndim != 1:
        raise ValueError("t_eval must be 1-dimensional, a sequence of numbers")
    parts = [*ends, *points] if isinstance(points, list) else [*ends, points]
    traced = None
    if any(map(is_traced, parts)):
        flat = [np.reshape(part, (-1,)) for part in parts]
        traced = np.concatenate([part if is_traced(part) else part.astype(float) for part in flat])
        traced = traced if traced.dtype == float else traced.astype(float)
        parts = [concrete(part) for part in parts]
        points = parts[2:] if isinstance(points, list) else parts[2]
    plain = np.empty(2 + len(points))
    plain[0], plain[1] = parts[0], parts[1]
    plain[2:] = points
    check_times(plain)
    return plain, traced


def check_times(times: np.ndarray) -> None:
    """Refuse ends and output times that are no interval with points inside it, in order."""
    t0, t1, evals = float(times[0]), float(times[1]), times[2:]
    if not (isfinite(t0) and isfinite(t1)):
        raise ValueError(f"t_span must be finite, got ({t0}, {t1})")
    if not len(evals):
        return
    low, high = (t0, t1) if t0 <= t1 else (t1, t0)
    if not (low <= evals.min() and evals.max() <= high):
        raise ValueError(f"values in t_eval are not within t_span ({t0}, {t1})")
    ahead = evals[1:] > evals[:-1] if t1 >= t0 else evals[1:] < evals[:-1]
    if not ahead.all():
        raise ValueError("values in t_eval are not properly sorted: they must go from t_span[0] to t_span[1]")


def tolerance(atol: Any, shape: tuple[int, ...], n_integrals: int) -> np.ndarray:
    """Absolute tolerances: one for all, or one per component (integrals take the largest)."""
    if type(atol) is float and 0 <= atol < np.inf:
        return np.array([atol])
    values = np.asarray(atol, dtype=float)
    if np.any(values < 0) or not np.all(np.isfinite(values)):
        raise ValueError(f"atol must be finite and not negative, got {atol}")
    if values.size == 1:
        return values.reshape(1)
    size = int(np.prod(shape, dtype=np.int64))
    if values.shape == (size + n_integrals,) and n_integrals:
        return np.ascontiguousarray(values)
    try:
        full = np.broadcast_to(values, shape).reshape(-1)
    except ValueError:
        raise ValueError(f"atol has shape {values.shape}, the state {shape}") from None
    return np.concatenate([full, np.full(n_integrals, full.max())])


def controls_of(
    method: Method,
    t0: float,
    t1: float,
    rtol: float,
    atol: np.ndarray,
    first_step: float | None,
    max_step: float,
    max_steps: int | None,
    step: Any,
    n_steps: int | None,
    checkpoints: Checkpoints,
) -> Controls:
    """Check the settings of an integration and put them together."""
    if not rtol >= 0:
        raise ValueError(f"rtol must not be negative, got {rtol}")
    if not max_step > 0:
        raise ValueError(f"max_step must be positive, got {max_step}")
    if first_step is not None and not 0 < first_step <= max(abs(t1 - t0), np.finfo(float).tiny):
        raise ValueError(
            f"first_step must lie in (0, {abs(t1 - t0)}], the length of t_span, got {first_step}"
        )
    if first_step is not None and (step is not None or n_steps is not None):
        raise ValueError("first_step is for adaptive steps: leave it out with step or n_steps")
    ends = _step_ends(step, n_steps, t0, t1) if np.ndim(step) else None
    return Controls(
        t0=t0,
        t1=t1,
        rtol=max(float(rtol), _SMALLEST_RTOL),
        atol=atol,
        max_step=float(max_step),
        first_step=None if first_step is None else float(first_step),
        max_steps=_DEFAULT_MAX_STEPS if max_steps is None else _count("max_steps", max_steps),
        n_steps=_fixed_steps(method, abs(t1 - t0), step, n_steps) if ends is None else len(ends) - 1,
        checkpoints=_checkpoints(checkpoints),
        ends=ends,
    )


def _checkpoints(value: Any) -> Checkpoints:
    return value if value is None or callable(value) else _count("checkpoints", value)


def _count(name: str, value: Any) -> int:
    if int(value) != value or value < 1:
        raise ValueError(f"{name} must be a whole number >= 1, got {value}")
    return int(value)


def _step_ends(step: Any, n_steps: int | None, t0: float, t1: float) -> np.ndarray:
    """The initial time and the ends of all steps, where each of them is given."""
    if n_steps is not None:
        raise ValueError("give either step or n_steps, not both")
    ends = np.array(step, dtype=float)
    sizes = np.diff(ends) if t1 >= t0 else -np.diff(ends)
    if ends.ndim != 1 or len(ends) < 2 or ends[0] != t0 or ends[-1] != t1 or not np.all(sizes > 0):
        raise ValueError(f"step as an array holds the times {t0}, ..., {t1}: the ends of all steps, in order")
    return ends


def _fixed_steps(method: Method, length: float, step: float | None, n_steps: int | None) -> int | None:
    """Number of fixed steps, or None for adaptive ones."""
    if step is None and n_steps is None:
        if not method.adaptive:
            raise ValueError(f"{method.name} has no error estimate: give n_steps=... or step=...")
        return None
    if n_steps is not None:
        if step is not None:
            raise ValueError("give either step or n_steps, not both")
        return _count("n_steps", n_steps)
    if not step > 0:
        raise ValueError(f"step must be positive, got {step}")
    # A whole number of steps up to rounding is that number.
    return max(1, int(np.ceil(length / step * (1 - 1e-12))))
