"""Python's own functions of numbers on traced values: math.* and the built-in types."""

from __future__ import annotations

import builtins
import math
from typing import Any

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.python import INVERSES, TracedComplex, is_close
from diffsci.tracing.numbers import TracedFloat, TracedInt, traced_isinstance, truncated
from diffsci.tracing.powers import power

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
    """floor, ceil and trunc of math give Python integers."""
    return lambda x: truncated(x, name)


def _log(x, base=None):
    natural = _float("log")(x)
    return natural if base is None else natural / _float("log")(base)


def _hypot(*coordinates):
    result = _float("abs")(coordinates[0])
    for x in coordinates[1:]:
        result = _float("hypot")(result, x)
    return result


def _remainder(x):
    """The part of a number behind the point, with its sign."""
    x = _number(x)
    return ops.float_elementwise("copysign", x - ops.unary("trunc", x), x, weak=True)


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
            "exp exp2 expm1 log2 log10 log1p sqrt cbrt sin cos tan sinh cosh tanh copysign fmod "
            "gamma erf erfc".split()
        )
    },
    **{
        theirs: _float(ours)
        for theirs, ours in {
            **INVERSES,
            "atan2": "arctan2",
            "fabs": "abs",
            "lgamma": "gammaln",
        }.items()
    },
    **{name: _whole(name) for name in ("floor", "ceil", "trunc")},
    "log": _log,
    "pow": lambda x, p: power(x, p),
    "hypot": _hypot,
    "fsum": _fsum,
    "sumprod": lambda p, q: _fsum(a * b for a, b in zip(p, q, strict=True)),
    "modf": lambda x: (_remainder(x), _number(ops.unary("trunc", _number(x)))),
    "ldexp": lambda x, i: _number(x) * power(2.0, i),
    "remainder": lambda x, y: x - y * ops.unary("rint", ops.float_elementwise("div", _number(x), _number(y))),
    "prod": _prod,
    "dist": _dist,
    "degrees": lambda x: x * (180 / math.pi),
    "radians": lambda x: x * (math.pi / 180),
    "isnan": lambda x: bool(ops.float_elementwise("isnan", x)),
    "isinf": lambda x: bool(ops.float_elementwise("isinf", x)),
    "isfinite": lambda x: bool(ops.float_elementwise("isfinite", x)),
    "isclose": is_close,
}


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


def _is_outside(comparison: str, bound: float, by_size: bool) -> Any:
    def test(x):
        return ops.compare(comparison, ops.float_elementwise("abs", x) if by_size else x, bound)

    return test


def _is_pole(x: Any) -> Any:
    """Tell whether the gamma function has a pole there: 0, -1, -2, ..."""
    whole = ops.compare("eq", x, ops.float_elementwise("rint", x))
    return ops.logical("logical_and", whole, ops.compare("le", x, 0.0))


def _raising(function: Any, test: Any) -> Any:
    """Raise where math raises; the program holds only where it does not."""

    def apply(x, *rest):
        outside = test(x)
        error = ValueError(f"math domain error{at(user_location())}")
        if outside.owner.guard(outside.read(), error):
            raise error
        return function(x, *rest)

    return apply


_TESTS = {
    **{name: _is_outside(*bound, by_size=False) for name, bound in OUTSIDE.items()},
    **{name: _is_outside(*bound, by_size=True) for name, bound in OUTSIDE_SIZE.items()},
    "gamma": _is_pole,
    "lgamma": _is_pole,
}
MATH |= {name: _raising(MATH[name], test) for name, test in _TESTS.items()}

BUILTINS: dict[str, Any] = {
    "float": TracedFloat,
    "int": TracedInt,
    "complex": TracedComplex,
    "isinstance": traced_isinstance,
}
