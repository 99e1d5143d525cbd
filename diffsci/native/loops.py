"""Compiled loops as Python calls them: native code from the disk cache, or compiled once."""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Mapping
from importlib import import_module

import numpy as np

from diffsci.native.objects import array_address
from diffsci.native.sources import digest
from diffsci.native.stored import NativeFunction, native_function

__all__ = ["Loop", "LoopFamily"]

_ELEMENTS = {"i": "int64", "j": "int32", "b": "uint8", "f": "float64"}
_RESULTS = {"i": ctypes.c_int64, "f": ctypes.c_double}

# Arrays up to this size may be kept alive for the next call.
_LARGEST_HELD = 1 << 16


class LoopFamily:
    """The loops of one package.

    Parameters
    ----------
    package : str
        Where the modules of the loops are.
    loops : mapping
        For every name of a loop its module, the type of its result (``i`` or ``f``), and its arguments: for
        each an element type and a number of dimensions, 0 for an integer. Elements are int64 (i), int32 (j),
        uint8 (b), float64 (f), or of a type that is told when the loop is asked for (r).

    Examples
    --------
    >>> from diffsci.coloring.loops import LOOPS
    >>> import numpy as np
    >>> LOOPS.run("longest", np.array([0, 2, 5], np.int32))
    3
    """

    def __init__(self, package: str, loops: Mapping[str, tuple[str, str, str]]):
        self.package, self.loops = package, loops
        self._local = threading.local()

    @property
    def modules(self) -> dict[str, str]:
        """The modules of the loops, by their names."""
        return {name: f"{self.package}.{row[0]}" for name, row in self.loops.items()}

    def arguments(self, name: str, dtype: str = "") -> list[tuple[str, int]]:
        """Return the element types and numbers of dimensions that a loop takes."""
        elements = _ELEMENTS | {"r": dtype}
        return [(elements[word[0]], int(word[1])) for word in self.loops[name][2].split()]

    def run(self, name: str, *arguments) -> int | float:
        """Run a loop; every thread has tables of its own."""
        loop = self._local.__dict__.get(name)
        if loop is None:
            loop = self._local.__dict__[name] = Loop(self, name)
        return loop(*arguments)

    @functools.cache  # noqa: B019 -- families are constants of modules
    def load(self, name: str, dtype: str = "") -> NativeFunction:
        """Return the code of a loop from the disk cache, or compile it."""

        def make():
            from diffsci.native.translating import build

            module = import_module(self.modules[name])
            return build(getattr(module, name), self.arguments(name, dtype))

        code = digest(self.modules[name], "diffsci.native.translating")
        key = [self.package, name, str(self.arguments(name, dtype)), code]
        return native_function("\0".join(key), make)


class Loop:
    """A compiled loop with its own table of arguments; one call at a time.

    Calls release the interpreter's lock. An argument that is the same object as in the call before costs
    nothing: its place in the table is filled already.

    Parameters
    ----------
    family : LoopFamily
    name : str
        One of its loops.
    dtype : numpy.dtype, optional
        The element type of the arguments that leave it open.
    """

    def __init__(self, family: LoopFamily, name: str, dtype: np.dtype | None = None):
        self.name = name
        kind = "" if dtype is None else dtype.name
        self._function = family.load(name, kind)
        self._expected, place = [], 0
        for of, ndim in family.arguments(name, kind):
            self._expected.append((np.dtype(of), ndim, place))
            place += 1 + ndim
        self._held = [None] * len(self._expected)
        self._words = (ctypes.c_int64 * place)()
        native = ctypes.CFUNCTYPE(_RESULTS[family.loops[name][1]], ctypes.c_void_p)(self._function.address)
        self._run = functools.partial(native, ctypes.addressof(self._words))

    def __call__(self, *arguments):
        """Run the loop on arrays and integers; return its result."""
        held = self._held
        if len(arguments) != len(held):
            raise TypeError(f"{self.name!r} takes {len(held)} arguments, got {len(arguments)}")
        for k, value in enumerate(arguments):
            if value is not held[k]:
                self._put(k, value)
        return self._run()

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
