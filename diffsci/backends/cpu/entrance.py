"""The way from Python into a compiled program: arguments, memory for results, workspace."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.backends import callbacks
from diffsci.backends.cpu.entry import ENTRY, expected
from diffsci.backends.cpu.memory import aligned, checked, data
from diffsci.backends.cpu.settings import SETTINGS
from diffsci.backends.recycling import Recycler
from diffsci.graph import Type

__all__ = ["Entrance"]

_RECYCLE_BYTES = 1 << 17
_ALIGN = 64
_FASTCALL = 0x80  # METH_FASTCALL


class _Method(ctypes.Structure):
    """CPython's ``PyMethodDef``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class Entrance:
    """Runs one program; calls may overlap, each has a workspace of its own.

    Parameters
    ----------
    addresses : dict
        Of the native functions ``program`` and, where the layout of Python's objects is known, `ENTRY`.
    inputs, outputs : sequence of Type
    consts : list of ndarray
        The hidden constants.
    workspace_bytes : int
    shortage : callable
        Returns the error to raise where there is not enough memory.
    """

    def __init__(
        self,
        addresses: dict[str, int],
        inputs: Sequence[Type],
        outputs: Sequence[Type],
        consts: list[np.ndarray],
        workspace_bytes: int,
        shortage: Callable[[], MemoryError],
    ):
        self.inputs = inputs
        self._shortage = shortage
        self._held = [*consts, SETTINGS]
        self._fixed = [data(array) for array in self._held]
        self._workspace_bytes = workspace_bytes
        self._strides = [(t.dtype, t.shape, np.empty(t.shape, t.dtype).strides) for t in inputs]
        self._makers = [_maker(type_) for type_ in outputs]
        self._free: list[np.ndarray] = []
        self._entry: Any = None
        if ENTRY in addresses:
            self._method = _Method(b"run", addresses[ENTRY], _FASTCALL, None)
            self._entry = _new_function(ctypes.addressof(self._method), None, None)
        else:
            self._native = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(addresses["program"])

    def run(self, arrays: Sequence[Any]) -> tuple[int, list[np.ndarray]]:
        """Run on arrays and return (status, outputs); an exception raised by a callback is raised here.

        An output that the caller still holds is never overwritten by a later run.
        """
        held = self._held_arrays(arrays)
        try:
            outputs = [make() for make in self._makers]
        except MemoryError:
            raise self._shortage() from None
        return self._enter(held, outputs), outputs

    def fill(self, arrays: Sequence[Any], outputs: Sequence[np.ndarray]) -> int:
        """Run on arrays, write the results into others and return the status.

        Those must be contiguous arrays of the types of the outputs; they are not checked.
        """
        return self._enter(self._held_arrays(arrays), outputs)

    def _held_arrays(self, arrays: Sequence[Any]) -> list[np.ndarray]:
        """Return arguments as native code reads them."""
        held = []
        for array, (dtype, shape, strides) in zip(arrays, self._strides, strict=True):
            if (
                type(array) is not np.ndarray
                or array.dtype is not dtype
                or array.shape != shape
                or array.strides != strides
            ):
                array = checked(array, self.inputs[len(held)])
            held.append(array)
        return held

    def _enter(self, held: Sequence[np.ndarray], outputs: Sequence[np.ndarray]) -> int:
        try:
            words = self._free.pop()
        except IndexError:  # as many calls are in progress as ever before
            words = self._words([None] * len(self.inputs))
        if self._entry is not None:
            status = self._entry(tuple(held), tuple(outputs), words)
        else:
            status = self._by_slots([*held, *outputs], words)
        self._free.append(words)
        if status == callbacks.FAILED:
            callbacks.raise_pending()
        return status

    def direct(self, kinds: Sequence[type], results: Callable[[list], Any] | None) -> Callable | None:
        """Return ``call(args)``, the quickest way: native code checks the arguments.

        Parameters
        ----------
        kinds : sequence of type
            Classes of the arguments: ndarray, or float for inputs without axes.
        results : callable, optional
            Arranges the outputs; by default the first one is returned as it is.

        Returns
        -------
        callable or None
            Its result is None where the arguments are others, or the program ends with another status than 0.
        """
        entry, makers = self._entry, self._makers
        if entry is None:
            return None
        (make, *_), free = makers, []
        self._free.clear()  # the general way is seldom taken now: no second workspace is kept for it

        def single(args: tuple) -> Any:
            try:
                y = make()
            except MemoryError:
                raise self._shortage() from None
            try:
                own = free.pop()
            except IndexError:
                own = self._words(kinds)
            status = entry(args, (y,), own)
            free.append(own)
            return y if status == 0 else None

        def several(args: tuple) -> Any:
            try:
                outputs = tuple([make() for make in makers])
            except MemoryError:
                raise self._shortage() from None
            try:
                own = free.pop()
            except IndexError:
                own = self._words(kinds)
            status = entry(args, outputs, own)
            free.append(own)
            return results(outputs) if status == 0 else None

        return single if results is None else several

    def filler(self, kinds: Sequence[type]) -> Callable | None:
        """Return ``fill(args, y)``, the same into an array y of the type of the only output, unchecked.

        It tells whether the program has run to its end.
        """
        entry, free = self._entry, []
        if entry is None:
            return None

        def fill(args: tuple, y: np.ndarray) -> bool:
            try:
                own = free.pop()
            except IndexError:
                own = self._words(kinds)
            status = entry(args, (y,), own)
            free.append(own)
            return status == 0

        return fill

    def _words(self, kinds: Sequence[type | None]) -> np.ndarray:
        """Return the words for one call in progress, with the workspace behind them."""
        wanted = [w for type_, kind in zip(self.inputs, kinds, strict=True) for w in expected(type_, kind)]
        *consts, settings = self._fixed
        count = len(self._fixed) + 1 + len(wanted)
        start = -(-8 * count // _ALIGN) * _ALIGN
        try:
            memory = aligned(start + self._workspace_bytes)
        except MemoryError:
            raise self._shortage() from None
        words = memory[: 8 * count].view(np.int64)
        words[:] = [*consts, data(memory) + start, settings, *wanted]
        return words

    def _by_slots(self, arrays: list[np.ndarray], words: np.ndarray) -> int:
        places = [*map(data, arrays), *words[: len(self._fixed) + 1].tolist()]
        slots = np.array(places, dtype=np.int64)
        return self._native(slots.ctypes.data)


def _maker(type_: Type) -> Callable[[], np.ndarray]:
    """Return what makes the memory of a result."""
    if type_.size * type_.dtype.itemsize >= _RECYCLE_BYTES:
        return Recycler(type_)
    return functools.partial(np.empty, type_.shape, type_.dtype)


_new_function: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)
