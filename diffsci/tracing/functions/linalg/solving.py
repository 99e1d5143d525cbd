"""Linear systems: general, triangular, banded, of matrix equations; inverses."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.linalg.common import (
    as_columns,
    as_float,
    as_square,
    as_stacks,
    as_vector,
    eye,
    failed,
    ignored,
    mismatch,
    only,
    swapped,
    triangle,
    triangular,
)
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind


@implements(np.linalg.solve)
def solve(a, b):
    a, b = ops.common([as_square(a), as_float(b)])
    vector = b.ndim == 1  # only then: anything else is a stack of matrices, as in NumPy 2
    if vector and a.ndim == 2:
        if b.size != a.shape[-1]:
            raise mismatch("solve", a, b)
        return _solved(a, b)
    solution = _solved(*_with_columns("solve", a, as_columns(b) if vector else b))
    return as_vector(solution) if vector else solution


def _with_columns(name: str, a: TracedArray, b: TracedArray) -> list[TracedArray]:
    """Return a (stack of) systems of one dtype and one stack."""
    if b.ndim < 2 or b.shape[-2] != a.shape[-1]:
        raise mismatch(name, a, b)
    return as_stacks(name, a, b)


def _solved(a: TracedArray, b: TracedArray) -> TracedArray:
    """Solve, or raise as NumPy does; a program that has seen the error holds only where it is raised."""
    solution = bind("solve", a, b, transposed=False)
    if solution.size and np.isnan(solution.concrete()).any() and not np.isnan(a.concrete()).any():
        try:
            np.linalg.solve(a.concrete(), np.ones((*a.shape[:-1], 1)))
        except np.linalg.LinAlgError as error:
            bool(ops.unary("isfinite", solution).all())
            raise np.linalg.LinAlgError(f"{error}{at(user_location())}") from None
    return solution


@implements(np.linalg.inv)
def inv(a):
    a = as_square(a)
    return _solved(a, eye(a.shape[-1], a))


@implements_scipy("scipy.linalg.inv")
def scipy_inv(a, **options):
    only("scipy.linalg.inv", ignored(options), assume_a=None, lower=False)
    return inv(a)


@implements(np.linalg.tensorsolve)
def tensorsolve(a, b, axes=None):
    a, b = as_float(a), as_float(b)
    if axes is not None:
        last = [ops.normal_axis(k, a.ndim) for k in axes]
        a = ops.transpose(a, [k for k in range(a.ndim) if k not in last] + last)
    shape = a.shape[b.ndim :]
    size = math.prod(shape)
    if a.size != size**2 or b.size != size:
        raise np.linalg.LinAlgError(
            f"tensorsolve: shapes {a.shape} and {b.shape} do not fit{at(user_location())}"
        )
    return ops.copy(ops.reshape(solve(ops.reshape(a, (size, size)), ops.reshape(b, (size,))), shape))


@implements(np.linalg.tensorinv)
def tensorinv(a, ind=2):
    a = as_float(a)
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    rows = math.prod(a.shape[:ind])
    return ops.copy(ops.reshape(inv(ops.reshape(a, (rows, -1))), (*a.shape[ind:], *a.shape[:ind])))


# scipy.linalg -----------------------------------------------------------------------------------------


def _column_form(name: str, a: TracedArray, b: Any) -> tuple[TracedArray, TracedArray, bool]:
    """Return systems with matrices on the right, and whether the right side was a vector."""
    b = as_float(b)
    vector = b.ndim == 1
    return *_with_columns(name, a, as_columns(b) if vector else b), vector


GENERAL = (None, "gen", "general", "tridiagonal", "banded", "circulant")


def _whole(a: TracedArray, assume_a: Any, lower: bool) -> TracedArray:
    """Return the matrix that SciPy reads under an assumption about its structure."""
    kind = "general" if assume_a in GENERAL else assume_a
    if kind in ("sym", "symmetric", "her", "hermitian", "pos", "positive definite"):
        part = triangle(a, lower)
        return part + triangle(swapped(part), not lower, 1)
    if kind in ("diagonal", "upper triangular", "lower triangular"):
        part = a if kind == "upper triangular" else triangle(a, True)
        return part if kind == "lower triangular" else triangle(part, False)
    if kind != "general":
        raise ValueError(f"{assume_a} is unrecognized matrix structure{at(user_location())}")
    return a


@implements_scipy("scipy.linalg.solve")
def scipy_solve(a, b, lower=False, *_, assume_a=None, transposed=False, **options):
    only("scipy.linalg.solve", ignored(options))
    a = _whole(as_square(a), assume_a, lower)
    a, b, vector = _column_form("solve", a, b)
    solution = _solved(swapped(a) if transposed else a, b)
    return as_vector(solution) if vector else solution


@implements_scipy("scipy.linalg.solve_triangular")
def solve_triangular(a, b, trans=0, lower=False, unit_diagonal=False, **options):
    only("scipy.linalg.solve_triangular", ignored(options))
    a, b, vector = _column_form("solve_triangular", as_square(a), b)
    transposed = trans not in (0, "N")
    solution = triangular(a, b, bool(lower), transposed, bool(unit_diagonal))
    if not unit_diagonal and not np.isfinite(solution.concrete()).all():
        _refuse_zeros(a, solution)
    return as_vector(solution) if vector else solution


def _refuse_zeros(a: TracedArray, solution: TracedArray) -> None:
    if (np.diagonal(a.concrete(), axis1=-2, axis2=-1) == 0).any():
        bool(ops.unary("isfinite", solution).all())
        raise np.linalg.LinAlgError(f"singular matrix: a diagonal entry is 0{at(user_location())}")


@implements_scipy("scipy.linalg.solve_banded")
def solve_banded(l_and_u, ab, b, **options):
    only("scipy.linalg.solve_banded", ignored(options), overwrite_ab=False)
    below, above = (operator.index(k) for k in l_and_u)
    ab = as_float(ab)
    if ab.ndim != 2 or ab.shape[0] != below + above + 1:
        raise ValueError(
            f"invalid values for the number of lower and upper diagonals: {below} + {above} + 1 does not "
            f"equal ab.shape[0] ({ab.shape[0]}){at(user_location())}"
        )
    return _banded(ab, b, below, above)


def _banded(ab: TracedArray, b: Any, below: int, above: int) -> TracedArray:
    b = as_float(b)
    vector = b.ndim == 1
    ab, right = ops.common([ab, as_columns(b) if vector else b])
    if right.ndim != 2 or right.shape[0] != ab.shape[1]:
        raise mismatch("solve_banded", ab, b)
    solution = bind("solve_banded", ab, right, lower=below, upper=above, transposed=False)
    failed(solution, "singular matrix", ab, right)
    return as_vector(solution) if vector else solution


@implements_scipy("scipy.linalg.solveh_banded")
def solveh_banded(ab, b, overwrite_ab=False, overwrite_b=False, lower=False, check_finite=True):
    """Both triangles of the symmetric matrix, by diagonals."""
    ab = as_float(ab)
    count, n = ab.shape[0] - 1, ab.shape[1]
    given = [ab[count - k] if not lower else ab[k] for k in range(count + 1)]

    def moved(k: int, to_lower: bool) -> TracedArray:
        """Diagonal k with its entries where LAPACK has them above or below."""
        zeros = np.zeros(min(k, n), ab.dtype)
        entries = given[k][: n - k] if lower else given[k][k:]
        return ops.concatenate([entries, zeros] if to_lower else [zeros, entries])

    rows = [moved(k, False) for k in range(count, 0, -1)] + [given[0]]
    return _banded(ops.stack([*rows, *(moved(k, True) for k in range(1, count + 1))]), b, count, count)


@implements_scipy("scipy.linalg.solve_sylvester")
def solve_sylvester(a, b, q):
    """The solution of a x + x b = q."""
    return _sylvester(as_square(a), as_square(b), as_float(q))


def _sylvester(a: TracedArray, b: TracedArray, q: TracedArray) -> TracedArray:
    a, b, q = as_stacks("solve_sylvester", a, b, q)
    if q.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise mismatch("solve_sylvester", a, b, q)
    return bind("solve_sylvester", a, b, q, transposed=False)


@implements_scipy("scipy.linalg.solve_continuous_lyapunov", "scipy.linalg.solve_lyapunov")
def solve_continuous_lyapunov(a, q):
    """The solution of a x + x a^T = q."""
    a = as_square(a)
    return _sylvester(a, swapped(a), as_float(q))


@implements_scipy("scipy.linalg.solve_discrete_lyapunov")
def solve_discrete_lyapunov(a, q, method=None):
    """The solution of a x a^T - x + q = 0, a linear system for the entries of x."""
    from diffsci.tracing.functions.products import kron

    a, q = ops.common([as_square(a), as_float(q)])
    n = a.shape[-1]
    system = np.eye(n * n, dtype=a.dtype) - kron(a, a)
    return ops.copy(ops.reshape(solve(system, ops.reshape(q, (n * n,))), (n, n)))
