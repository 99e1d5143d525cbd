"""How CPython and NumPy lay out lists and arrays in memory, checked on samples before it is relied on.

With it the generated entry point takes one Python list of arrays and finds the data itself: a call
costs half a microsecond however many arrays there are. Addresses of arrays are read the same way.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from diffsci.backends.cpu.function import Function

__all__ = ["ENTRY", "array_address", "layout", "write_entry"]

ENTRY = "python_entry"


@functools.cache
def layout() -> tuple[int, int] | None:
    """Return the offsets of a list's items and of an array's data, None where they are not as expected."""
    pointer = ctypes.sizeof(ctypes.c_void_p)
    items_at = object.__basicsize__ + pointer
    data_at = object.__basicsize__
    if list.__basicsize__ != items_at + 2 * pointer:
        return None

    def read(place: int) -> int:
        return ctypes.c_void_p.from_address(place).value

    for shape in ((3,), (2, 5), ()):
        array = np.empty(shape)
        sample = [None, array]
        if read(read(id(sample) + items_at) + pointer) != id(array):
            return None
        if read(id(array) + data_at) != array.__array_interface__["data"][0]:
            return None
    return items_at, data_at


def array_address(array: np.ndarray) -> int:
    """Return where an array's elements begin; NumPy's own ways to say it take over a microsecond."""
    if _DATA_AT is None:
        return array.__array_interface__["data"][0]
    return _word_at(id(array) + _DATA_AT).value


_DATA_AT = None if layout() is None else layout()[1]
_word_at = ctypes.c_size_t.from_address


def write_entry(name: str, arrays: int, rest: int) -> str:
    """Return ``python_entry(list)``: it fills the slots and runs `name`.

    The list holds the arrays in slot order, then an array with the `rest` other addresses.
    """
    items_at, data_at = layout()
    f = Function(f"i64 @{ENTRY}(ptr %list)")
    slots = f.set(f"alloca [{arrays + rest} x ptr]")
    items = f.set(f"load ptr, ptr {f.set(f'getelementptr i8, ptr %list, i64 {items_at}')}")

    def data(k: int) -> str:
        array = f.set(f"load ptr, ptr {f.set(f'getelementptr ptr, ptr {items}, i64 {k}')}")
        return f.set(f"load ptr, ptr {f.set(f'getelementptr i8, ptr {array}, i64 {data_at}')}")

    def fill(k: int, value: str) -> None:
        f.do(f"store ptr {value}, ptr {f.set(f'getelementptr ptr, ptr {slots}, i64 {k}')}")

    for k in range(arrays):
        fill(k, data(k))
    table = data(arrays)
    for k in range(rest):
        fill(arrays + k, f.set(f"load ptr, ptr {f.set(f'getelementptr ptr, ptr {table}, i64 {k}')}"))
    return f.finish(f"ret i64 {f.set(f'call i64 @{name}(ptr {slots})')}")
