"""The native function that Python calls: it checks the arguments, fills the slots and runs the program."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.backends.cpu.function import Function, copy
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
    array must have, its bytes, the number of axes, the extents.
    """
    dtype = id(type_.dtype) if kind is np.ndarray else 0
    nbytes = type_.size * type_.dtype.itemsize
    return [0 if kind is None else id(kind), dtype, flags, nbytes, type_.ndim, *type_.shape]


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
    module.declare("declare ptr @PyDict_GetItem(ptr, ptr)")
    for helper, write in _HELPERS.items():
        if helper != "apart" or len(outputs) == 1:
            module.define(helper, lambda write=write: write(at))
    f = Function(f"ptr @{ENTRY}(ptr %self, ptr %args, i64 %count) {_AS_WRITTEN}")
    read, written = len(inputs), len(outputs)
    slots = f.set(f"alloca [{read + written + rest} x ptr]")
    arguments, results = (_word(f, "%args", k) for k in range(2))
    count = _field(f, arguments, at.items - _POINTER_BYTES, "i64")
    _leave_unless(f, f.set(f"icmp eq i64 {count}, {read}"))
    table = _field(f, "%self", at.data)
    wanted = _moved(f, table, rest)
    outside = _moved(f, wanted, sum(len(expected(type_, None)) for type_ in (*inputs, *outputs)))
    _leave_unless(f, f.set(f"call i1 @as_before(ptr {outside})"))
    wanted_results = _taken(f, arguments, read, wanted, slots, at)
    _taken(f, results, written, wanted_results, _moved(f, slots, read), at)
    if written == 1:
        apart = f"call i1 @apart(ptr {slots}, i64 {read}, ptr {wanted}, ptr {wanted_results})"
        _leave_unless(f, f.set(apart))
    copy(module, f, _moved(f, slots, read + written), table, _POINTER_BYTES * rest)
    if not module.is_brief:
        module.declare("declare ptr @PyEval_SaveThread()")
        module.declare("declare void @PyEval_RestoreThread(ptr)")
        state = f.set("call ptr @PyEval_SaveThread()")
    status = f.set(f"call i64 @{name}(ptr {slots})")
    if not module.is_brief:
        f.do(f"call void @PyEval_RestoreThread(ptr {state})")
    return f.finish(f"ret ptr {f.set(f'call ptr @PyLong_FromLongLong(i64 {status})')}")


def _taken(f: Function, items: str, number: int, wanted: str, slots: str, at: Layout) -> str:
    """Write the slots of the objects of a tuple; leave if one is not as wanted."""
    objects = f.set(f"getelementptr i8, ptr {items}, i64 {at.items}")
    behind = f.set(f"call ptr @taken(ptr {objects}, i64 {number}, ptr {wanted}, ptr {slots})")
    _leave_unless(f, f.set(f"icmp ne ptr {behind}, null"))
    return behind


def _field(f: Function, base: str, offset: int, kind: str = "ptr") -> str:
    place = f.set(f"getelementptr i8, ptr {base}, i64 {offset}")
    return f.set(f"load {kind}, ptr {place}")


def _word(f: Function, base: str, k: int) -> str:
    return _field(f, base, _POINTER_BYTES * k)


def _moved(f: Function, base: str, words: int | str) -> str:
    return f.set(f"getelementptr i64, ptr {base}, i64 {words}")


def _behind(f: Function, wanted: str) -> str:
    """Write where the words of the next object are (see `expected`)."""
    rank = _field(f, wanted, 4 * _POINTER_BYTES, "i64")
    return _moved(f, wanted, f.set(f"add i64 {rank}, 5"))


def _leave_unless(f: Function, good: str) -> None:
    stop, go = f.label(), f.label()
    f.branch(good, go, stop)
    f.start(stop)
    f.do(f"ret ptr {f.set(f'call ptr @PyLong_FromLongLong(i64 {MISFIT})')}")
    f.start(go)


def _write_taken(at: Layout) -> str:
    """Return ``taken(objects, number, wanted, slots)``: it fills the slots with where the elements begin.

    It returns where the words behind those wanted are, null if one of the objects is not as wanted.
    """
    f = Function(f"internal ptr @taken(ptr %objects, i64 %number, ptr %wanted, ptr %slots) {_AS_WRITTEN}")

    def take(k: str, values: list[str]) -> list[str]:
        wanted, good = values
        x = f.set(f"load ptr, ptr {_moved(f, '%objects', k)}")
        place = f.set(f"call ptr @place_of(ptr {x}, ptr {wanted})")
        f.do(f"store ptr {place}, ptr {_moved(f, '%slots', k)}")
        return [_behind(f, wanted), f.set(f"and i1 {good}, {f.set(f'icmp ne ptr {place}, null')}")]

    wanted, good = f.loop("0", "%number", 1, [("ptr", "%wanted"), ("i1", "true")], take)
    return f.finish(f"ret ptr {f.set(f'select i1 {good}, ptr {wanted}, ptr null')}")


def _write_apart(at: Layout) -> str:
    """Return ``apart(slots, number, wanted, wanted_result)``: whether one array may be written.

    It is the one behind so many others, all contiguous: if somebody else made it, it may share no memory
    with one of those.
    """
    header = "internal i1 @apart(ptr %slots, i64 %number, ptr %wanted, ptr %wanted_result)"
    f = Function(f"{header} {_AS_WRITTEN}")

    def end(place: str, wanted: str) -> str:
        return f.set(f"getelementptr i8, ptr {place}, i64 {_field(f, wanted, 3 * _POINTER_BYTES, 'i64')}")

    y = f.set(f"load ptr, ptr {_moved(f, '%slots', '%number')}")
    y_end = end(y, "%wanted_result")
    made_here = f.set(f"icmp eq ptr {_word(f, '%wanted_result', 0)}, null")
    number = f.set(f"select i1 {made_here}, i64 0, i64 %number")

    def compare(k: str, values: list[str]) -> list[str]:
        wanted, good = values
        x = f.set(f"load ptr, ptr {_moved(f, '%slots', k)}")
        before = f.set(f"icmp ule ptr {end(x, wanted)}, {y}")
        either = f.set(f"or i1 {before}, {f.set(f'icmp ule ptr {y_end}, {x}')}")
        return [_behind(f, wanted), f.set(f"and i1 {good}, {either}")]

    _, good = f.loop("0", number, 1, [("ptr", "%wanted"), ("i1", "true")], compare)
    return f.finish(f"ret i1 {good}")


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
    rank = _field(f, "%wanted", 4 * _POINTER_BYTES, "i64")
    own = f.set(f"sext i32 {_field(f, '%x', at.rank, 'i32')} to i64")
    same = f.set(f"and i1 {same}, {f.set(f'icmp eq i64 {own}, {rank}')}")
    axes = f.set(f"select i1 {same}, i64 {rank}, i64 0")
    extents = _field(f, "%x", at.extents)

    def axis(k: str, values: list[str]) -> list[str]:
        place = f.set(f"getelementptr i64, ptr {extents}, i64 {k}")
        n = f.set(f"load i64, ptr {place}")
        place = f.set(f"getelementptr i64, ptr %wanted, i64 {f.set(f'add i64 {k}, 5')}")
        equal = f.set(f"icmp eq i64 {n}, {f.set(f'load i64, ptr {place}')}")
        return [f.set(f"and i1 {values[0]}, {equal}")]

    (same,) = f.loop("0", axes, 1, [("i1", same)], axis)
    f.branch(same, array, bad)
    f.start(array)
    f.do(f"ret ptr {_field(f, '%x', at.data)}")
    f.start(bad)
    return f.finish("ret ptr null")


_HELPERS = {
    "place_of": _write_place,
    "taken": _write_taken,
    "apart": _write_apart,
    "as_before": _write_as_before,
}
