"""Python's own complex numbers on traced values: complex() and cmath.*."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import ComplexArray, make_complex
from diffsci.tracing.complex.operations import as_complex

__all__ = ["CMATH", "TracedComplex"]


def number(x: Any) -> Any:
    """A Python complex number: double precision, and weak in promotion."""
    made = as_complex(x, complex)
    made.scalar = made.weak = made.shape == ()
    return made


def _function(name: str) -> Callable:
    return lambda z: ops.elementwise(name, number(z), weak=True)


def _log(z, base=None):
    natural = ops.elementwise("log", number(z), weak=True)
    return natural if base is None else natural / _log(base)


def _phase(z):
    z = number(z)
    return ops.elementwise("arctan2", z.imag, z.real, weak=True)


def _rect(r, phi):
    return make_complex(r * ops.float_elementwise("cos", phi), r * ops.float_elementwise("sin", phi))


# Inverse functions: the names in math and cmath, and in NumPy.
INVERSES = {f"a{name}": f"arc{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}


def is_close(x, y, *, rel_tol=1e-9, abs_tol=0.0):
    """Isclose of math and cmath."""
    size = ops.arithmetic("maximum", abs(x), abs(y))
    return bool(abs(x - y) <= ops.arithmetic("maximum", size * rel_tol, abs_tol))


CMATH: dict[str, Callable] = {
    **{name: _function(name) for name in "exp log10 sqrt sin cos tan sinh cosh tanh".split()},
    **{theirs: _function(ours) for theirs, ours in INVERSES.items()},
    **{name: lambda z, name=name: bool(_function(name)(z)) for name in ("isnan", "isinf", "isfinite")},
    "log": _log,
    "phase": _phase,
    "polar": lambda z: (abs(number(z)), _phase(z)),
    "rect": _rect,
    "isclose": is_close,
}


class _ComplexMeta(type):
    """Makes the traced `complex` a type that is `complex` for everybody else."""

    def __call__(cls, real: Any = 0.0, imag: Any = None) -> Any:
        if not isinstance(real, TracedArray) and not isinstance(imag, TracedArray):
            return builtins.complex(real) if imag is None else builtins.complex(real, imag)
        if imag is None:
            return number(ops.reshape(real, ()))
        if isinstance(real, ComplexArray) or isinstance(imag, ComplexArray):
            return number(real + 1j * imag)
        return number(make_complex(real, imag))

    def __instancecheck__(cls, x: Any) -> bool:
        return builtins.isinstance(x, builtins.complex) or (builtins.isinstance(x, ComplexArray) and x.scalar)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, builtins.complex)

    def __eq__(cls, other: Any) -> bool:
        return other is builtins.complex or other is TracedComplex

    def __hash__(cls) -> int:
        return hash(builtins.complex)


class TracedComplex(builtins.complex, metaclass=_ComplexMeta):
    """`complex` inside a traced function: keeps traced numbers traced."""

    dtype = np.dtype(builtins.complex)  # lets NumPy take this class where it takes `complex`
