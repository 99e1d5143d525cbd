"""What an integration is steered by, and what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from diffsci.schedules import Checkpoints
from solvers.ode.failures import Failure


@dataclass(frozen=True, eq=False)
class Controls:
    """The settings of an integration.

    Attributes
    ----------
    t0, t1 : float
        The time span.
    rtol, atol : float, numpy.ndarray
        Tolerances; `atol` has one entry, or one for every component.
    max_step, first_step, max_steps : float, float or None, int
        Bounds of adaptive steps.
    n_steps : int or None
        Number of fixed steps; None for adaptive ones.
    ends : numpy.ndarray or None
        Where fixed steps end, the initial time first; None for equal ones.
    checkpoints : int, callable or None
        States kept for the reverse sweep, or the rule of its schedule; None keeps all.
    """

    t0: float
    t1: float
    rtol: float
    atol: np.ndarray
    max_step: float
    first_step: float | None
    max_steps: int
    n_steps: int | None
    checkpoints: Checkpoints
    ends: np.ndarray | None = None

    def over(self, t0: float, t1: float) -> Controls:
        """The same settings for another time span."""
        if self.ends is not None and (self.ends[0] != t0 or self.ends[-1] != t1):
            raise ValueError(f"steps are given for the span ({self.t0}, {self.t1}), not for ({t0}, {t1})")
        return replace(self, t0=t0, t1=t1)

    def grid(self) -> np.ndarray:
        """The initial time and the ends of fixed steps."""
        if self.ends is not None:
            return self.ends
        if self.t0 == self.t1:
            return np.array([self.t0])
        grid = self.t0 + (self.t1 - self.t0) * (np.arange(self.n_steps + 1) / self.n_steps)
        grid[-1] = self.t1
        return grid


@dataclass(eq=False)
class Tape:
    """A finished or failed integration, as far as replays and results need it.

    Attributes
    ----------
    times : numpy.ndarray
        The initial time and the ends of all accepted steps.
    states, curves : list of numpy.ndarray
        Blocks of recorded states (behind the initial one) and interpolation coefficients, or empty.
    failure : Failure or None
        Why the integration ended early.
    attempts, rejected : int
        Steps tried, and those of them that were not accepted.
    advanced, reversed : int
        Steps taken forward and backward by the last reverse sweep.
    evals : numpy.ndarray
        Output times in order of integration.
    sweeps : list of Replay
        At most one reverse sweep that this integration has begun: the checkpoints stored on the way. Whoever
        continues it takes it out, because reversing uses its checkpoints up.
    """

    times: np.ndarray
    states: list[np.ndarray] = field(default_factory=list)
    curves: list[np.ndarray] = field(default_factory=list)
    failure: Failure | None = None
    attempts: int = 0
    rejected: int = 0
    advanced: int = 0
    reversed: int = 0
    evals: np.ndarray = field(default_factory=lambda: np.empty(0))
    sweeps: list = field(default_factory=list)

    @property
    def n_steps(self) -> int:
        """Number of accepted steps."""
        return len(self.times) - 1
