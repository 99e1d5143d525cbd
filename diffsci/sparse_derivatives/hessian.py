"""`sparse_hessian`: exact sparse Hessians of plain NumPy functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from diffsci.differentiation import gradient_of
from diffsci.sparse.options import HESSIAN, Options, user_pattern
from diffsci.sparse_derivatives.derivative import SparseDerivative

__all__ = ["sparse_hessian"]


def sparse_hessian(
    f: Callable,
    argnums: int | Sequence[int] = 0,
    mode: str = "auto",
    *,
    pattern: Any = None,
    coloring: Any = None,
    strict: bool = False,
    backend: str = "numba",
) -> SparseDerivative:
    """Return a function that computes the Hessian of a scalar function as a sparse matrix.

    Parameters
    ----------
    f : callable
        Returns one real number.
    argnums : int or sequence of int
        Positional arguments to differentiate with respect to.
    mode : {"auto", "direct", "star", "acyclic", "forward", "dense"}
        ``direct`` differentiates the formulas of single rows of the gradient; ``star`` and ``acyclic`` sweep
        as many directions at once as such colorings have colors, the latter has fewer and recovers entries by
        substitution; ``forward`` makes no use of symmetry; ``dense`` picks the entries out of the dense
        Hessian. ``auto`` takes what is predicted to be the cheapest.
    strict : bool
        Raise KinkError at kinks and jumps of the function, and where the two sides of a choice differ in
        their second derivatives: see `grad`.
    pattern, coloring, backend
        As for `sparse_jacobian`. A pattern must be symmetric.

    Returns
    -------
    SparseDerivative
        As of `sparse_jacobian`: rows and columns are the elements of the chosen arguments.

    Raises
    ------
    TypeError
        If the result is not one real number, or a chosen argument holds something else than real floats.
    ValueError
        If a mode is not possible, or a pattern or a coloring does not fit.
    KinkError
        With `strict`, at a point where there is no second derivative.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> chain = lambda x: np.sum((x[1:] - x[:-1] ** 2) ** 2)
    >>> H = ds.sparse_hessian(chain)(np.arange(1.0, 7.0))
    >>> H.toarray()[:3]
    array([[  4.,  -4.,   0.,   0.,   0.,   0.],
           [ -4.,  38.,  -8.,   0.,   0.,   0.],
           [  0.,  -8.,  94., -12.,   0.,   0.]])
    """
    options = Options(HESSIAN, mode, user_pattern(HESSIAN, pattern), coloring, strict)
    return SparseDerivative(gradient_of("sparse_hessian", f, argnums, 2 * strict), argnums, options, backend)
