"""What a method is made of: numbers only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ExplicitTableau:
    """An explicit Runge-Kutta method with error estimates and an interpolant.

    Stage ``i`` is ``k[i] = f(t + c[i] h, y + h sum_j a[i, j] k[j])``. The first ``stages`` stages give the
    result, ``y_new = y + h sum_j b[j] k[j]``. The next one is ``f`` at the result, and those behind it serve
    the interpolant only; rows of `a` and `c` exist for all of them.

    Attributes
    ----------
    name : str
        The method's name.
    order : int
        Order of the result.
    error_order : int
        Order of the error estimate's lower-order companion; it sets the exponents of the step control.
    stages : int
        Number of stages that the result needs.
    a, b, c : numpy.ndarray
        The coefficients above.
    error : numpy.ndarray
        One row of weights per error estimate, over the stages and (where it is one longer than `b`) ``f`` at
        the result. No row: no error estimate, the method runs with fixed steps.
    dense : numpy.ndarray
        Weights of the interpolant: ``y(theta) = y + h sum_j N_j(theta) (dense[j] @ k)`` with N of `basis`.
    dense_order : int
        Order of the interpolant.
    """

    name: str
    order: int
    error_order: int
    stages: int
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray
    error: np.ndarray
    dense: np.ndarray
    dense_order: int


@dataclass(frozen=True, eq=False)
class RosenbrockTableau:
    """A Rosenbrock method in the form that needs no product with the Jacobian.

    With ``W = I / (h gamma) - J``, stage ``i`` solves
    ``W u[i] = f(t + c[i] h, y + sum_j a[i, j] u[j]) + sum_j C[i, j] u[j] / h + h d[i] df/dt``; the result is
    ``y + sum_j b[j] u[j]`` (E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, IV.7).

    Attributes
    ----------
    name : str
        The method's name.
    order, error_order, dense_order : int
        Orders of the result, of the embedded method, and of the interpolant.
    gamma : float
        The diagonal coefficient.
    a, C, b, c, d : numpy.ndarray
        The coefficients above.
    error : numpy.ndarray
        Weights of the error estimate over the stages.
    dense : numpy.ndarray
        Weights of the interpolant: ``y(theta) = y + sum_j N_j(theta) (dense[j] @ u)`` with N of `basis`.
    """

    name: str
    order: int
    error_order: int
    gamma: float
    a: np.ndarray
    C: np.ndarray
    b: np.ndarray
    c: np.ndarray
    d: np.ndarray
    error: np.ndarray
    dense: np.ndarray
    dense_order: int


def basis(theta, size: int) -> np.ndarray:
    """The nested basis of all interpolants: theta, theta (1 - theta), theta^2 (1 - theta), ...

    Factors theta and 1 - theta take turns (the form of Hairer's codes), so the first coefficient is the
    step's increment and all others vanish at both ends.

    Examples
    --------
    >>> basis(0.5, 3)
    array([0.5  , 0.25 , 0.125])
    """
    theta = np.asarray(theta, dtype=float)
    factors = [theta if j % 2 == 0 else 1 - theta for j in range(size)]
    return np.cumprod(np.stack(factors), axis=0)


def in_basis(powers: np.ndarray) -> np.ndarray:
    """Coefficients in `basis` of polynomials without constant term, given by rows for theta, theta^2, ...

    Examples
    --------
    >>> in_basis(np.array([[3.0], [-2.0]]))  # 3 theta - 2 theta^2
    array([[1.],
           [2.]])
    """
    size = len(powers)
    columns = np.zeros((size, size))  # columns[:, j]: basis function j in powers theta^1 ...
    polynomial = np.polynomial.Polynomial([1.0])
    for j in range(size):
        polynomial = polynomial * np.polynomial.Polynomial([0.0, 1.0] if j % 2 == 0 else [1.0, -1.0])
        columns[: j + 1, j] = polynomial.coef[1:]
    return np.linalg.solve(columns, powers)


def lower(rows: list[list[float]], size: int) -> np.ndarray:
    """A strictly lower triangular matrix from its rows, padded with zeros."""
    matrix = np.zeros((len(rows), size))
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix
