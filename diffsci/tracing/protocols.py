"""NumPy's dispatch: ufuncs and functions applied to traced values, looked up in our tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import indexing
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray

__all__ = [
    "FUNCTIONS",
    "SCIPY",
    "UFUNCS",
    "bitwise",
    "call_function",
    "call_ufunc",
    "implements",
    "implements_scipy",
]

FUNCTIONS: dict[Callable, Callable] = {}
SCIPY: dict[str, Callable] = {}  # by public name: "scipy.integrate.simpson"


def implements(*functions: Callable):
    """Enter an implementation for NumPy functions."""

    def enter(implementation: Callable) -> Callable:
        for function in functions:
            FUNCTIONS[function] = implementation
        return implementation

    return enter


def implements_scipy(*names: str):
    """Enter an implementation for functions of SciPy, by public name (they are not imported for it)."""

    def enter(implementation: Callable) -> Callable:
        for name in names:
            SCIPY[name] = implementation
        return implementation

    return enter


def bitwise(name: str, x: Any, y: Any) -> TracedArray:
    """&, | and ^ are logic on booleans; integers have no use for them in a model."""
    x, y = ops.as_operand(x), ops.as_operand(y)
    if ops.promoted(x, y).kind != "b":
        raise ops.unsupported("a bitwise operation on integers", "use arithmetic, or booleans")
    return ops.logical(name, x, y)


def _float(name: str):
    return lambda *operands: ops.float_elementwise(name, *operands)


def _number(name: str):
    def apply(x):
        x = ops.as_operand(x)
        return ops.elementwise(name, x)

    return apply


def _rounding(name: str):
    def apply(x):
        x = ops.traced(x)
        return x if x.dtype.kind in "ib" else ops.unary(name, x)

    return apply


def _arithmetic(name: str):
    return lambda x, y: ops.arithmetic(name, x, y)


def _compare(name: str):
    return lambda x, y: ops.compare(name, x, y)


def _logical(name: str):
    return lambda *operands: ops.logical(name, *operands)


def _fmax(name: str):
    """Fmax and fmin prefer the number where the other operand is NaN."""

    def apply(x, y):
        best = ops.arithmetic(name, x, y)
        return ops.where(_isnan(x), y, ops.where(_isnan(y), x, best))

    return apply


def _isnan(x):
    return ops.float_elementwise("isnan", x)


def _square(x):
    return ops.power(x, 2)


def _heaviside(x, half):
    above = ops.where(ops.compare("gt", x, 0), 1.0, half)
    step = ops.where(ops.compare("lt", x, 0), 0.0, above)
    step = ops.where(_isnan(x), np.nan, step)
    return ops.convert(step, ops.float_dtype(x, half))


def _scaled(factor: float):
    return lambda x: ops.float_elementwise("mul", x, factor)


def _matmul(x, y):
    from diffsci.tracing.functions.products import matmul

    return matmul(x, y)


UFUNCS: dict[str, Callable] = {
    **{
        name: _float(name)
        for name in (
            "exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh "
            "arcsinh arccosh arctanh hypot arctan2 logaddexp copysign isnan isinf isfinite"
        ).split()
    },
    **{name: _number(prim) for name, prim in {"negative": "neg", "absolute": "abs", "sign": "sign"}.items()},
    **{name: _rounding(name) for name in ("floor", "ceil", "trunc", "rint")},
    **{
        name: _arithmetic(prim)
        for name, prim in {
            "add": "add",
            "subtract": "sub",
            "multiply": "mul",
            "maximum": "maximum",
            "minimum": "minimum",
            "remainder": "mod",
            "fmod": "fmod",
            "floor_divide": "floor_divide",
        }.items()
    },
    **{
        name: _compare(prim)
        for name, prim in {
            "less": "lt",
            "less_equal": "le",
            "greater": "gt",
            "greater_equal": "ge",
            "equal": "eq",
            "not_equal": "ne",
        }.items()
    },
    **{name: _logical(name) for name in ("logical_and", "logical_or", "logical_xor", "logical_not")},
    "bitwise_and": lambda x, y: bitwise("logical_and", x, y),
    "bitwise_or": lambda x, y: bitwise("logical_or", x, y),
    "bitwise_xor": lambda x, y: bitwise("logical_xor", x, y),
    "invert": lambda x: ~ops.traced(x),
    "positive": lambda x: ops.copy(ops.traced(x)),
    "fabs": _float("abs"),
    "divide": _float("div"),
    "power": lambda x, p: ops.power(x, p),
    "float_power": lambda x, p: ops.power(ops.convert(x, float), p),
    "square": _square,
    "reciprocal": lambda x: ops.float_elementwise("div", 1.0, x),
    "fmax": _fmax("maximum"),
    "fmin": _fmax("minimum"),
    "heaviside": _heaviside,
    "deg2rad": _scaled(np.pi / 180),
    "radians": _scaled(np.pi / 180),
    "rad2deg": _scaled(180 / np.pi),
    "degrees": _scaled(180 / np.pi),
    "matmul": _matmul,
    "conjugate": lambda x: ops.traced(x),
    "expit": _float("sigmoid"),  # scipy.special.expit
}

REDUCTIONS = {
    "add": "sum",
    "multiply": "prod",
    "maximum": "max",
    "minimum": "min",
    "logical_and": "all",
    "logical_or": "any",
}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict[str, Any]) -> Any:
    """Carry out ``ufunc.method(*inputs, **kwargs)`` with a traced value among the operands."""
    out = kwargs.pop("out", None)
    name = ufunc.__name__
    if method == "at":
        return _ufunc_at(name, *inputs)
    if method == "__call__":
        result = _ufunc_call(name, inputs, kwargs)
    elif method == "reduce":
        result = _ufunc_reduce(name, *inputs, **kwargs)
    elif method == "outer":
        x, y = (ops.traced(x) for x in inputs)
        result = _ufunc_call(name, (ops.reshape(x, (*x.shape, *(1,) * y.ndim)), y), kwargs)
    elif method == "accumulate" and name in ("add", "multiply"):
        function = np.cumsum if name == "add" else np.cumprod
        result = call_function(function, inputs, {"axis": 0, **kwargs})
    else:
        raise ops.unsupported(f"numpy.{name}.{method}", "write the loop out, or use another function")
    return result if out is None else _written(out, result)


def _ufunc_call(name: str, inputs: tuple, kwargs: dict[str, Any]) -> Any:
    rule = UFUNCS.get(name)
    if rule is None:
        raise ops.unsupported(f"the ufunc {name}", "express it by supported functions")
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    kwargs.pop("casting", None)
    if kwargs:
        raise ops.unsupported(f"the option {next(iter(kwargs))!r} of numpy.{name}", "leave it out")
    if where is not True:
        raise ops.unsupported(f"the option 'where' of numpy.{name}", "use numpy.where on the result")
    if dtype is not None:
        inputs = tuple(ops.convert(x, dtype) for x in inputs)
    return rule(*inputs)


def _ufunc_reduce(name: str, x: Any, axis=0, dtype=None, keepdims=False, **options) -> Any:
    if name not in REDUCTIONS or any(value is not None and value is not True for value in options.values()):
        raise ops.unsupported(f"numpy.{name}.reduce with these options", "use the function of numpy instead")
    return ops.reduce(REDUCTIONS[name], x, axis, keepdims, dtype)


def _ufunc_at(name: str, x: Any, index: Any, value: Any = None) -> None:
    if not isinstance(x, TracedArray):
        raise _foreign(x)
    if name == "add":
        indexing.put_add(x, index, value)
    elif name == "subtract":
        indexing.put_add(x, index, -ops.traced(value))
    else:
        raise ops.unsupported(f"numpy.{name}.at", "only add.at and subtract.at are")


def _written(out: Any, result: Any) -> Any:
    from diffsci.tracing.methods import assign

    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        return result
    if not isinstance(target, TracedArray):
        raise _foreign(target)
    assign(target, result)
    return target


def _foreign(target: Any):
    return ops.unsupported(
        "writing a traced value into a plain NumPy array made outside the traced function",
        "create the array inside the function (for example with .copy() there)",
    )


def call_function(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Carry out a NumPy function with a traced value among its arguments."""
    implementation = FUNCTIONS.get(function)
    if implementation is None:
        if isinstance(function, np.ufunc):
            return call_ufunc(function, "__call__", args, kwargs)
        name = f"{getattr(function, '__module__', 'numpy')}.{getattr(function, '__name__', function)}"
        raise ops.unsupported(name, "express it by supported functions")
    out = kwargs.pop("out", None)
    try:
        result = implementation(*args, **kwargs)
    except TypeError as error:
        if "unexpected keyword" in str(error) or "positional argument" in str(error):
            raise ops.unsupported(
                f"this form of numpy.{function.__name__} ({error})", "leave the option out"
            ) from None
        raise
    return result if out is None else _written(out, result)
