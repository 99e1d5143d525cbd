"""What `solve_ivp` returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.low_level import TracedArray


class OdeResult(dict):
    """Fields of a solution, as attributes and as items (the names and shapes are SciPy's, and ours).

    Attributes
    ----------
    t : numpy.ndarray, shape (n_points,)
        Times of the states in `y`.
    y : numpy.ndarray, shape (*y0.shape, n_points)
        The states. Under differentiation a traced array; without `t_eval` then a `Trajectory`.
    q : numpy.ndarray, shape (*integrand.shape, n_points), or None
        The integrals of `quadrature` from the initial time on.
    sol : DenseSolution or None
        The solution as a function of time, with `dense_output`.
    status, message, success : int, str, bool
        0 for a finished integration; -1 for a failed one, with the reason in words.
    nfev, njev, nlu : int
        Evaluations of the right-hand side and of the Jacobian, LU factorisations.
    systems : Systems or None
        How the linear systems of implicit steps were solved, ``sol.systems.structure``, and
        ``sol.systems.reason``; None for explicit methods.
    nsteps, nrejected : int
        Steps accepted and rejected.
    h : numpy.ndarray
        Sizes of the accepted steps.
    t_last : float
        How far the integration came.
    t_events, y_events : None
        For code that expects SciPy's fields.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__

    def __dir__(self):
        return list(self.keys())

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:>{width}}: {value!r}" for name, value in self.items())


class LazyFields(OdeResult):
    """A solution under differentiation: statistics are those of the latest run, read when asked for."""

    def __init__(self, fields: dict[str, Any], statistics: Callable[[], dict[str, Any]]):
        super().__init__(fields)
        object.__setattr__(self, "_statistics", statistics)

    def __missing__(self, name: str) -> Any:
        values = object.__getattribute__(self, "_statistics")()
        if name not in values:
            raise KeyError(name)
        return values[name]


class Trajectory(TracedArray):
    """States at all steps of a differentiated integration without `t_eval`.

    The number of steps is known only when the integration runs. ``y[..., -1]``, ``y[i, -1]`` and ``y[i][-1]``
    use the final state alone; any other use asks for the states at the step ends of the first run, as with
    `t_eval`.

    Parameters
    ----------
    final : traced array
        The state at the end.
    materialise : callable
        Returns the states at the step ends, last axis time, as a traced array.
    """

    __slots__ = ("_final", "_held", "_materialise")

    def __init__(self, final: Any, materialise: Callable[[], Any]):
        self._final, self._materialise, self._held = final, materialise, None
        super().__init__(final.owner, None)

    @property
    def _node(self) -> Any:
        """What a traced array reads, made when it is read first."""
        if self._held is None:
            self._held = self._materialise().read()
        return self._held

    @_node.setter
    def _node(self, node: Any) -> None:
        self._held = node

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        axes = self._final.ndim + 1
        if any(k is Ellipsis for k in keys):
            at = next(i for i, k in enumerate(keys) if k is Ellipsis)
            fill = axes - (len(keys) - 1)
            keys = (*keys[:at], *(slice(None),) * fill, *keys[at + 1 :])
        if self._version == 0 and all(isinstance(k, (int, np.integer, slice)) for k in keys):
            if len(keys) == axes and not isinstance(keys[-1], slice) and keys[-1] == -1:
                return self._final[keys[:-1]] if axes > 1 else self._final
            if len(keys) < axes:
                return Trajectory(self._final[keys], lambda: super(Trajectory, self).__getitem__(keys))
        return super().__getitem__(key)

    def __len__(self) -> int:
        return super().__len__() if self._final.ndim == 0 else len(self._final)

    def __iter__(self):
        return super().__iter__() if self._final.ndim == 0 else (self[k] for k in range(len(self)))


class DenseSolution:
    """The solution as a function of time, from the interpolants of all steps.

    Parameters
    ----------
    times : numpy.ndarray
        The initial time and all step ends.
    states, curves : numpy.ndarray
        State and interpolation coefficients at the start of each step, shapes (steps, n) and (steps, m, n).
    shape : tuple
        Shape of a state.

    Attributes
    ----------
    ts, t_min, t_max : numpy.ndarray, float, float
        As in SciPy's ``OdeSolution``.
    """

    def __init__(self, times: np.ndarray, states: np.ndarray, curves: np.ndarray, shape: tuple[int, ...]):
        self.ts = times
        self.t_min, self.t_max = float(times.min()), float(times.max())
        self._states, self._curves, self._shape = states, curves, shape

    def __call__(self, t: Any) -> np.ndarray:
        """Evaluate at a time, or at an array of times (the last axis of the result)."""
        from solvers.ode.tableaus.records import basis

        t = np.asarray(t, dtype=float)
        points = t.reshape(-1)
        backward = self.ts[-1] < self.ts[0]
        ends, at = (-self.ts, -points) if backward else (self.ts, points)
        step = np.clip(np.searchsorted(ends, at, side="left") - 1, 0, len(self.ts) - 2)
        theta = (points - self.ts[step]) / (self.ts[step + 1] - self.ts[step])
        weights = basis(theta, self._curves.shape[1])
        values = self._states[step] + np.einsum("jp,pjn->pn", weights, self._curves[step])
        return np.moveaxis(values.reshape(*t.shape, *self._shape), range(t.ndim), range(-t.ndim, 0))
