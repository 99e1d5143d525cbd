"""The number types inside a traced function: int(), float(), numpy.float64() and isinstance().

Each stands for its native type everywhere (as a dtype, in isinstance, as a base), but called with a
traced value it returns a traced one. An integer made by int() is traced too: used as an index it is a
gather, and only where Python needs the number itself (range, a list's index, a dict's key) does the
program hold to the one seen.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.python import TracedComplex

__all__ = ["STAND_INS", "StandInMeta", "TracedFloat", "TracedInt", "traced_isinstance", "truncated"]

STAND_INS: dict[type, type] = {}  # native type -> what a traced function sees
NATIVE: dict[type, type] = {TracedComplex: builtins.complex}


class StandInMeta(type):
    """Makes a stand-in the native type for everybody else."""

    native: type

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.native)

    def __eq__(cls, other: Any) -> bool:
        return other is cls or other is cls.native

    def __hash__(cls) -> int:
        return hash(cls.native)


class _NumberMeta(StandInMeta):
    """Called with a traced value, a type of numbers makes a traced one."""

    made: Callable[[TracedArray], TracedArray]
    kind: str

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if not (args and isinstance(args[0], TracedArray)):
            return cls.native(*args, **kwargs)
        return cls.made(args[0], *args[1:], **kwargs)

    def __instancecheck__(cls, x: Any) -> bool:
        return builtins.isinstance(x, cls.native) or _stands_for_number(x, cls)


def _stand_in(native: type, made: Callable[[TracedArray], TracedArray]) -> type:
    members = {
        "native": native,
        "made": staticmethod(made),
        "dtype": np.dtype(native),  # lets NumPy take this class where it takes the native one
        "__doc__": f"`{native.__name__}` inside a traced function.",
    }
    cls = _NumberMeta(native.__name__, (native,), members)
    STAND_INS[native] = cls
    NATIVE[cls] = native
    return cls


def _number(x: TracedArray, dtype: Any, weak: bool) -> TracedArray:
    result = ops.convert(ops.reshape(x, ()), dtype)
    result.scalar = True
    result.weak = weak
    return result


def _as_float(x: TracedArray) -> TracedArray:
    return _number(x, builtins.float, weak=True)


def truncated(x: TracedArray, rounding: str = "trunc") -> TracedArray:
    """int(x) and its relatives: a traced integer, or Python's error where there is none."""
    x = ops.reshape(x, ())
    if x.dtype.kind == "f":
        _refuse(x, ops.unary("isnan", x), ValueError("cannot convert float NaN to integer"))
        _refuse(x, ops.unary("isinf", x), OverflowError("cannot convert float infinity to integer"))
        x = ops.unary(rounding, x)
    return _number(x, builtins.int, weak=True)


def _refuse(x: TracedArray, outside: TracedArray, error: Exception) -> None:
    error = type(error)(f"{error}{at(user_location())}")
    if outside.owner.guard(outside.read(), error):
        raise error


def _of_dtype(dtype: Any) -> Callable[[TracedArray], TracedArray]:
    def made(x: TracedArray) -> TracedArray:
        if x.shape != ():
            return ops.convert(x, dtype)
        whole = np.dtype(dtype).kind == "i"
        return _number(truncated(x) if whole else x, dtype, weak=False)

    return made


TracedFloat = _stand_in(builtins.float, _as_float)
TracedInt = _stand_in(builtins.int, truncated)
for _native in (np.float64, np.float32, np.int64, np.int32, np.complex128, np.complex64):
    _stand_in(_native, _of_dtype(_native))


def _stands_for_number(x: Any, cls: type) -> bool:
    return isinstance(x, TracedArray) and x.scalar and _stands_for(x.dtype, cls)


def traced_isinstance(x: Any, classes: Any) -> bool:
    """isinstance() that takes traced values for the arrays and numbers they stand for."""
    if not isinstance(x, TracedArray):
        return isinstance(x, _natively(classes))
    wanted = classes if isinstance(classes, tuple) else (classes,)
    for cls in _flattened(wanted):
        if cls is TracedArray or (cls is np.ndarray and not x.scalar):
            return True
        if isinstance(cls, type) and x.scalar and _stands_for(x.dtype, cls):
            return True
    return False


def _natively(classes: Any) -> Any:
    if isinstance(classes, tuple):
        return tuple(_natively(cls) for cls in classes)
    return NATIVE.get(classes, classes) if isinstance(classes, type) else classes


def _flattened(classes):
    for cls in classes:
        if isinstance(cls, tuple):
            yield from _flattened(cls)
        else:
            yield cls


def _stands_for(dtype: np.dtype, cls: type) -> bool:
    cls = _natively(cls)
    try:
        return issubclass(dtype.type, cls) or issubclass(
            {"f": builtins.float, "i": builtins.int, "b": builtins.bool, "c": builtins.complex}[dtype.kind],
            cls,
        )
    except TypeError:
        return False
