"""`linear_solve`: solutions of linear systems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.choices import check_choice
from diffsci.errors import EvaluationError, TraceError
from diffsci.graph import Builder, Graph
from diffsci.implicit.krylov import METHODS, GraphOperator
from diffsci.implicit.structures import MatrixFree, Structure, check_covers, structure_of
from diffsci.implicit.vectors import Unknowns, packed
from diffsci.source import at, user_location
from diffsci.subprograms import Subprogram, enter, evaluate, guard_at
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.copies import private_copy
from diffsci.tracing.function import concrete
from diffsci.tracing.functions.sparse import spsolve
from diffsci.tracing.sparse import TracedSparse
from diffsci.tracing.trace import bind
from diffsci.transforms.calls import once
from diffsci.trees import flatten

__all__ = ["linear_solve"]


def linear_solve(
    A: Any,
    b: Any,
    *args: Any,
    method: str = "gmres",
    structure: str | None = None,
    bands: tuple[int, int] | None = None,
    pattern: Any = None,
) -> Any:
    """Solve A x = b; differentiable with respect to A, b, `args` and closures.

    Parameters
    ----------
    A : array_like, scipy.sparse matrix or callable
        A square matrix (or a stack), a sparse matrix (a constant one, or that of `sparse_jacobian` inside of
        another function), or the products ``A(x, *args)``, linear in
        x. With ``structure="banded"`` an array holds the diagonals as for `scipy.linalg.solve_banded`.
    b : array_like
        The right-hand side. With a callable A it may be any container; the solution is arranged alike.
    *args
        Parameters of a callable A, in any container.
    method : {"gmres", "bicgstab", "cg"}
        Iterative method for products. "cg" needs a symmetric positive definite matrix.
    structure : {"matrix-free", "dense", "banded", "sparse"}, optional
        How a callable is solved: by its products (default), or as a matrix that is made of them. Matrices of
        scipy.sparse are "sparse", arrays "dense" or "banded".
    bands, pattern
        As for `root`.

    Returns
    -------
    object
        The solution.

    Raises
    ------
    EvaluationError
        If an iterative method does not reach the solution. Compiled programs return NaN instead.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> b = np.array([1.0, 2.0, 3.0])
    >>> solve = lambda c: ds.linear_solve(lambda x, c: c * x + 0.1 * np.roll(x, 1), b, c)
    >>> bool(np.allclose(solve(2.0), np.linalg.solve(2 * np.eye(3) + 0.1 * np.roll(np.eye(3), 1, 0), b)))
    True
    >>> ds.jacobian(solve)(2.0).shape
    (3,)
    """
    check_choice("linear_solve: method", method, METHODS)
    if callable(A) and not isinstance(A, TracedArray):
        how = structure_of("linear_solve", structure or "matrix-free", bands, pattern, method)
        return _with_products(A, b, args, how)
    if args:
        raise TypeError(f"linear_solve{at(user_location())}: args are parameters of a callable A")
    return _with_matrix(A, b, structure, bands)


def _with_matrix(A: Any, b: Any, structure: str | None, bands: Any) -> Any:
    if isinstance(A, TracedSparse):
        return spsolve(A, b)
    if hasattr(A, "tocsc"):
        if structure not in (None, "sparse"):
            raise ValueError(f"linear_solve: structure={structure!r} with a sparse matrix, expected 'sparse'")
        return _with_sparse(A, b)
    if structure == "banded":
        if bands is None or len(bands) != 2:
            raise ValueError("linear_solve: structure='banded' needs bands=(lower, upper)")
        import scipy.linalg

        return private_copy(scipy.linalg.solve_banded)(tuple(bands), A, b)
    if structure not in (None, "dense"):
        raise ValueError(f"linear_solve: structure={structure!r} with a matrix, expected 'dense' or 'banded'")
    return np.linalg.solve(A, b)


def _with_sparse(A: Any, b: Any) -> Any:
    """A constant sparse matrix is factored once; its parts solve complex systems, of twice the size."""
    import scipy.sparse

    if A.shape[0] != A.shape[1]:
        raise ValueError(
            f"linear_solve{at(user_location())}: the sparse matrix has shape {A.shape}, not square: "
            "for least squares solve the normal equations, A.T @ A and A.T @ b"
        )
    A, b = A.tocsc(), b if isinstance(b, TracedArray) else np.asarray(b)
    if A.dtype.kind == "c":
        parts = scipy.sparse.block_array([[A.real, -A.imag], [A.imag, A.real]])
        found = _with_sparse(parts, np.concatenate([np.real(b), np.imag(b)]))
        return found[: A.shape[1]] + 1j * found[A.shape[1] :]
    if np.iscomplexobj(b):
        found = _with_sparse(A, np.stack([np.real(b), np.imag(b)], axis=-1))
        return found[..., 0] + 1j * found[..., 1]
    return _with_real_sparse(A, b)


def _with_real_sparse(A: Any, b: Any) -> Any:
    import scipy.sparse.linalg

    try:
        factors = scipy.sparse.linalg.splu(A.astype(float))
    except RuntimeError:
        raise EvaluationError(f"linear_solve{at(user_location())}: the sparse matrix is singular") from None
    columns = np.reshape(b, (b.shape[0], -1)).astype(np.result_type(A.dtype, b.dtype, np.float32))
    if isinstance(b, TracedArray):
        solved = bind("factored_solve", columns, factors=factors, transposed=False)
    else:
        solved = factors.solve(columns.astype(float)).astype(columns.dtype)
    return np.reshape(solved, b.shape)


def _with_products(A: Callable, b: Any, args: tuple, how: Structure) -> Any:
    unknowns = Unknowns(b, "linear_solve", "b")
    if unknowns.size == 0:
        return unknowns.unpacked(unknowns.vector)
    what = f"linear_solve{at(user_location())}"

    def flat(args: tuple, x: Any) -> Any:
        leaves = flatten(private_copy(A)(unknowns.unpacked(x), *args))[0]
        unknowns.check(leaves, getattr(A, "__name__", "A"), "the product")
        return packed(leaves, unknowns.dtype)

    point = np.random.default_rng(0).standard_normal(unknowns.size).astype(unknowns.dtype)
    program = enter(flat, (args, point))
    linear, operands = _operands_first(program)
    _check_linear(what, linear, [concrete(x) for x in operands])
    _hold(what, linear, operands, point)
    if linear.guards:
        linear = Graph(linear.inputs, linear.outputs)
    if isinstance(how, MatrixFree):
        _check_converges(what, linear, how, operands, unknowns.vector)
    builder = Builder()
    inputs = [builder.input(x.type) for x in linear.inputs]
    solution = how.solve(builder, linear, inputs[:-1], inputs[-1])
    check_covers(what, how, linear, [concrete(x) for x in operands])
    (found,) = evaluate(Graph(inputs, [solution]), [*operands, unknowns.vector])
    return unknowns.unpacked(found)


def _operands_first(program: Subprogram) -> tuple[Graph, list[Any]]:
    """Return the products with the vector as the last input, and the values of the operands."""
    graph, captured = program.graph, len(program.traced.captures)
    place = len(graph.inputs) - captured - 1
    inputs = [*graph.inputs[:place], *graph.inputs[place + 1 :], graph.inputs[place]]
    operands = [*program.inputs[:place], *program.inputs[place + 1 :]]
    return once(graph, "operands first", lambda: Graph(inputs, graph.outputs, graph.guards)), operands


def _hold(what: str, linear: Graph, operands: list[Any], point: np.ndarray) -> None:
    """Hold a running trace to the branches of the products; they may not depend on the vector."""
    for guard in linear.guards:
        if linear.inputs[-1] in Graph(linear.inputs, (), [guard]).feeding_guards():
            raise TraceError(
                f"{what}: the product branches on the vector{at(guard.location)}: it is not linear"
            )
    if is_tracing():
        guard_at(linear, [*operands, point])


def _check_linear(what: str, linear: Graph, values: list[np.ndarray]) -> None:
    """Raise unless products of a combination are the combination of products."""
    product = GraphOperator(Graph(linear.inputs, linear.outputs), "gmres")
    rng = np.random.default_rng(1)
    u, v = rng.standard_normal((2, linear.inputs[-1].shape[0])).astype(linear.inputs[-1].dtype)
    along_u, along_v, both = (product.product(values, x) for x in (u, v, 2 * u - 3 * v))
    size = np.max(2 * np.abs(along_u) + 3 * np.abs(along_v) + np.abs(both), initial=0.0)
    wrong = np.abs(both - (2 * along_u - 3 * along_v)) > 1e3 * np.finfo(u.dtype).eps * size
    if np.any(wrong):
        raise TraceError(
            f"{what}: the product is not linear in the vector: leave out what does not depend on it"
        )


def _check_converges(what: str, linear: Graph, how: MatrixFree, operands: list[Any], rhs: Any) -> None:
    """Raise where the iterative method does not reach the solution at the values that are there now."""
    values, right = [concrete(x) for x in operands], concrete(rhs)
    if not all(np.all(np.isfinite(x)) for x in (*values, right)):
        return
    operator = GraphOperator(linear, how.method)
    x, converged = operator.attempt(values, right)
    if not converged:
        left = np.linalg.norm(right - operator.product(values, x)) / np.linalg.norm(right)
        raise EvaluationError(
            f"{what}: {how.method} does not reach the solution, the residual is {left:.3g} of the right-hand "
            "side: is the matrix singular? Try another method, or structure='dense'"
        )
