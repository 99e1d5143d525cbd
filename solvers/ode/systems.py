"""The linear systems of implicit steps: how their matrix is kept and factored, and why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import diffsci as ds
from diffsci.low_level import factoring_of, sparse_diagonal, sparse_factors

__all__ = ["Systems"]

# Up to this order a dense matrix is always the quicker one, whatever its pattern. Sparse factors are those of
# the host: for a device that order is a larger one.
_SMALL, _SMALL_ON_DEVICE = 32, 2000

# Costs of dense work, in the unit of those of `factoring_of`: of an operation of a large factorization, and
# of what is read and written for an entry of the matrix, its Jacobian included.
_OPERATION, _ENTRY = 0.25, 20.0


@dataclass
class Systems:
    """How the systems ``(I / scale - J) x = b`` of a problem are solved, chosen by the first step.

    Attributes
    ----------
    structure : str
        ``"dense"``, ``"banded"``, ``"sparse"``, or ``""`` as long as nothing is chosen.
    reason : str
        Why, for people.
    on_device : bool
        Whether steps run on a device.
    """

    structure: str = ""
    reason: str = ""
    on_device: bool = False

    def solver(self, f: Callable, y, scale) -> Callable:
        """Factor the matrix of a function at a point, inside of a trace.

        Parameters
        ----------
        f : callable
            ``f(y)``, of a vector; J is its Jacobian.
        y : array, shape (n,)
        scale : scalar

        Returns
        -------
        callable
            ``solve(b)``.
        """
        if not self.structure:
            self._choose(f, y)
        if self.structure != "dense":
            diagonal = np.full(y.size, 1.0, y.dtype) / scale
            return sparse_factors(sparse_diagonal(diagonal) - ds.sparse_jacobian(f)(y)).solve
        matrix = np.eye(y.size, dtype=y.dtype) / scale - ds.jacobian(f)(y)
        return lambda b: np.linalg.solve(matrix, b)

    def _choose(self, f: Callable, y) -> None:
        n = y.size
        if n <= (_SMALL_ON_DEVICE if self.on_device else _SMALL):
            self.structure, self.reason = "dense", f"{n} unknowns{' on a device' if self.on_device else ''}"
            return
        places = ds.sparse_jacobian(f).pattern(y)
        share = f"{places.nnz} of {n * n} entries can be nonzero"
        kind, form, cost = factoring_of(*_columns(places))
        if kind == "dense":
            self.structure, self.reason = kind, share
            return
        dense = _OPERATION * 2 / 3 * n**3 + _ENTRY * n**2
        quicker, times = (kind, dense / cost) if cost < dense else ("dense", cost / dense)
        self.structure = quicker
        self.reason = f"{share}, {form}: {quicker} factors are predicted to be {times:.2g} times quicker"


def _columns(places) -> tuple[np.ndarray, np.ndarray]:
    """Return the pattern of the systems by columns: that of the Jacobian, and the diagonal."""
    from scipy.sparse import csr_array, eye_array

    ones = csr_array((np.ones(places.nnz), places.indices, places.indptr), shape=places.shape)
    columns = (ones + eye_array(places.shape[0])).tocsc()
    columns.sort_indices()
    return columns.indices, columns.indptr
