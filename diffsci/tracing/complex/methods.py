"""Operators and methods of `ComplexArray` that differ from those of a real traced array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diffsci.source import at, user_location
from diffsci.tracing import indexing
from diffsci.tracing import operations as ops
from diffsci.tracing.complex.array import ComplexArray, is_complex
from diffsci.tracing.complex.functions import conjugate
from diffsci.tracing.complex.operations import as_complex
from diffsci.tracing.complex.quick import QUICK
from diffsci.tracing.methods import attach_operator, never
from diffsci.tracing.powers import power


def get(z: ComplexArray, key: Any) -> ComplexArray:
    """z[key]: the parts of a view are views of the parts."""
    found = ComplexArray(z.re[key], z.im[key])
    found.scalar = found.re.scalar
    return found


def put(z: ComplexArray, key: Any, value: Any) -> None:
    """z[key] = value; both parts of the value are read before anything is written."""
    re, im = _value_parts(value)
    indexing.put(z.re, key, re)
    indexing.put(z.im, key, im)


def put_add(z: ComplexArray, key: Any, value: Any) -> None:
    """np.add.at(z, key, value)."""
    re, im = _value_parts(value)
    indexing.put_add(z.re, key, re)
    indexing.put_add(z.im, key, im)


def _value_parts(value: Any) -> tuple[Any, Any]:
    value = ops.as_operand(value)
    if isinstance(value, ComplexArray):
        return value.re.fresh(), value.im.fresh()
    return (value.real, value.imag) if is_complex(value) else (value, 0.0)


def _store(z: ComplexArray, result: Any) -> None:
    put(z, Ellipsis, result)


def _matmul(x, y):
    from diffsci.tracing.functions.products import matmul

    return matmul(x, y)


for _name, _apply in {
    "add": lambda x, y: ops.arithmetic("add", x, y, weak=True),
    "sub": lambda x, y: ops.arithmetic("sub", x, y, weak=True),
    "mul": lambda x, y: ops.arithmetic("mul", x, y, weak=True),
    "truediv": lambda x, y: ops.float_elementwise("div", x, y, weak=True),
    "pow": lambda x, y: power(x, y, weak=True),
    "matmul": _matmul,
}.items():
    attach_operator(ComplexArray, _name, _apply, QUICK.get(_name, never), _store)


def _unordered(symbol: str) -> Callable:
    def compare(*operands: Any) -> Any:
        raise TypeError(
            f"{symbol!r} is not defined for complex values{at(user_location())}: use .real, .imag or abs()"
        )

    return compare


for _name, _symbol in {
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "floordiv": "//",
    "rfloordiv": "//",
    "mod": "%",
    "rmod": "%",
    "divmod": "divmod()",
    "rdivmod": "divmod()",
    "invert": "~",
    "round": "round()",
    "floor": "floor()",
    "ceil": "ceil()",
    "trunc": "trunc()",
}.items():
    setattr(ComplexArray, f"__{_name}__", _unordered(_symbol))


def _item(self, *index):
    found = self[index if len(index) > 1 else index[0]] if index else ops.reshape(self, ())
    number = as_complex(found, complex)
    number.scalar = number.weak = True
    return number


def _tolist(self):
    return _item(self) if self.ndim == 0 else [x.tolist() for x in self]


for _name, _method in {
    "__getitem__": get,
    "__setitem__": put,
    "put_add": put_add,
    "__neg__": lambda self: ops.elementwise("neg", self, weak=True),
    "__abs__": lambda self: ops.elementwise("abs", self, weak=True),
    "conj": conjugate,
    "conjugate": conjugate,
    "item": _item,
    "tolist": _tolist,
    "is_integer": _unordered("is_integer()"),
}.items():
    setattr(ComplexArray, _name, _method)

__all__ = ["get", "put", "put_add"]
