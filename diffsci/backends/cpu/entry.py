"""The native function that Python calls: it checks the arguments, fills the slots and runs the program."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.backends.cpu.function import Function
from diffsci.graph import Type
from diffsci.native.objects import Layout

__all__ = ["ENTRY", "MISFIT", "WRITTEN", "Place", "expected", "found_again", "write_entry"]

ENTRY = "python_entry"
MISFIT = -(1 << 40)  # status: an argument is of another type

READ = 0x1  # NPY_ARRAY_C_CONTIGUOUS: flags of an array that is read
WRITTEN = 0x501  # NPY_ARRAY_CARRAY: contiguous, aligned, writeable
_POINTER_BYTES = 8
_AS_WRITTEN = "noinline optnone"  # code is generated in a third of the time, and runs as fast

Place = tuple[Any, str | None, Any]  # a cell and None, or a scope and a name; what stands there


def expected(type_: Type, kind: type | None, flags: int = READ) -> list[int]:
    """Return the words that describe an array of that type given as an object of class `kind`.

    The class (0: it is an array that needs no check), the dtype (0: it is a Python float), the flags that an
    array must have, the number of axes, the extents.
    """
    dtype = id(type_.dtype) if kind is np.ndarray else 0
    return [0 if kind is None else id(kind), dtype, flags, type_.ndim, *type_.shape]


def found_again(places: Sequence[Place]) -> list[int]:
    """Return the words that say what must stand at places: their number, then three for each."""
    words = [(id(where), 0 if name is None else id(name), id(value)) for where, name, value in places]
    return [len(places), *itertools.chain(*words)]


def write_entry(
    module, name: str, inputs: Sequence[Type], outputs: Sequence[Type], rest: int, at: Layout
) -> str:
    """Return ``python_entry(self, args, count)``, which runs `name` and returns the status as an integer.

    ``self`` is an array of words: the `rest` other addresses, what the arguments and the arrays for the
    results must be (see `expected`), what must stand at places (see `found_again`). ``args`` holds two
    tuples, of the arguments and of those arrays.
    A program with one result does not write into memory that it reads, if somebody else made that array.
    Where the program may take a while, other Python threads may run meanwhile.
    """
    module.declare("declare ptr @PyLong_FromLongLong(i64)")
    module.define("place_of", lambda: _write_place(at))
    f = Function(f"ptr @{ENTRY}(ptr %self, ptr %args, i64 %count) {_AS_WRITTEN}")
    types = (*inputs, *outputs)
    slots = f.set(f"alloca [{len(types) + rest} x ptr]")
    arguments, results = (_word(f, "%args", k) for k in range(2))
    table = _field(f, "%self", at.data)
    count = _field(f, arguments, at.items - _POINTER_BYTES, "i64")
    _leave_unless(f, f.set(f"icmp eq i64 {count}, {len(inputs)}"))
    begins = itertools.accumulate((len(expected(type_, None)) for type_ in types), initial=rest)
    *wanted, places = [f.set(f"getelementptr i64, ptr {table}, i64 {k}") for k in begins]
    module.declare("declare ptr @PyDict_GetItem(ptr, ptr)")
    module.define("as_before", lambda: _write_as_before(at))
    _leave_unless(f, f.set(f"call i1 @as_before(ptr {places})"))
    objects = [_item(f, arguments, k, at) for k in range(len(inputs))]
    objects += [_item(f, results, k, at) for k in range(len(outputs))]
    places = [_checked_place(f, *pair) for pair in zip(objects, wanted, strict=True)]
    if len(outputs) == 1:
        trusted = f.set(f"icmp eq ptr {_word(f, wanted[-1], 0)}, null")
        _leave_unless(f, f.set(f"or i1 {trusted}, {_apart(f, places, types)}"))
    for k, place in enumerate([*places, *(_word(f, table, k) for k in range(rest))]):
        _fill(f, slots, k, place)
    if not module.is_brief:
        module.declare("declare ptr @PyEval_SaveThread()")
        module.declare("declare void @PyEval_RestoreThread(ptr)")
        state = f.set("call ptr @PyEval_SaveThread()")
    status = f.set(f"call i64 @{name}(ptr {slots})")
    if not module.is_brief:
        f.do(f"call void @PyEval_RestoreThread(ptr {state})")
    return f.finish(f"ret ptr {f.set(f'call ptr @PyLong_FromLongLong(i64 {status})')}")


def _item(f: Function, items: str, k: int, at: Layout) -> str:
    return _field(f, items, at.items + _POINTER_BYTES * k)


def _checked_place(f: Function, x: str, wanted: str) -> str:
    """Write where the elements of an object begin; leave if it is not as wanted."""
    place = f.set(f"call ptr @place_of(ptr {x}, ptr {wanted})")
    _leave_unless(f, f.set(f"icmp ne ptr {place}, null"))
    return place


def _apart(f: Function, places: Sequence[str], types: Sequence[Type]) -> str:
    """Write whether the last array shares no memory with one of the others; all are contiguous."""
    ends = [
        f.set(f"getelementptr i8, ptr {place}, i64 {type_.size * type_.dtype.itemsize}")
        for place, type_ in zip(places, types, strict=True)
    ]
    apart = "true"
    for place, end in zip(places[:-1], ends[:-1], strict=True):
        before = f.set(f"icmp ule ptr {end}, {places[-1]}")
        behind = f.set(f"icmp ule ptr {ends[-1]}, {place}")
        apart = f.set(f"and i1 {apart}, {f.set(f'or i1 {before}, {behind}')}")
    return apart


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


def _write_as_before(at: Layout) -> str:
    """Return ``as_before(words)``: whether the same objects stand at all places (see `found_again`)."""
    f = Function(f"internal i1 @as_before(ptr %words) {_AS_WRITTEN}")

    def place(k: str, values: list[str]) -> list[str]:
        first = f.set(f"getelementptr i64, ptr %words, i64 {f.set(f'mul i64 {k}, 3')}")
        where, name, value = (_word(f, first, number) for number in (1, 2, 3))
        is_name = f.set(f"icmp ne ptr {name}, null")
        cell = f.set(f"getelementptr i8, ptr {where}, i64 {at.content}")
        now = f.set(f"load ptr, ptr {f.set(f'select i1 {is_name}, ptr %words, ptr {cell}')}")
        (now,) = f.when(
            is_name, [("ptr", now)], lambda: [f.set(f"call ptr @PyDict_GetItem(ptr {where}, ptr {name})")]
        )
        return [f.set(f"and i1 {values[0]}, {f.set(f'icmp eq ptr {now}, {value}')}")]

    (same,) = f.loop("0", _field(f, "%words", 0, "i64"), 1, [("i1", "true")], place)
    return f.finish(f"ret i1 {same}")


def _write_place(at: Layout) -> str:
    """Return ``place_of(x, wanted)``: where the elements of an object begin, null if it is not as wanted."""
    f = Function(f"internal ptr @place_of(ptr %x, ptr %wanted) {_AS_WRITTEN}")
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
    flags = f.set(f"trunc i64 {_field(f, '%wanted', 2 * _POINTER_BYTES, 'i64')} to i32")
    present = f.set(f"and i32 {_field(f, '%x', at.flags, 'i32')}, {flags}")
    same = f.set(f"and i1 {same}, {f.set(f'icmp eq i32 {present}, {flags}')}")
    rank = _field(f, "%wanted", 3 * _POINTER_BYTES, "i64")
    own = f.set(f"sext i32 {_field(f, '%x', at.rank, 'i32')} to i64")
    same = f.set(f"and i1 {same}, {f.set(f'icmp eq i64 {own}, {rank}')}")
    axes = f.set(f"select i1 {same}, i64 {rank}, i64 0")
    extents = _field(f, "%x", at.extents)

    def axis(k: str, values: list[str]) -> list[str]:
        place = f.set(f"getelementptr i64, ptr {extents}, i64 {k}")
        n = f.set(f"load i64, ptr {place}")
        place = f.set(f"getelementptr i64, ptr %wanted, i64 {f.set(f'add i64 {k}, 4')}")
        equal = f.set(f"icmp eq i64 {n}, {f.set(f'load i64, ptr {place}')}")
        return [f.set(f"and i1 {values[0]}, {equal}")]

    (same,) = f.loop("0", axes, 1, [("i1", same)], axis)
    f.branch(same, array, bad)
    f.start(array)
    f.do(f"ret ptr {_field(f, '%x', at.data)}")
    f.start(bad)
    return f.finish("ret ptr null")
