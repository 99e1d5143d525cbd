"""What compiled loops may call beside each other: functions of Python, NumPy and `memory`, as LLVM text.

Each is called with the text that grows and the values of its arguments, and returns the value of its result.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from diffsci.native.memory import call_address, copy_bytes, start_of, view
from diffsci.native.writing import BOOLEAN, NUMBER, REAL, Array, Refused, Value, Writer, constant

__all__ = ["OPERATIONS"]


def _of_reals(name: str) -> Callable:
    """A function of floats, by its name in LLVM or in the C library."""

    def write(out: Writer, *values: Value) -> Value:
        return Value(REAL, out.call(REAL, name, [(REAL, out.real(value).text) for value in values]))

    return write


_magnitude = _of_reals("llvm.fabs.f64")


def _absolute(out: Writer, value: Value) -> Value:
    if value.kind == REAL:
        return _magnitude(out, value)
    return Value(
        NUMBER, out.call(NUMBER, "llvm.abs.i64", [(NUMBER, out.number(value).text), (BOOLEAN, "false")])
    )


def _is_finite(out: Writer, value: Value) -> Value:
    return out.compared("<", _magnitude(out, value), constant(math.inf))


def _extreme(sign: str) -> Callable:
    def write(out: Writer, *values: Value) -> Value:
        if len(values) < 2:
            raise Refused("extreme of a single value")
        return out.extreme(sign, list(values))

    return write


def _pointer(out: Writer, address: Value) -> str:
    return out.define(f"inttoptr i64 {out.number(address).text} to ptr")


def _call(out: Writer, address: Value, slots: Value) -> Value:
    program, table = _pointer(out, address), _pointer(out, slots)
    return Value(NUMBER, out.define(f"call i64 {program}(ptr {table})"))


def _copy(out: Writer, target: Value, source: Value, size: Value) -> Value:
    places = [("ptr", _pointer(out, target)), ("ptr", _pointer(out, source))]
    out.call("void", "llvm.memcpy.p0.p0.i64", [*places, (NUMBER, out.number(size).text), (BOOLEAN, "false")])
    return Value("void", "")


def _start(out: Writer, array: Value) -> Value:
    if not isinstance(array.kind, Array):
        raise Refused("address of a number")
    return Value(NUMBER, out.define(f"ptrtoint ptr {array.text} to i64"))


def _view(out: Writer, address: Value, size: Value, like: Value) -> Value:
    return Value(Array(like.kind.element, 1), _pointer(out, address), (out.number(size).text,))


OPERATIONS: dict[object, Callable[..., Value]] = {
    abs: _absolute,
    call_address: _call,
    copy_bytes: _copy,
    int: Writer.number,
    max: _extreme(">"),
    min: _extreme("<"),
    np.isfinite: _is_finite,
    np.nextafter: _of_reals("nextafter"),
    np.sqrt: _of_reals("llvm.sqrt.f64"),
    start_of: _start,
    view: _view,
}
