"""What `tracing.operations` does where an operand is complex."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex import inverses as _inverses  # noqa: F401  fills FORMULAS
from diffsci.tracing.complex.array import ComplexArray, is_complex, make_complex, part_dtype, zeros_like
from diffsci.tracing.complex.emitter import Emitter, Pair
from diffsci.tracing.complex.formulas import FORMULAS, integer_power
from diffsci.tracing.standard import standard
from diffsci.tracing.trace import Trace, innermost

__all__ = ["as_complex", "converted", "elementwise", "imag", "parts_as", "real", "where"]


def real(x: Any) -> Any:
    """Return the real part of any operand."""
    if isinstance(x, TracedArray):
        return x.re if isinstance(x, ComplexArray) else x
    return x.real if is_complex(x) else x


def imag(x: Any) -> Any:
    """Return the imaginary part of any operand."""
    if isinstance(x, TracedArray):
        return x.im if isinstance(x, ComplexArray) else zeros_like(x)
    return x.imag if is_complex(x) or ops.is_python_scalar(x) else np.zeros_like(x)


def parts_as(trace: Trace, x: Any, dtype: np.dtype, shape: tuple[int, ...]) -> Pair:
    """Return the nodes of an operand's parts, converted and broadcast; no second one for a real operand."""
    if is_complex(x):
        return tuple(ops.node_as(trace, part, dtype, shape) for part in (real(x), imag(x)))
    return ops.node_as(trace, x, dtype, shape), None


def elementwise(
    name: str, operands: tuple, common: np.dtype, shape: tuple[int, ...], **params: Any
) -> TracedArray:
    """Apply an elementwise function to operands whose common dtype is complex."""
    formula = FORMULAS.get(name)
    if formula is None and name != "integer_pow":
        raise ops.unsupported(
            f"{name} of complex values", "apply it to .real, .imag or abs(); complex numbers have no order"
        )
    trace = innermost(operands)
    b = Emitter(trace)
    pairs = [parts_as(trace, x, part_dtype(common), shape) for x in operands]
    if name not in _MIXED:
        pairs = [(re, b.full(re, 0.0) if im is None else im) for re, im in pairs]
    re, im = integer_power(b, *pairs, **params) if name == "integer_pow" else formula(b, *pairs)
    made = TracedArray(trace, re)
    return made if im is None else ComplexArray(made, TracedArray(trace, im))


_MIXED = frozenset({"mul", "div", "pow"})  # these know what a real operand spares


def as_complex(x: Any, dtype: Any = None) -> ComplexArray:
    """Return an operand as a traced complex array, in arrays of its own."""
    if isinstance(x, TracedArray):
        dtype = np.result_type(x.dtype, np.complex64) if dtype is None else np.dtype(dtype)
        trace, shape, scalar = x.owner, x.shape, x.scalar
    else:
        x = x if ops.is_python_scalar(x) else standard(x)
        dtype = np.result_type(x, np.complex64) if dtype is None else np.dtype(dtype)
        trace, shape, scalar = innermost(()), np.shape(x), not isinstance(x, np.ndarray)
    re, im = parts_as(trace, x, part_dtype(dtype), shape)
    first = TracedArray(trace, re)
    return ComplexArray(first, zeros_like(first) if im is None else TracedArray(trace, im), scalar)


def converted(x: Any, target: np.dtype) -> TracedArray:
    """Convert from or to a complex dtype."""
    if target.kind == "c":
        return as_complex(x, target).laid_out_like((x,))
    if target.kind == "b":
        return ops.compare("ne", x, 0)
    raise TypeError(
        f"complex values do not fit {target}{at(user_location())}: the imaginary part would be lost; "
        "take .real or abs()"
    )


def where(condition: Any, x: Any, y: Any) -> TracedArray:
    """np.where, part by part."""
    made = make_complex(*(ops.where(condition, part(x), part(y)) for part in (real, imag)))
    made.scalar = False
    return made.laid_out_like((condition, x, y))
