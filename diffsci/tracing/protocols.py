"""NumPy's dispatch: ufuncs and functions applied to traced values, looked up in our tables."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing import ufunc_methods
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.carried import CARRIED
from diffsci.tracing.complex.functions import complex_implementation, holds_complex
from diffsci.tracing.powers import power
from diffsci.tracing.sparse import is_sparse
from diffsci.tracing.sparse.functions import of_sparse, refuse_sparse

__all__ = [
    "FUNCTIONS",
    "SCIPY",
    "UFUNCS",
    "bitwise",
    "call_function",
    "call_ufunc",
    "foreign",
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
    """&, | and ^ are logic on booleans; of integers the program holds to the values seen."""
    x, y = ops.as_operand(x), ops.as_operand(y)
    if ops.promoted(x, y).kind == "b":
        return ops.logical(name, x, y)
    seen = (v.pinned() if isinstance(v, TracedArray) else v for v in (x, y))
    return ops.traced(getattr(np, name.replace("logical", "bitwise"))(*seen))


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
    return power(x, 2)


def _heaviside(x, half):
    above = ops.where(ops.compare("gt", x, 0), 1.0, half)
    step = ops.where(ops.compare("lt", x, 0), 0.0, above)
    step = ops.where(_isnan(x), np.nan, step)
    return ops.convert(step, ops.float_dtype(x, half))


def _scaled(factor: float):
    return lambda x: ops.float_elementwise("mul", x, factor)


def _divmod(x, y):
    return ops.arithmetic("floor_divide", x, y), ops.arithmetic("mod", x, y)


def _modf(x):
    x = ops.traced(x)
    x = x if x.dtype.kind == "f" else ops.convert(x, float)
    whole = ops.unary("trunc", x)
    return ops.float_elementwise("copysign", x - whole, x), whole


def _ldexp(x, exponent):
    x = ops.traced(x)
    x = x if x.dtype.kind == "f" else ops.convert(x, float)
    return x * power(np.asarray(2.0, x.dtype), ops.convert(exponent, x.dtype))


def _frexp(x):
    """Mantissa in [1/2, 1) and exponent; the exponent is a number that the derivative does not see."""
    x = ops.traced(x)
    x = x if x.dtype.kind == "f" else ops.convert(x, float)
    size = ops.unary("stop_gradient", ops.unary("abs", x))
    zero = ops.logical("logical_or", ops.compare("eq", size, 0), ~ops.unary("isfinite", size))
    size = ops.where(zero, 0.5, size)
    exponent = ops.unary("floor", ops.unary("log2", size)) + 1
    mantissa = size * power(np.asarray(2.0, x.dtype), -exponent)
    # The logarithm is rounded: next to a power of two it may be one off.
    exponent = exponent - ops.where(ops.compare("lt", mantissa, 0.5), 1, 0)
    exponent = exponent + ops.where(ops.compare("ge", mantissa, 1), 1, 0)
    return _ldexp(x, -exponent), ops.convert(exponent, int)


def _signbit(x):
    x = ops.traced(x)
    return ops.compare("lt", ops.float_elementwise("copysign", np.ones((), ops.float_dtype(x)), x), 0)


def _product(name: str):
    def apply(x, y):
        from diffsci.tracing.functions import products

        return getattr(products, name)(x, y)

    return apply


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
    "power": lambda x, p: power(x, p),
    "float_power": lambda x, p: power(ops.convert(x, float), p),
    "square": _square,
    "reciprocal": lambda x: ops.float_elementwise("div", 1.0, x),
    "fmax": _fmax("maximum"),
    "fmin": _fmax("minimum"),
    "heaviside": _heaviside,
    "deg2rad": _scaled(np.pi / 180),
    "radians": _scaled(np.pi / 180),
    "rad2deg": _scaled(180 / np.pi),
    "degrees": _scaled(180 / np.pi),
    **{name: _product(name) for name in ("matmul", "vecdot", "matvec", "vecmat")},
    "divmod": _divmod,
    "modf": _modf,
    "frexp": _frexp,
    "ldexp": _ldexp,
    "signbit": _signbit,
    "conjugate": lambda x: ops.traced(x).conj(),
}


def call_ufunc(ufunc: np.ufunc, method: str, inputs: tuple, kwargs: dict[str, Any]) -> Any:
    """Carry out ``ufunc.method(*inputs, **kwargs)`` with a traced value among the operands."""
    if any(map(is_sparse, inputs)):
        return of_sparse(ufunc, inputs, kwargs) if method == "__call__" else refuse_sparse(ufunc)
    out = kwargs.pop("out", None)
    if isinstance(out, tuple) and all(target is None for target in out):
        out = None
    inputs = tuple(map(_known_integer, inputs)) if method in ("at", "reduceat") else inputs
    if method == "__call__":
        return _ufunc_call(ufunc, inputs, kwargs, out)
    rule = _rule(ufunc)
    if method == "at":
        if not isinstance(inputs[0], TracedArray):
            raise foreign(inputs[0])
        return ufunc_methods.at(ufunc, rule, *inputs)
    if method == "outer":
        x, y = (ops.traced(x) for x in inputs)
        return _ufunc_call(ufunc, (ops.reshape(x, (*x.shape, *(1,) * y.ndim)), y), kwargs, out)
    result = getattr(ufunc_methods, method)(ufunc, rule, *inputs, **kwargs)
    return result if out is None else _written(out, result)


def _known_integer(x: Any) -> Any:
    """Return plain numbers for a constant array of integers, such as places."""
    return x.constant() if isinstance(x, TracedArray) and x.is_const and x.dtype.kind in "ib" else x


def _rule(ufunc: np.ufunc) -> Callable:
    rule = UFUNCS.get(ufunc.__name__)
    if rule is None:
        raise ops.unsupported(f"the ufunc {ufunc.__name__}", "express it by supported functions")
    return rule


def _ufunc_call(ufunc: np.ufunc, inputs: tuple, kwargs: dict[str, Any], out: Any = None) -> Any:
    rule = _rule(ufunc)
    inputs, given = inputs[: ufunc.nin], inputs[ufunc.nin :]
    out = given if given else out
    where = kwargs.pop("where", True)
    dtype = kwargs.pop("dtype", None)
    for option in ("casting", "order", "subok"):
        kwargs.pop(option, None)
    if kwargs:
        raise ops.unsupported(f"the option {next(iter(kwargs))!r} of numpy.{ufunc.__name__}", "leave it out")
    if dtype is not None:
        inputs = tuple(ops.convert(x, dtype) for x in inputs)
    result = rule(*inputs)
    if where is not True:
        result = _where(where, result, out)
    return result if out is None else _written(out, result)


def _where(where: Any, result: Any, out: Any) -> Any:
    """Keep what stands in `out` elsewhere; without it NumPy leaves what is in memory, we leave zeros."""
    if isinstance(result, tuple):
        raise ops.unsupported("the option 'where' of a ufunc with two results", "use numpy.where on them")
    target = out[0] if isinstance(out, tuple) else out
    return ops.where(where, result, np.zeros((), result.dtype) if target is None else target)


def _written(out: Any, result: Any) -> Any:
    from diffsci.tracing.methods import assign

    if isinstance(result, tuple):
        pairs = zip(out, result, strict=True)
        return tuple(part if target is None else _written(target, part) for target, part in pairs)
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        return result
    if not isinstance(target, TracedArray):
        raise foreign(target)
    assign(target, result)
    return target


def foreign(target: Any):
    """Return the error for a traced value that is written into a plain array."""
    return ops.unsupported(
        "writing a traced value into a plain NumPy array made outside the traced function",
        "create the array inside the function (for example with .copy() there)",
    )


def _first_by_position(function: Callable, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    """Take the array out of np.mean(a=x): implementations name it otherwise."""
    first = next(iter(inspect.signature(function).parameters), None)
    if first not in kwargs:
        return (), kwargs
    return (kwargs[first],), {name: value for name, value in kwargs.items() if name != first}


def call_function(function: Callable, args: tuple, kwargs: dict[str, Any]) -> Any:
    """Carry out a NumPy function with a traced value among its arguments."""
    if any(map(is_sparse, args)):
        return of_sparse(function, args, kwargs)
    implementation = FUNCTIONS.get(function)
    if implementation is None:
        if isinstance(function, np.ufunc):
            return call_ufunc(function, "__call__", args, kwargs)
        name = f"{getattr(function, '__module__', 'numpy')}.{getattr(function, '__name__', function)}"
        raise ops.unsupported(name, "express it by supported functions")
    if function not in CARRIED and holds_complex((*args, *kwargs.values())):
        implementation = complex_implementation(function)
    out = kwargs.pop("out", None)
    if not args and kwargs:
        args, kwargs = _first_by_position(function, kwargs)
    try:
        result = implementation(*args, **kwargs)
    except TypeError as error:
        if "unexpected keyword" in str(error) or "positional argument" in str(error):
            raise ops.unsupported(
                f"this form of numpy.{function.__name__} ({error})", "leave the option out"
            ) from None
        raise
    return result if out is None else _written(out, result)
