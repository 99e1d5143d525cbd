"""Constructors of scipy.sparse on traced values: of entries, of diagonals, of other matrices.

The structure is known while tracing, entries may be traced. What is done with the structure SciPy does
itself, on the numbers of the entries (see `rearranged`).
"""

from __future__ import annotations

import builtins
import functools
import importlib
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.numbers import StandInMeta
from diffsci.tracing.protocols import call_function, implements_scipy
from diffsci.tracing.sparse import Places, TracedSparse, as_traced_sparse, is_sparse
from diffsci.tracing.sparse.moves import rearranged
from diffsci.tracing.sparse.stored import WRITABLE
from diffsci.tracing.sparse.writable import TracedLil

__all__ = ["matrix_class"]

ENTRIES = "give entries and their places: csr_array((data, (rows, columns)), shape=...)"


# classes ---------------------------------------------------------------------------------------------


class _MatrixMeta(StandInMeta):
    """A class of scipy.sparse: called with traced entries it makes a traced matrix."""

    def __call__(cls, arg1: Any, *args: Any, **kwargs: Any) -> Any:
        if not _holds_traced(arg1):
            made = cls.native(arg1, *args, **kwargs)
            return TracedLil(made) if made.format in WRITABLE else made
        return _assembled(cls.native, arg1, *args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.native, name)

    def __instancecheck__(cls, x: Any) -> bool:
        if not isinstance(x, TracedSparse):
            return builtins.isinstance(x, cls.native)
        kind = "matrix" if x.matrix else "array"
        return issubclass(_native(f"{x.format}_{kind}"), cls.native)


@functools.cache
def matrix_class(native: type) -> type:
    """Return what a class of scipy.sparse is inside a traced function."""
    members = {"native": native, "__doc__": f"`{native.__name__}` inside a traced function."}
    return _MatrixMeta(native.__name__, (), members)


def _native(name: str) -> Any:
    return getattr(importlib.import_module("scipy.sparse"), name)


def _holds_traced(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return any(map(_holds_traced, x))
    return isinstance(x, (TracedArray, TracedSparse))


def _assembled(
    native: type, arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False, **_: Any
) -> TracedSparse:
    """Carry out a constructor."""
    name = native.__name__
    if isinstance(arg1, TracedArray) and arg1.is_const:
        made = matrix_class(native)(np.array(arg1.constant()))
    elif isinstance(arg1, TracedSparse):
        made = _converted(arg1, native, copy)
    elif not isinstance(arg1, tuple):
        raise ops.unsupported(
            f"scipy.sparse.{name} of a dense array, whose zeros are not known while tracing", ENTRIES
        )
    elif name.startswith(("lil", "dok", "bsr")):
        instead = f"{ENTRIES}; entries at one place add up"
        raise ops.unsupported(f"scipy.sparse.{name} with traced entries", instead)
    else:
        made = _of_entries(native, arg1, shape)
        made = made.copy() if copy else made
    return made if dtype is None else made.astype(dtype)


def _converted(x: TracedSparse, native: type, copy: bool) -> TracedSparse:
    format, _, kind = native.__name__.partition("_")
    x = x.asformat(format, copy)
    if not isinstance(x, TracedSparse):
        return native(x)
    if isinstance(x, TracedLil):
        if x.matrix == (kind == "matrix"):
            return x
        return TracedLil(native(x.numbered), x.seen, x.dtype)
    x = x.settle()  # a matrix of its own that shares the entries
    places = x.places
    return TracedSparse(x.entries, Places(places.rows, places.columns, x.shape, format, kind == "matrix"))


def _of_entries(native: type, parts: tuple, shape: Any) -> TracedSparse:
    """Return that of ``(data, (rows, columns))``, ``(data, indices, indptr)`` or ``(data, offsets)``."""
    data, *places = parts
    data = data if isinstance(data, TracedArray) else ops.as_array(data)
    places = _known(native, places)
    format = native.__name__.partition("_")[0]
    by_coordinates = len(places) == 1 and format != "dia"
    reader = _native(native.__name__.replace(format, "coo")) if by_coordinates else native
    shape = shape if shape is None else tuple(map(operator.index, shape))

    def made(numbers: np.ndarray) -> Any:
        try:
            found = reader((numbers, *places), shape=shape)
            if len(places) == 2:
                found.check_format()
        except (ValueError, TypeError) as error:
            raise type(error)(f"{native.__name__}: {error}{at(user_location())}") from None
        return found

    found = rearranged(made, data)
    if (format == "coo" or not by_coordinates) and format != "dia" and found.nnz == data.size:
        found.entries = data  # as SciPy's, it shares the array
    return found.asformat(format)


def _known(native: type, places: Any) -> Any:
    """Return indices as plain numbers."""
    if isinstance(places, (list, tuple)) and _holds_traced(places):
        return type(places)(_known(native, part) for part in places)
    if not isinstance(places, TracedArray):
        return places
    if places.is_const:
        return places.constant()
    raise ops.unsupported(
        f"scipy.sparse.{native.__name__} with indices that depend on arguments of the function",
        "the structure is fixed while tracing: let the function read the index arrays from outside (a global "
        "name, a closure, an attribute)",
    )


# diagonals -------------------------------------------------------------------------------------------


def _diagonals(name: str, diagonals: Any, offsets: Any, options: dict[str, Any]) -> TracedSparse:
    """Return what diags and diags_array make: a diagonal of one number is that number everywhere."""
    dtype = options.pop("dtype", None)
    if np.ndim(offsets) == 0 and np.ndim(diagonals[0]) == 0:
        diagonals, offsets = [diagonals], [offsets]
    diagonals = [ops.reshape(ops.traced(d), (-1,)) for d in diagonals]
    offsets = _known_offsets(offsets)
    options["dtype"] = np.int64
    try:
        made = rearranged(lambda *d: _native(name)(list(d), offsets=offsets, **options), *diagonals)
    except ValueError as error:
        raise ValueError(f"{name}: {error}{at(user_location())}") from None
    return made if dtype is None else made.astype(dtype)


def _known_offsets(offsets: Any) -> Any:
    return operator.index(offsets) if np.ndim(offsets) == 0 else [operator.index(k) for k in offsets]


@implements_scipy("scipy.sparse.diags")
def diags(diagonals, offsets=0, shape=None, format=None, dtype=None):
    return _diagonals("diags", diagonals, offsets, {"shape": shape, "format": format, "dtype": dtype})


@implements_scipy("scipy.sparse.diags_array")
def diags_array(diagonals, /, *, offsets=0, shape=None, format=None, dtype=None):
    return _diagonals("diags_array", diagonals, offsets, {"shape": shape, "format": format, "dtype": dtype})


@implements_scipy("scipy.sparse.spdiags")
def spdiags(data, diags, m=None, n=None, format=None):
    data = ops.traced(data)
    data = ops.reshape(data, (1, -1)) if data.ndim == 1 else data
    return rearranged(lambda d: _native("spdiags")(d, diags, m, n, format), data)


# matrices of matrices ----------------------------------------------------------------------------------


def _stacking(name: str) -> Callable:
    """A function that puts blocks, sparse or dense, into one matrix."""

    def stacked(blocks, *args, dtype=None, **kwargs):
        blocks = [_block(b, name in ("block_array", "bmat")) for b in blocks]
        made = rearranged(lambda b: _native(name)(b, *args, **kwargs), blocks, dense=True)
        return made if dtype is None else made.astype(dtype)

    stacked.__name__ = name
    implements_scipy(f"scipy.sparse.{name}")(stacked)
    return stacked


def _block(x: Any, row: bool) -> Any:
    """Return a block of a matrix, or a row of them: with the zeros left out that are known."""
    if row:
        return [_block(b, False) for b in x]
    if x is None or is_sparse(x):
        return x
    x = ops.as_array(x)
    if not x.is_const:
        return ops.reshape(x, (1, -1)) if x.ndim < 2 else x
    return _native("coo_matrix")(x.constant())


for _name in ("vstack", "hstack", "block_array", "bmat", "block_diag"):
    _stacking(_name)


@implements_scipy("scipy.sparse.tril")
def tril(A, k=0, format=None):
    return as_traced_sparse(A).moved(lambda x: _native("tril")(x, k, format))


@implements_scipy("scipy.sparse.triu")
def triu(A, k=0, format=None):
    return as_traced_sparse(A).moved(lambda x: _native("triu")(x, k, format))


@implements_scipy("scipy.sparse.kron")
def kron(A, B, format=None):
    """Every entry of A times every entry of B: both are spread over the places of the product."""
    a, b = (as_traced_sparse(_block(x, False)).distinct() for x in (A, B))
    ones = [x.places.filled(np.ones(x.nnz, dtype=np.int64)) for x in (a, b)]
    left = rearranged(lambda x: _native("kron")(x, ones[1], "coo"), a)
    right = rearranged(lambda x: _native("kron")(ones[0], x, "coo"), b)
    product = TracedSparse(left.entries * right.entries, left.places)
    return product.asformat(format)


@implements_scipy("scipy.sparse.norm")
def norm(x, ord=None, axis=None):
    if axis is not None or ord not in (None, "fro", 1, -1, np.inf, -np.inf):
        raise ops.unsupported(
            f"scipy.sparse.linalg.norm with ord={ord!r}, axis={axis!r}",
            "take numpy.linalg.norm of A.toarray()",
        )
    x = as_traced_sparse(x).distinct()
    if ord in (None, "fro"):
        return call_function(np.linalg.norm, (x.entries,), {})
    return ops.reduce("max" if ord > 0 else "min", abs(x).sum(axis=0 if abs(ord) == 1 else 1))
