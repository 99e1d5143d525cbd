"""What an integration is steered by, and what it leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
    grid : numpy.ndarray or None
        All step ends, the initial time first, for fixed steps.
    checkpoints : int or None
        States kept for the reverse sweep; None keeps all.
    """

    t0: float
    t1: float
    rtol: float
    atol: np.ndarray
    max_step: float
    first_step: float | None
    max_steps: int
    grid: np.ndarray | None
    checkpoints: int | None


@dataclass(eq=False)
class Tape:
    """A finished or failed integration, as far as replays and results need it.

    Attributes
    ----------
    times : numpy.ndarray
        The initial time and the ends of all accepted steps.
    end : numpy.ndarray
        The state at the last of them.
    states, curves : list of numpy.ndarray
        Blocks of recorded states (behind the initial one) and interpolation coefficients, or empty.
    failure : Failure or None
        Why the integration ended early.
    attempts, rejected : int
        Steps tried, and those of them that were not accepted.
    sweeps : list of Replay
        At most one reverse sweep that this integration has begun: the checkpoints stored on the way. Whoever
        continues it takes it out, because reversing uses its checkpoints up.
    """

    times: np.ndarray
    end: np.ndarray
    states: list[np.ndarray] = field(default_factory=list)
    curves: list[np.ndarray] = field(default_factory=list)
    failure: Failure | None = None
    attempts: int = 0
    rejected: int = 0
    sweeps: list = field(default_factory=list)

    @property
    def n_steps(self) -> int:
        """Number of accepted steps."""
        return len(self.times) - 1
