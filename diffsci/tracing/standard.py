"""Which values of the user's may become arrays of a program, and as which dtype."""

from __future__ import annotations

import array
import ctypes
import functools
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph.namespaces import as_array, is_on_device
from diffsci.source import at, user_location
from diffsci.tracing.libraries import is_library

__all__ = ["BUFFERS", "refuse_class", "refuse_device", "refuse_foreign", "standard"]

ALLOWED_DTYPES = frozenset(np.dtype(t) for t in "? q f d F D".split())  # complex: in two parts
BUFFERS = (memoryview, bytearray, array.array, ctypes.Array)  # whose elements others may write
LARGEST = np.iinfo(np.int64).max
# What a class of arrays must leave to NumPy for its values to mean what an array's do.
MEANINGS = (
    "__array_ufunc__", "__array_function__", "__add__", "__sub__", "__mul__", "__truediv__", "__pow__",
    "__matmul__", "__radd__", "__rmul__", "__lt__", "__eq__",
)  # fmt: skip


def standard(value: Any) -> np.ndarray:
    """Bring a value to one of the dtypes that programs know: bool, int64, float32, float64, complex.

    Raises
    ------
    UnsupportedError
        For other dtypes, unsigned integers beyond those of int64, and arrays with operators of their own.
    """
    kind = type(value)
    if kind is not np.ndarray and not isinstance(value, (np.generic, int, float, complex)):
        refuse_class(value)
        refuse_foreign(value)
    array = as_array(value)
    if array.dtype in ALLOWED_DTYPES:
        return array
    if array.dtype.kind in "iu":
        if array.dtype.char in "QL" and array.size and int(array.max()) > LARGEST:
            raise UnsupportedError(
                f"unsigned integers above {LARGEST} cannot be traced{at(user_location())}: programs compute "
                "with int64; use floats"
            )
        return array.astype(np.int64)
    if not array.dtype.isnative:
        return standard(array.astype(array.dtype.newbyteorder("=")))
    if hasattr(value, "tocoo"):
        raise UnsupportedError(
            f"a sparse matrix cannot be an operand of functions of arrays{at(user_location())}: use its "
            "toarray(), its entries .data, or functions of scipy.sparse"
        )
    raise UnsupportedError(
        f"arrays of dtype {array.dtype} cannot be traced{at(user_location())}: "
        "use float64, float32, complex, integers or booleans"
    )


def refuse_class(value: Any) -> None:
    """Raise UnsupportedError for an array whose class gives operators another meaning.

    Masked arrays and matrices are such; arrays in a file (`numpy.memmap`) and classes that only add
    attributes are not.
    """
    kind = type(value)
    if kind is not np.ndarray and isinstance(value, np.ndarray) and _has_own_meaning(kind):
        more = ", or x.filled(value) and x.mask" if isinstance(value, np.ma.MaskedArray) else ""
        raise UnsupportedError(
            f"an array of class {kind.__name__} cannot be an operand or argument{at(user_location())}: its "
            f"operators are not those of arrays; pass numpy.asarray(x){more}"
        )


@functools.cache
def _has_own_meaning(kind: type) -> bool:
    return any(getattr(kind, name) is not getattr(np.ndarray, name) for name in MEANINGS)


def refuse_device(value: Any) -> Any:
    """Return a value that does not lie on a CUDA device; raise UnsupportedError for any that does."""
    if is_on_device(value):
        raise UnsupportedError(
            f"an argument is an array on a CUDA device{at(user_location())}: compile the whole of it, "
            "derivatives included: ds.jit(..., backend='cupy')"
        )
    return value


def refuse_foreign(value: Any) -> None:
    """Raise UnsupportedError for numbers held by something else than NumPy, which may change unseen."""
    if _is_foreign(type(value)) and not is_on_device(value):
        kind = type(value)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        raise UnsupportedError(
            f"a value of type {name} cannot be an operand or argument{at(user_location())}: its numbers may "
            "change unseen; pass numpy.asarray(x)"
        )


@functools.cache
def _is_foreign(kind: type) -> bool:
    if issubclass(kind, BUFFERS):
        return True
    if issubclass(kind, (np.ndarray, np.generic)):
        return False
    return hasattr(kind, "__dlpack__") or (hasattr(kind, "__array__") and is_library(kind.__module__))
