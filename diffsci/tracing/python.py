"""Python's own numbers on traced values: math.*, float() and isinstance()."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.python import TracedComplex

__all__ = ["BUILTINS", "MATH"]


def _float(name: str):
    return lambda *operands: _number(ops.float_elementwise(name, *map(_number, operands)))


def _number(x: Any) -> Any:
    """A Python float: double precision, and weak in promotion."""
    if not isinstance(x, TracedArray):
        return x
    number = ops.convert(x, builtins.float) if x.dtype != ops.FLOAT else ops.copy(x)
    number.scalar = number.weak = number.shape == ()
    return number


def _whole(name: str):
    """floor, ceil and trunc of math give Python integers: the program holds for the one seen."""
    return lambda x: int(ops.unary(name, ops.traced(x)))


def _log(x, base=None):
    natural = _float("log")(x)
    return natural if base is None else natural / _float("log")(base)


def _hypot(*coordinates):
    result = ops.float_elementwise("abs", coordinates[0])
    for x in coordinates[1:]:
        result = ops.float_elementwise("hypot", result, x)
    return result


def _fsum(values):
    total = 0.0
    for value in values:
        total = total + value
    return total


def _prod(values, start=1):
    total = start
    for value in values:
        total = total * value
    return total


def _dist(p, q):
    return _hypot(*(a - b for a, b in zip(p, q, strict=True)))


MATH: dict[str, Any] = {
    **{
        ours: _float(ours)
        for ours in (
            "exp exp2 expm1 log2 log10 log1p sqrt cbrt sin cos tan sinh cosh tanh copysign fmod".split()
        )
    },
    **{
        theirs: _float(ours)
        for theirs, ours in {
            "asin": "arcsin",
            "acos": "arccos",
            "atan": "arctan",
            "asinh": "arcsinh",
            "acosh": "arccosh",
            "atanh": "arctanh",
            "atan2": "arctan2",
            "fabs": "abs",
        }.items()
    },
    **{name: _whole(name) for name in ("floor", "ceil", "trunc")},
    "log": _log,
    "pow": lambda x, p: ops.power(x, p),
    "hypot": _hypot,
    "fsum": _fsum,
    "prod": _prod,
    "dist": _dist,
    "degrees": lambda x: x * (180 / math.pi),
    "radians": lambda x: x * (math.pi / 180),
    "isnan": lambda x: bool(ops.float_elementwise("isnan", x)),
    "isinf": lambda x: bool(ops.float_elementwise("isinf", x)),
    "isfinite": lambda x: bool(ops.float_elementwise("isfinite", x)),
    "isclose": lambda x, y, rel_tol=1e-9, abs_tol=0.0: bool(
        abs(x - y) <= ops.arithmetic("maximum", rel_tol * ops.arithmetic("maximum", abs(x), abs(y)), abs_tol)
    ),
}


class _FloatMeta(type):
    """Makes the traced `float` a type that is `float` for everybody else."""

    def __call__(cls, x: Any = 0.0) -> Any:
        if not isinstance(x, TracedArray):
            return builtins.float(x)
        result = ops.convert(ops.reshape(x, ()), builtins.float)
        result.scalar = result.weak = True
        return result

    def __instancecheck__(cls, x: Any) -> bool:
        return builtins.isinstance(x, builtins.float) or _is_traced_float(x)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, builtins.float)

    def __eq__(cls, other: Any) -> bool:
        return other is builtins.float or other is TracedFloat

    def __hash__(cls) -> int:
        return hash(builtins.float)


class TracedFloat(builtins.float, metaclass=_FloatMeta):
    """`float` inside a traced function: keeps a traced number traced."""

    dtype = np.dtype(builtins.float)  # lets NumPy take this class where it takes `float`


def _is_traced_float(x: Any) -> bool:
    return isinstance(x, TracedArray) and x.scalar and x.dtype.kind == "f"


def traced_isinstance(x: Any, classes: Any) -> bool:
    """isinstance() that takes traced values for the arrays and floats they stand for."""
    if not isinstance(x, TracedArray):
        return isinstance(x, _native(classes))
    wanted = classes if isinstance(classes, tuple) else (classes,)
    for cls in _flattened(wanted):
        if cls is TracedArray or (cls is np.ndarray and not x.scalar):
            return True
        if isinstance(cls, type) and x.scalar and _stands_for(x.dtype, cls):
            return True
    return False


def _native(classes: Any) -> Any:
    if isinstance(classes, tuple):
        return tuple(_native(cls) for cls in classes)
    if classes is TracedFloat:
        return builtins.float
    return builtins.complex if classes is TracedComplex else classes


def _flattened(classes):
    for cls in classes:
        if isinstance(cls, tuple):
            yield from _flattened(cls)
        else:
            yield cls


def _stands_for(dtype: np.dtype, cls: type) -> bool:
    cls = _native(cls)
    try:
        return issubclass(dtype.type, cls) or issubclass(
            {"f": float, "i": int, "b": bool, "c": complex}[dtype.kind], cls
        )
    except TypeError:
        return False


# Where Python's math raises ValueError: (comparison, bound) that the argument's size or value must not meet.
OUTSIDE: dict[str, tuple[str, float]] = {
    "sqrt": ("lt", 0.0),
    "log": ("le", 0.0),
    "log2": ("le", 0.0),
    "log10": ("le", 0.0),
    "log1p": ("le", -1.0),
    "acosh": ("lt", 1.0),
}
OUTSIDE_SIZE: dict[str, tuple[str, float]] = {"asin": ("gt", 1.0), "acos": ("gt", 1.0), "atanh": ("ge", 1.0)}


def _raising(function: Any, comparison: str, bound: float, by_size: bool) -> Any:
    """Raise where math raises; the program holds only where it does not."""

    def apply(x, *rest):
        size = ops.float_elementwise("abs", x) if by_size else x
        outside = ops.compare(comparison, size, bound)
        error = ValueError(f"math domain error{at(user_location())}")
        if outside.owner.guard(outside.read(), error):
            raise error
        return function(x, *rest)

    return apply


for _table, _by_size in ((OUTSIDE, False), (OUTSIDE_SIZE, True)):
    for _name, (_comparison, _bound) in _table.items():
        MATH[_name] = _raising(MATH[_name], _comparison, _bound, _by_size)

BUILTINS: dict[str, Any] = {"float": TracedFloat, "complex": TracedComplex, "isinstance": traced_isinstance}
