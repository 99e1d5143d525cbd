"""Solves with sparse matrices: compressed columns, a pattern that is known, and data that may vary."""

from __future__ import annotations

import functools

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Known, Solved
from diffsci.primitives.linalg.shared import over_stack
from diffsci.primitives.series import linear
from diffsci.primitives.shared import add_tangents, align

__all__ = ["sparse_product"]


def _spread(b: Builder, data: Node, shape: tuple[int, ...], axes: tuple[int, ...]) -> Node:
    return data if data.shape == shape else b.broadcast(data, shape=shape, axes=axes)


def sparse_product(b: Builder, data: Node, rows: np.ndarray, columns: np.ndarray, x: Node, size: int) -> Node:
    """Emit the product of a sparse matrix, by entries, with the columns of x; `size` rows."""
    axis = len(x.shape) - 2
    picked = b.take(x, b.const(columns), axis=axis)
    terms = b.mul(_spread(b, data, picked.shape, tuple(range(axis + 1))), picked)
    shape = (*x.shape[:axis], size, x.shape[-1])
    return b.put_add(b.zeros(Type(shape, x.dtype)), b.const(rows), terms, axis=axis)


# solves with a matrix given by its data --------------------------------------------------------------


def _solve_type(data: Type, rhs: Type, *, rows, starts, transposed) -> Type:
    stack, n = rhs.shape[:-2], len(starts) - 1
    if rhs.ndim < 2 or rhs.shape[-2] != n or data != Type((*stack, len(rows)), rhs.dtype):
        raise TypeError(f"cannot solve with sparse matrices of data {data} x = {rhs}")
    return rhs


@functools.lru_cache(maxsize=16)
def _factors(data: bytes, dtype: str, rows: bytes, starts: bytes):
    from scipy.sparse import csc_array
    from scipy.sparse.linalg import splu

    starts = np.frombuffer(starts, np.int64).astype(np.intc)
    rows = np.frombuffer(rows, np.int64).astype(np.intc)
    n = starts.size - 1
    return splu(csc_array((np.frombuffer(data, dtype), rows, starts), shape=(n, n)))


def _solve_value(data, rhs, *, rows, starts, transposed):
    def single(data, rhs):
        if not np.all(np.isfinite(data)):
            raise ValueError("a matrix with infinities or NaN")
        dtype = np.result_type(data, rhs)
        data = np.ascontiguousarray(data, dtype)
        try:
            factors = _factors(data.tobytes(), dtype.str, rows.tobytes(), starts.tobytes())
        except RuntimeError as error:  # exactly singular
            raise np.linalg.LinAlgError(str(error)) from None
        return factors.solve(np.ascontiguousarray(rhs, dtype), "T" if transposed else "N")

    types = functools.partial(_solve_type, rows=rows, starts=starts, transposed=transposed)
    return over_stack(single, types, data, rhs, cores=(1, 2))


def _solve_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    rows, starts, rhs = node.params["rows"], node.params["starts"], t[1]
    if t[0] is not None:
        columns = np.repeat(np.arange(starts.size - 1), np.diff(starts))
        places = (columns, rows) if node.params["transposed"] else (rows, columns)
        rhs = add_tangents(b, rhs, b.neg(sparse_product(b, t[0], *places, node, starts.size - 1)))
    return b.sparse_solve(node.inputs[0], rhs, **node.params)


def _solve_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    params = {**node.params, "transposed": not node.params["transposed"]}
    return [None, b.sparse_solve(node.inputs[0], ct, **params)]


def _solve_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    return b.sparse_solve(*align(b, inputs, batched, size), **node.params)


def _solve_entries(node: Node, known: Known):
    rows, starts = node.params["rows"], node.params["starts"]
    columns = np.repeat(np.arange(starts.size - 1), np.diff(starts))
    there = known.nonzero(node.inputs[0])
    return (columns, rows, there) if node.params["transposed"] else (rows, columns, there)


register(
    Primitive(
        name="sparse_solve",
        type=_solve_type,
        value=_solve_value,
        family="linalg",
        jvp=_solve_jvp,
        transpose=_solve_transpose,
        batch=_solve_batch,
        pattern=Solved(_solve_entries, core=1),
    )
)

# The same, where compiled programs leave it to SciPy.
register(Primitive(name="sparse_solve_library", type=_solve_type, value=_solve_value, family="linalg"))


# solves with factors that are there already ----------------------------------------------------------


def _factored_type(rhs: Type, *, factors, transposed) -> Type:
    if rhs.ndim != 2 or rhs.shape[0] != factors.shape[0] or not rhs.is_float:
        raise TypeError(f"cannot solve a system of {factors.shape[0]} rows for {rhs}")
    return rhs


def _factored_value(rhs, *, factors, transposed):
    trans = "T" if transposed else "N"
    if np.iscomplexobj(rhs) and factors.L.dtype.kind != "c":
        real, imag = (np.ascontiguousarray(part) for part in (rhs.real, rhs.imag))
        return factors.solve(real, trans) + 1j * factors.solve(imag, trans)
    return factors.solve(np.ascontiguousarray(rhs, factors.L.dtype), trans).astype(rhs.dtype)


def _factored_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.factored_solve(t[0], **node.params)


def _factored_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [b.factored_solve(ct, factors=node.params["factors"], transposed=not node.params["transposed"])]


def _factored_batch(b: Builder, node: Node, inputs, batched, size: int) -> Node:
    """One matrix, many right-hand sides: columns of a single solve."""
    _, n, columns = inputs[0].shape
    wide = b.reshape(b.transpose(inputs[0], perm=(1, 0, 2)), shape=(n, size * columns))
    solved = b.reshape(b.factored_solve(wide, **node.params), shape=(n, size, columns))
    return b.transpose(solved, perm=(1, 0, 2))


def _factored_entries(node: Node, known: Known):
    """What the product of the factors has, fill-in included: inverses have the same structure."""
    factors = node.params["factors"]
    lower, upper = ((part != 0).astype(np.int64) for part in (factors.L, factors.U))
    whole = (lower @ upper).tocoo()
    rows, columns = np.argsort(factors.perm_r)[whole.row], np.argsort(factors.perm_c)[whole.col]
    return (columns, rows, None) if node.params["transposed"] else (rows, columns, None)


register(
    Primitive(
        name="factored_solve",
        type=_factored_type,
        value=_factored_value,
        family="linalg",
        jvp=_factored_jvp,
        transpose=_factored_transpose,
        batch=_factored_batch,
        taylor=linear,
        pattern=Solved(_factored_entries, core=0),
    )
)
