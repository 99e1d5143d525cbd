"""Operators and methods of `TracedArray`, attached to the class when tracing is imported."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.graph import lookup
from diffsci.tracing import indexing, sparse
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.sorting import partition_in_place, sort_in_place
from diffsci.tracing.lenses import FlatLens
from diffsci.tracing.numbers import truncated
from diffsci.tracing.powers import power
from diffsci.tracing.quick import quick_binary
from diffsci.tracing.selection import Selected
from diffsci.tracing.standard import BUFFERS

NUMBERS = (
    int, float, complex, bool, np.number, np.bool_, np.ndarray, list, tuple, range, TracedArray, *BUFFERS
)  # fmt: skip


def never(*_: Any) -> None:
    """There is no quick way."""


def attach_operator(cls: type, name: str, apply: Callable, quick: Callable, store: Callable) -> None:
    """Give a class of traced arrays an operator: forward, reflected and in place.

    Parameters
    ----------
    apply : callable
        ``apply(x, y)``, for all operands.
    quick : callable
        ``quick(x, y, swapped=False)``, for the commonest ones; None where it does not apply.
    store : callable
        ``store(x, result)`` puts the result of an operator in place into the array.
    """

    def forward(self, other):
        result = quick(self, other)
        if result is not None:
            return result
        return apply(self, other) if isinstance(other, NUMBERS) else with_sparse(name, self, other)

    def backward(self, other):
        result = quick(self, other, True)
        if result is not None:
            return result
        return apply(other, self) if isinstance(other, NUMBERS) else with_sparse(name, other, self)

    def in_place(self, other):
        if not isinstance(other, NUMBERS):
            return NotImplemented
        result = apply(self, other)
        if self.scalar:
            return result
        store(self, result)
        return self

    setattr(cls, f"__{name}__", forward)
    setattr(cls, f"__r{name}__", backward)
    setattr(cls, f"__i{name}__", in_place)


def _quick(primitive: str | None) -> Callable:
    if primitive is None:
        return never
    rule = lookup(primitive)
    return lambda x, y, swapped=False: quick_binary(rule, x, y, True, swapped)


def _store(x: TracedArray, result: Any) -> None:
    if not (type(x) is Selected and x.replace(result)):
        assign(x, result)


def with_sparse(name: str, x: Any, y: Any) -> Any:
    """Carry out an operator with a sparse matrix; leave it to the other operand if it is none."""
    other = y if isinstance(x, TracedArray) else x
    return sparse.operate(name, x, y) if sparse.is_sparse(other) else NotImplemented


def assign(x: TracedArray, value: Any) -> None:
    """x[...] = value, with NumPy's rule that a float result does not fit an integer array."""
    value = ops.traced(value)
    if value.dtype.kind in "fc" and x.dtype.kind in "ib":
        raise np.exceptions.DTypePromotionError(
            f"Cannot cast output from {value.dtype} to {x.dtype} in place: create the array with dtype=float"
        )
    x[...] = value


def _arithmetic(name: str):
    return lambda x, y: ops.arithmetic(name, x, y, weak=True)


def _divide(x, y):
    return ops.float_elementwise("div", x, y, weak=True)


def _matmul(x, y):
    from diffsci.tracing.functions.products import matmul

    return matmul(x, y)


def _is_integer(x) -> bool:
    return isinstance(x, TracedArray) and x.scalar and x.dtype.kind == "i"


def _times(x, y):
    """Multiply; a list times an integer repeats the list, as in Python."""
    for number, items in ((x, y), (y, x)):
        if isinstance(items, list) and _is_integer(number):
            return items * operator.index(number)
    return ops.arithmetic("mul", x, y, weak=True)


def _shifted(direction: str):
    """Shift an integer: the program holds for its value."""

    def shift(x, y):
        apply = getattr(operator, direction)
        return apply(*(int(v.pinned()) if isinstance(v, TracedArray) else v for v in (x, y)))

    return shift


def _bits(name: str, ufunc: str):
    def apply(x, y):
        from diffsci.tracing.protocols import bitwise

        return bitwise(ufunc, x, y)

    return apply


# Operators that are a primitive of the same operands where both are floats of one type.
QUICK = {"add": "add", "sub": "sub", "mul": "mul", "truediv": "div"}

for _name, _apply in {
    "add": _arithmetic("add"),
    "sub": _arithmetic("sub"),
    "mul": _times,
    "truediv": _divide,
    "floordiv": _arithmetic("floor_divide"),
    "mod": _arithmetic("mod"),
    "pow": lambda x, y: power(x, y, weak=True),
    "matmul": _matmul,
    "and": _bits("and", "logical_and"),
    "or": _bits("or", "logical_or"),
    "xor": _bits("xor", "logical_xor"),
    "lshift": _shifted("lshift"),
    "rshift": _shifted("rshift"),
}.items():
    attach_operator(TracedArray, _name, _apply, _quick(QUICK.get(_name)), _store)


def _comparison(name: str):
    def compare(self, other):
        if other is None or isinstance(other, str):
            return NotImplemented
        return ops.compare(name, self, other) if isinstance(other, NUMBERS) else NotImplemented

    return compare


for _name in ("lt", "le", "gt", "ge", "eq", "ne"):
    setattr(TracedArray, f"__{_name}__", _comparison(_name))


def _divmod(x, y):
    return ops.arithmetic("floor_divide", x, y, weak=True), ops.arithmetic("mod", x, y, weak=True)


def _contains(self, item) -> bool:
    return bool(ops.compare("eq", self, item).any())


def _numpy(name: str):
    """Return a method that is the NumPy function of that name on the array."""

    def method(self, *args, **kwargs):
        from diffsci.tracing.protocols import call_function

        return call_function(getattr(np, name), (self, *args), kwargs)

    method.__name__ = name
    return method


def _reshape(self, *shape, order="C"):
    shape = shape[0] if len(shape) == 1 else shape
    return ops.reshape(self, shape) if order == "C" else _numpy("reshape")(self, shape, order)


def _transposed(self, *axes):
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        axes = axes[0]
    return ops.transpose(self, axes or None)


def _round(self, digits=None):
    if self.scalar and digits is None:  # Python's round() gives an integer
        return truncated(self, "rint")
    return _numpy("round")(self, digits or 0)


def _item(self, *index):
    return _python_number(self[index if len(index) > 1 else index[0]] if index else ops.reshape(self, ()))


def _python_number(x: TracedArray) -> TracedArray:
    """A Python number: double precision, and weak in promotion."""
    number = ops.convert(x, float) if x.dtype.kind == "f" else ops.copy(x)
    number.scalar = number.weak = True
    return number


def _tolist(self):
    if self.is_const:
        return self.constant().tolist()
    return _python_number(self) if self.ndim == 0 else [x.tolist() for x in self]


def _set_flat(self, value):
    self.flat[...] = value


def _fill(self, value):
    self[...] = value


def _flatten(self, order="C"):
    return ops.copy(_reshape(self, -1, order=order))


METHODS: dict[str, Any] = {
    "__neg__": lambda self: ops.unary("neg", self, weak=True),
    "__pos__": lambda self: ops.copy(self) if not self.scalar else self,
    "__abs__": lambda self: ops.unary("abs", self, weak=True),
    "__invert__": lambda self: ops.logical("logical_not", self) if self.dtype.kind == "b" else -self - 1,
    "__divmod__": _divmod,
    "__rdivmod__": lambda self, other: _divmod(other, self),
    "__contains__": _contains,
    "__round__": _round,
    "__getitem__": indexing.get,
    "__setitem__": indexing.put,
    "__floor__": lambda self: truncated(self, "floor"),
    "__ceil__": lambda self: truncated(self, "ceil"),
    "__trunc__": lambda self: truncated(self),
    "T": property(lambda self: ops.transpose(self)),
    "mT": property(lambda self: ops.transpose(self, (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2))),
    "flat": property(
        lambda self: self.view(FlatLens((self.size,))), lambda self, value: _set_flat(self, value)
    ),
    "real": property(lambda self: self),
    "imag": property(lambda self: ops.traced(np.zeros(self.shape, self.dtype))),
    "astype": lambda self, dtype, **_: ops.convert(self, dtype),
    "copy": lambda self, order="C": ops.copy(self),
    "reshape": _reshape,
    "transpose": _transposed,
    "ravel": lambda self, order="C": _reshape(self, -1, order=order),
    "flatten": _flatten,
    "item": _item,
    "tolist": _tolist,
    "fill": _fill,
    "sort": sort_in_place,
    "partition": partition_in_place,
    "compress": lambda self, condition, axis=None: _numpy("compress")(condition, self, axis),
    "conj": lambda self: self,
    "conjugate": lambda self: self,
    "is_integer": lambda self: bool(ops.compare("eq", ops.unary("floor", self), self)),
}
for _name in (
    "sum prod mean std var max min any all argmax argmin cumsum cumprod dot clip take repeat squeeze "
    "swapaxes round trace diagonal argsort argpartition choose nonzero put searchsorted"
).split():
    METHODS.setdefault(_name, _numpy(_name))

for _name, _method in METHODS.items():
    setattr(TracedArray, _name, _method)
