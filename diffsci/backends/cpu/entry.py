"""The native function that Python calls: it checks the arguments, fills the slots and runs the program."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from diffsci.backends.cpu.function import Function
from diffsci.backends.cpu.objects import Layout
from diffsci.graph import Type

__all__ = ["ENTRY", "MISFIT", "expected", "write_entry"]

ENTRY = "python_entry"
MISFIT = -(1 << 40)  # status: an argument is of another type

_CONTIGUOUS = 0x1  # NPY_ARRAY_C_CONTIGUOUS
_POINTER_BYTES = 8


def expected(type_: Type, kind: type | None) -> list[int]:
    """Return the words that describe an argument of that type given as an object of class `kind`.

    The class (0: it is an array that was checked before), the dtype (0: it is a Python float), the number
    of axes, the extents.
    """
    dtype = id(type_.dtype) if kind is np.ndarray else 0
    return [0 if kind is None else id(kind), dtype, type_.ndim, *type_.shape]


def write_entry(module, name: str, types: Sequence[Type], outputs: int, rest: int, at: Layout) -> str:
    """Return ``python_entry(self, args, count)``, which runs `name` and returns the status as an integer.

    ``args`` holds three objects: a tuple of the arguments, one of the arrays for the results, and an array of
    words: the `rest` other addresses, then what the arguments must be (see `expected`).
    Where that may take a while, other Python threads may run meanwhile.
    """
    module.declare("declare ptr @PyLong_FromLongLong(i64)")
    f = Function(f"ptr @{ENTRY}(ptr %self, ptr %args, i64 %count)")
    inputs = len(types)
    slots = f.set(f"alloca [{inputs + outputs + rest} x ptr]")
    arguments, results, words = (_word(f, "%args", k) for k in range(3))
    table = _field(f, words, at.data)
    fits = f.set(f"icmp eq i64 {_field(f, arguments, at.items - _POINTER_BYTES, 'i64')}, {inputs}")
    _leave_unless(f, fits)
    places = [0, *itertools.accumulate(len(expected(type_, None)) for type_ in types)]
    module.define("place_of", lambda: _write_place(at))
    for k in range(inputs):
        x = _field(f, arguments, at.items + _POINTER_BYTES * k)
        wanted = f.set(f"getelementptr i64, ptr {table}, i64 {rest + places[k]}")
        place = f.set(f"call ptr @place_of(ptr {x}, ptr {wanted})")
        _leave_unless(f, f.set(f"icmp ne ptr {place}, null"))
        _fill(f, slots, k, place)
    for k in range(outputs):
        y = _field(f, results, at.items + _POINTER_BYTES * k)
        _fill(f, slots, inputs + k, _field(f, y, at.data))
    for k in range(rest):
        _fill(f, slots, inputs + outputs + k, _word(f, table, k))
    if not module.is_brief:
        module.declare("declare ptr @PyEval_SaveThread()")
        module.declare("declare void @PyEval_RestoreThread(ptr)")
        state = f.set("call ptr @PyEval_SaveThread()")
    status = f.set(f"call i64 @{name}(ptr {slots})")
    if not module.is_brief:
        f.do(f"call void @PyEval_RestoreThread(ptr {state})")
    return f.finish(f"ret ptr {f.set(f'call ptr @PyLong_FromLongLong(i64 {status})')}")


def _field(f: Function, base: str, offset: int, kind: str = "ptr") -> str:
    place = f.set(f"getelementptr i8, ptr {base}, i64 {offset}")
    return f.set(f"load {kind}, ptr {place}")


def _word(f: Function, base: str, k: int) -> str:
    return _field(f, base, _POINTER_BYTES * k)


def _fill(f: Function, slots: str, k: int, value: str) -> None:
    f.do(f"store ptr {value}, ptr {f.set(f'getelementptr ptr, ptr {slots}, i64 {k}')}")


def _leave_unless(f: Function, good: str) -> None:
    stop, go = f.label(), f.label()
    f.branch(good, go, stop)
    f.start(stop)
    f.do(f"ret ptr {f.set(f'call ptr @PyLong_FromLongLong(i64 {MISFIT})')}")
    f.start(go)


def _write_place(at: Layout) -> str:
    """Return ``place_of(x, wanted)``: where the elements of an object begin, null if it is not as wanted."""
    f = Function("internal ptr @place_of(ptr %x, ptr %wanted)")
    array, check, known, number, compare, bad = (f.label() for _ in range(6))
    kind = _word(f, "%wanted", 0)
    f.branch(f.set(f"icmp eq ptr {kind}, null"), array, check)
    f.start(check)
    f.branch(f.set(f"icmp eq ptr {_field(f, '%x', at.type)}, {kind}"), known, bad)
    f.start(known)
    dtype = _word(f, "%wanted", 1)
    f.branch(f.set(f"icmp eq ptr {dtype}, null"), number, compare)
    f.start(number)
    f.do(f"ret ptr {f.set(f'getelementptr i8, ptr %x, i64 {at.number}')}")
    f.start(compare)
    same = f.set(f"icmp eq ptr {_field(f, '%x', at.dtype)}, {dtype}")
    flags = f.set(f"and i32 {_field(f, '%x', at.flags, 'i32')}, {_CONTIGUOUS}")
    same = f.set(f"and i1 {same}, {f.set(f'icmp ne i32 {flags}, 0')}")
    rank = _field(f, "%wanted", 2 * _POINTER_BYTES, "i64")
    own = f.set(f"sext i32 {_field(f, '%x', at.rank, 'i32')} to i64")
    same = f.set(f"and i1 {same}, {f.set(f'icmp eq i64 {own}, {rank}')}")
    axes = f.set(f"select i1 {same}, i64 {rank}, i64 0")
    extents = _field(f, "%x", at.extents)

    def axis(k: str, values: list[str]) -> list[str]:
        place = f.set(f"getelementptr i64, ptr {extents}, i64 {k}")
        n = f.set(f"load i64, ptr {place}")
        place = f.set(f"getelementptr i64, ptr %wanted, i64 {f.set(f'add i64 {k}, 3')}")
        equal = f.set(f"icmp eq i64 {n}, {f.set(f'load i64, ptr {place}')}")
        return [f.set(f"and i1 {values[0]}, {equal}")]

    (same,) = f.loop("0", axes, 1, [("i1", same)], axis)
    f.branch(same, array, bad)
    f.start(array)
    f.do(f"ret ptr {_field(f, '%x', at.data)}")
    f.start(bad)
    return f.finish("ret ptr null")
