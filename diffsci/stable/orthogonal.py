"""Factorizations by orthogonal transforms: they do not square the condition number."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from diffsci.stable.calling import floats, holds_traced, plain_or_traced
from diffsci.tracing import operations as ops

__all__ = ["lstsq", "qr"]


def qr(a: ArrayLike) -> tuple[Any, Any]:
    """Return q with orthonormal columns and r upper triangular, ``a = q @ r``, by Householder's reflections.

    Parameters
    ----------
    a : array_like, shape (..., m, n)
        Real or complex matrices.

    Returns
    -------
    q : ndarray, shape (..., m, min(m, n))
    r : ndarray, shape (..., min(m, n), n)

    Raises
    ------
    numpy.linalg.LinAlgError
        If `a` has fewer than two dimensions.

    Notes
    -----
    `q` is orthonormal to rounding, however ill-conditioned `a` is (Householder, J. ACM 5 (1958); Higham,
    Accuracy and Stability of Numerical Algorithms, 19.3); Cholesky's factor of ``a.T @ a`` has half the
    digits, or does not exist. `numpy.linalg.qr` in a traced function is the same function.

    Examples
    --------
    >>> q, r = qr([[1.0, 1.0], [1e-9, 0.0], [0.0, 1e-9]])
    >>> float(abs(q.T @ q - np.eye(2)).max()) < 1e-15
    True
    """
    q, r = np.linalg.qr(ops.traced(a) if holds_traced(a) else floats(a)[0])
    return q, r


def lstsq(a: ArrayLike, b: ArrayLike) -> Any:
    """Return the x of least ``norm(a @ x - b)``, and of those the shortest, by orthogonal transforms.

    Parameters
    ----------
    a : array_like, shape (m, n)
    b : array_like, shape (m,) or (m, k)

    Returns
    -------
    ndarray, shape (n,) or (n, k)

    Raises
    ------
    numpy.linalg.LinAlgError
        If `a` is not one matrix, or shapes do not fit.

    Notes
    -----
    Singular values below ``max(m, n) * eps`` times the largest count as zero, as in `numpy.linalg.lstsq`,
    which reaches the same rules in a traced function. The normal equations ``a.T @ a @ x = a.T @ b`` square
    the condition number: with 1e9 they have no digit left where this function has seven.

    Examples
    --------
    >>> lstsq([[1.0, 1.0], [1e-9, 0.0], [0.0, 1e-9]], [2.0, 1e-9, 1e-9]).round(6)
    array([1., 1.])
    """
    return plain_or_traced(_solution, _solution, a, b)


def _solution(a: Any, b: Any) -> Any:
    return np.linalg.lstsq(a, b, rcond=None)[0]
