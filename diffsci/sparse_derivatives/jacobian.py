"""`sparse_jacobian`: exact sparse Jacobians of plain NumPy functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from diffsci.sparse.options import JACOBIAN, Options, user_pattern
from diffsci.sparse_derivatives.derivative import SparseDerivative

__all__ = ["sparse_jacobian"]


def sparse_jacobian(
    f: Callable,
    argnums: int | Sequence[int] = 0,
    mode: str = "auto",
    *,
    pattern: Any = None,
    coloring: Any = None,
    strict: bool = False,
    backend: str = "numba",
) -> SparseDerivative:
    """Return a function that computes the Jacobian of a function as a sparse matrix.

    Parameters
    ----------
    f : callable
        Returns arrays, or containers of them.
    argnums : int or sequence of int
        Positional arguments to differentiate with respect to.
    mode : {"auto", "direct", "forward", "reverse", "bidirectional", "dense"}
        ``direct`` differentiates the formulas of single rows; ``forward``, ``reverse`` and ``bidirectional``
        sweep as many directions at once as the columns, the rows, or both have colors; ``dense`` picks the
        entries out of the dense Jacobian. ``auto`` takes what is predicted to be the cheapest.
    pattern : scipy.sparse matrix or array of bool, optional
        Where entries can be nonzero, in place of the pattern found in the program. It is compared with the
        program at the first call for each kind of arguments.
    coloring : diffsci.coloring.Coloring, optional
        In place of one that is found here.
    strict : bool
        Raise KinkError at kinks and jumps: see `grad`.
    backend : {"numba", "numpy", "cupy"}
        As for `jit`.

    Returns
    -------
    SparseDerivative
        Called like `f`; returns a `scipy.sparse.csr_array` whose rows are the elements of the results and
        whose columns are those of the chosen arguments, in the order of `jacobian` (containers are taken
        apart in their order). Matrices of one pattern share their index arrays, which are read-only:
        ``.copy()`` has its own. ``out=`` takes a matrix returned before, to be filled again;
        ``.plan(*args)`` tells how the matrix is computed.

    Raises
    ------
    TypeError
        If a chosen argument holds something else than real floats, or the function returns None.
    ValueError
        If a mode is not possible, or a pattern or a coloring does not fit.
    KinkError
        With `strict`, at a point where there is no derivative.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> jacobian = ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1))
    >>> J = jacobian(np.arange(1.0, 7.0))
    >>> J.toarray()[:3]
    array([[ 2.,  0.,  0.,  0.,  0., -1.],
           [-1.,  4.,  0.,  0.,  0.,  0.],
           [ 0., -1.,  6.,  0.,  0.,  0.]])
    >>> jacobian(np.zeros(6), out=J) is J
    True
    """
    options = Options(JACOBIAN, mode, user_pattern(JACOBIAN, pattern), coloring, strict)
    return SparseDerivative(f, argnums, options, backend)
