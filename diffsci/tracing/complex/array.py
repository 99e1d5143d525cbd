"""ComplexArray: what a user's function sees in place of a complex array or number.

It holds its real and its imaginary part, two traced arrays of one shape. Views, writes in place and
aliasing are those of the parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import lookup
from diffsci.graph.namespaces import is_on_device
from diffsci.source import at, user_location
from diffsci.tracing.array import TracedArray
from diffsci.tracing.trace import innermost

__all__ = ["ComplexArray", "complex_dtype", "is_complex", "make_complex", "part_dtype"]

PARTS = {np.dtype(np.complex64): np.dtype(np.float32), np.dtype(np.complex128): np.dtype(np.float64)}
WHOLES = {part: whole for whole, part in PARTS.items()}


def part_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the parts of complex numbers."""
    return PARTS[np.dtype(dtype)]


def complex_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype of complex numbers with parts of that dtype."""
    return WHOLES[np.dtype(dtype)]


class ComplexArray(TracedArray):
    """A complex value under trace: a pair of real traced arrays.

    Attributes
    ----------
    re, im : TracedArray
        The parts, of one shape and dtype. What is written to them is written to the whole.
    """

    in_parts = True

    def __init__(self, re: TracedArray, im: TracedArray, scalar: bool = False):
        self.owner = re.owner
        self.re, self.im = re, im
        self.scalar = scalar

    # what a traced array reads and writes, part by part ----------------------------------------------

    @property
    def given(self) -> bool:
        return self.re.given

    @given.setter
    def given(self, flag: bool) -> None:
        self.re.given = self.im.given = flag

    @property
    def _parent(self) -> Any:
        return self.re._parent

    @property
    def _order(self) -> Any:
        return self.re._order

    @property
    def given(self) -> bool:
        return self.re.given

    @given.setter
    def given(self, value: bool) -> None:
        self.re.given = self.im.given = value

    def _dummy(self) -> np.ndarray:
        return self.re._dummy()

    def read(self) -> Any:
        """Refuse: no node holds a complex value."""
        raise UnsupportedError(
            f"this operation is not supported on complex values{at(user_location())}: "
            "write it with .real and .imag"
        )

    def write(self, node: Any) -> None:
        """Refuse: no node holds a complex value."""
        self.read()

    def map(self, function: Any) -> ComplexArray:
        """Return the complex value of a linear function of both parts."""
        return ComplexArray(function(self.re), function(self.im))

    def fresh(self) -> ComplexArray:
        """Return a new array of the same elements."""
        return self.map(lambda part: part.fresh())

    def view(self, lens: Any = None) -> Any:
        """Return a view of both parts; `view(float)` shows them side by side."""
        if lens is None or hasattr(lens, "read"):
            return self.map(lambda part: part.view(lens))
        if np.dtype(lens) == self.dtype:
            return self.view()
        if np.dtype(lens) != self.re.dtype or self.ndim == 0:
            raise self._needs(f"view({lens!r}) of a complex value", "use .real and .imag")
        from diffsci.tracing.complex.views import interleaved

        return interleaved(self)

    def reshaped(self, shape: tuple[int, ...]) -> ComplexArray:
        """Return a view of another shape, or a copy where NumPy would copy."""
        if shape == self.shape and self.scalar:
            return self
        return self.map(lambda part: part.reshaped(shape))

    def laid_out_like(self, operands: Any) -> ComplexArray:
        """Lay out the new parts in memory as NumPy does for a result of these operands."""
        operands = tuple(operands)
        self.re.laid_out_like(operands)
        self.im.laid_out_like(operands)
        return self

    # attributes --------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.re.shape

    @property
    def ndim(self) -> int:
        return self.re.ndim

    @property
    def size(self) -> int:
        return self.re.size

    @property
    def dtype(self) -> np.dtype:
        return WHOLES[self.re.dtype]

    @property
    def real(self) -> TracedArray:
        self.re.scalar = self.scalar
        return self.re

    @real.setter
    def real(self, value: Any) -> None:
        self.re[...] = value

    @property
    def imag(self) -> TracedArray:
        self.im.scalar = self.scalar
        return self.im

    @imag.setter
    def imag(self, value: Any) -> None:
        self.im[...] = value

    @property
    def is_const(self) -> bool:
        return self.re.is_const and self.im.is_const

    def constant(self) -> np.ndarray:
        """Return the value of an array that does not depend on any input."""
        return _joined(self.re.constant(), self.im.constant())

    def concrete(self) -> np.ndarray:
        """Return the value at the point where the function is traced."""
        return _joined(self.re.concrete(), self.im.concrete())

    def pinned(self) -> np.ndarray:
        """Return the value and record that the traced program holds only for it."""
        return _joined(self.re.pinned(), self.im.pinned())

    def __repr__(self) -> str:
        kind = "constant" if self.is_const else "traced"
        return f"{kind}({np.array2string(self.concrete(), threshold=8)}, {self.dtype.name}{list(self.shape)})"

    # conversions -------------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __complex__(self) -> complex:
        if self.is_const and self.size == 1:
            return complex(self.constant().item())
        raise self._needs("complex()", "use the value as it is")

    def __float__(self) -> float:
        raise TypeError(
            f"float() argument must be a real number, not complex{at(user_location())}: use .real or abs()"
        )

    __int__ = __float__

    def __index__(self) -> int:
        raise TypeError(f"a complex number is no index{at(user_location())}")


def _joined(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    whole = np.empty(np.shape(re), WHOLES[np.asarray(re).dtype])
    whole.real, whole.imag = re, im
    return whole


def is_complex(x: Any) -> bool:
    """Tell whether an operand is complex: traced, an array or a number."""
    if isinstance(x, TracedArray):
        return isinstance(x, ComplexArray)
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.kind == "c"
    return isinstance(x, complex) or (is_on_device(x) and x.dtype.kind == "c")


def make_complex(re: Any, im: Any) -> ComplexArray:
    """Return a traced complex array of its parts: real traced arrays, arrays or numbers that broadcast.

    Parameters
    ----------
    re, im : array_like
        At least one of them traced, or a trace must be running.
    """
    from diffsci.tracing import operations as ops

    parts = [ops.as_operand(x) for x in (re, im)]
    trace = innermost(parts)
    shape = np.broadcast_shapes(*map(ops.shape_of, parts))
    dtype = ops.float_dtype(*parts)
    made = ComplexArray(*(TracedArray(trace, ops.node_as(trace, x, dtype, shape)) for x in parts))
    made.scalar = shape == () and all(not isinstance(x, np.ndarray) for x in (re, im))
    made.weak = made.scalar and all(ops.is_python_scalar(x) or getattr(x, "weak", False) for x in parts)
    return made


def zeros_like(part: TracedArray) -> TracedArray:
    """Return the imaginary part of a real array."""
    trace = part.owner
    node = trace.const(0.0, part.dtype)
    if part.shape:
        node = trace.bind(lookup("broadcast"), (node,), {"shape": part.shape, "axes": ()})
    return TracedArray(trace, node)
