"""The compiled loops as Python calls them: native code from the disk cache, without importing Numba.

Numba compiles a loop when a machine needs it for the first time; later processes load the object code.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import diffsci as ds
from diffsci.low_level import NativeFunction, array_address, native_function, raise_pending

# For every loop its module, the type of its result, and its arguments: an element type and a number of
# dimensions, 0 for an integer. Elements are int64 (i), float64 (f), or of the state's type (r).
_LOOPS = {
    "initial_step": ("integrate", ctypes.c_double, "i1 i2 r1 r2 f1 f1 f1 i0 i1"),
    "integrate": (
        "integrate", ctypes.c_int64, "i1 i2 i1 i2 i1 f1 f1 i1 f1 f1 r1 r1 f1 r2 r2 f1 f1 r2 i0",
    ),
    "replay": (
        "replay", ctypes.c_int64,
        "i2 i1 i1 i1 i1 f1 f1 i1 i2 i1 i2 i1 i2 i1 i2 r2 f1 f1 i1 r3 r3 r2 f1 f1 i0",
    ),
}  # fmt: skip
# The modules of the loops, by their names.
MODULES = {name: f"solvers.ode.{row[0]}" for name, row in _LOOPS.items()}
_SOURCES = ("codes.py", "native.py", "integrate.py", "replay.py")

# Arrays up to this size may be kept alive for the next call.
_LARGEST_HELD = 1 << 16


class Loop:
    """A compiled loop with its own table of arguments; one call at a time.

    Calls release the interpreter's lock. An argument that is the same object as in the call before costs
    nothing: its place in the table is filled already.

    Parameters
    ----------
    name : str
        One of the loops.
    dtype : numpy.dtype
        Of the state.
    """

    def __init__(self, name: str, dtype: np.dtype):
        self.name = name
        self._function = _load(name, dtype.name)
        self._expected, place = [], 0
        for of, ndim in _arguments(name, dtype.name):
            self._expected.append((np.dtype(of), ndim, place))
            place += 1 + ndim
        self._held = [None] * len(self._expected)
        self._words = (ctypes.c_int64 * place)()
        self._result = _LOOPS[name][1]()
        self._unused = ctypes.c_void_p()
        pointers = [ctypes.addressof(memory) for memory in (self._result, self._unused, self._words)]
        native = ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(self._function.address)
        self._run = functools.partial(native, *pointers)

    def __call__(self, *arguments):
        """Run the loop on arrays and integers; return its result."""
        held = self._held
        for k, value in enumerate(arguments):
            if value is not held[k]:
                self._put(k, value)
        if self._run():
            raise RuntimeError(f"the compiled loop {self.name!r} raised an exception")
        raise_pending()  # the model's own, from an operation that runs in Python
        return self._result.value

    def _put(self, k: int, value) -> None:
        dtype, ndim, place = self._expected[k]
        if ndim == 0:
            self._words[place] = value
            return
        if value.dtype != dtype or value.ndim != ndim or not value.flags.c_contiguous:
            raise TypeError(
                f"argument {k} of {self.name!r} must be a C-contiguous {ndim}-dimensional array of {dtype}, "
                f"got {value.dtype} of shape {value.shape} and strides {value.strides}"
            )
        self._words[place] = array_address(value)
        for size in value.shape:
            place += 1
            self._words[place] = size
        self._held[k] = value if value.nbytes <= _LARGEST_HELD else None


def _arguments(name: str, dtype: str) -> list[tuple[str, int]]:
    elements = {"i": "int64", "f": "float64", "r": dtype}
    return [(elements[word[0]], int(word[1])) for word in _LOOPS[name][2].split()]


@functools.cache
def _load(name: str, dtype: str) -> NativeFunction:
    def make():
        from solvers.ode.native import build

        module = import_module(MODULES[name])
        return build(getattr(module, name), _arguments(name, dtype))

    return native_function("\0".join([name, str(_arguments(name, dtype)), _sources()]), make)


@functools.cache
def _sources() -> str:
    """What changes whenever the code of the loops may."""
    folder = Path(__file__).parent
    marks = [hashlib.sha256((folder / source).read_bytes()).hexdigest() for source in _SOURCES]
    return " ".join([*marks, *_numba_files(), ds.__version__])


def _numba_files() -> list[str]:
    """What changes with Numba's version; to ask for the version itself costs 30 ms."""
    with os.scandir(Path(find_spec("numba").origin).parent) as entries:
        files = [(entry.name, entry.stat()) for entry in entries if entry.is_file()]
    return sorted(f"{name}:{status.st_size}:{status.st_mtime_ns}" for name, status in files)
