"""Memory for the accepted steps of an integration whose number is not known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np

from solvers.ode import codes

_FIRST_STEPS = 256
_FIRST_BYTES = 1 << 20
_LARGEST_BYTES = 1 << 26


class Recording:
    """Blocks of step ends, of states and of interpolation coefficients, each larger than the one before.

    Parameters
    ----------
    n : int
        Size of a state.
    dtype : numpy.dtype
        Type of its elements.
    n_dense : int
        Interpolation coefficients of a step, 0 to record none.
    states : bool
        Whether to record states; otherwise the last two take turns in one block of two rows.
    machine : Cpu or Cuda
        Where the states lie.
    """

    def __init__(self, n: int, dtype: np.dtype, n_dense: int, states: bool, machine: Any):
        self._machine = machine
        self._n, self._dtype, self._n_dense, self._states = n, dtype, n_dense, states
        self._bytes = n * dtype.itemsize * (1 + n_dense) if states else 8
        self._capacity = max(8, min(_FIRST_STEPS, _FIRST_BYTES // self._bytes))
        self._finished_times: list[np.ndarray] = []
        self.finished_rows: list[np.ndarray] = []
        self.finished_curves: list[np.ndarray] = []
        self.rows = machine.empty((self._capacity if states else 2, n), dtype)
        self._allocate()

    def _allocate(self) -> None:
        self.times = np.empty(self._capacity)
        self.curves = self._machine.empty(
            (self._capacity if self._n_dense else 0, max(self._n_dense, 1) * self._n), self._dtype
        )

    def grow(self, counts: np.ndarray) -> None:
        """Put the filled blocks aside and start larger ones."""
        self.finish(counts)
        self._capacity = min(2 * self._capacity, max(8, _LARGEST_BYTES // self._bytes))
        if self._states:
            self.rows = self._machine.empty((self._capacity, self._n), self._dtype)
            counts[codes.ROW] = 0
        counts[codes.ROW_STEP] = 0
        self._allocate()

    def finish(self, counts: np.ndarray) -> None:
        """Put the filled part of the blocks aside."""
        filled = counts[codes.ROW_STEP]
        self._finished_times.append(self.times[:filled])
        if self._states:
            self.finished_rows.append(self.rows[:filled])
        if self._n_dense:
            self.finished_curves.append(self.curves[:filled])

    def times_from(self, t0: float) -> np.ndarray:
        """The initial time and the ends of all finished steps."""
        return np.concatenate([[t0], *self._finished_times])
