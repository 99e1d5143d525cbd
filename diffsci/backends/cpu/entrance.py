"""The way from Python into a compiled program: arguments, memory for results, workspace."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.backends import callbacks
from diffsci.backends.cpu.entry import ENTRY, WRITTEN, Place, expected, found_again
from diffsci.backends.cpu.memory import aligned, checked, data
from diffsci.backends.cpu.settings import SETTINGS
from diffsci.backends.recycling import Recycler
from diffsci.graph import Type

__all__ = ["Entrance"]

_RECYCLE_BYTES = 1 << 17
_ALIGN = 64
_FASTCALL = 0x80  # METH_FASTCALL
_NAME = ctypes.create_string_buffer(b"run")


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
    brief : bool
        Whether other Python threads wait until the program has ended: then one workspace is enough.
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
        brief: bool,
        shortage: Callable[[], MemoryError],
    ):
        self.inputs = inputs
        self._outputs = outputs
        self._shortage = shortage
        self._held = [*consts, SETTINGS]
        self._fixed = [data(array) for array in self._held]
        self._workspace_bytes = workspace_bytes
        self._strides = [(t.dtype, t.shape, np.empty(t.shape, t.dtype).strides) for t in inputs]
        self._makers = [_maker(type_) for type_ in outputs]
        self._entry = addresses.get(ENTRY)
        self._native = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(addresses["program"])
        self._exclusive = self._entry is not None and (workspace_bytes == 0 or (brief and _one_at_a_time()))
        self._checked: Callable | None = None

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
        enter = self._checked  # another thread may drop it
        if enter is None:
            enter = self._checked = self._entering([None] * len(self.inputs))
        status = enter(tuple(held), tuple(outputs))
        if status == callbacks.FAILED:
            callbacks.raise_pending()
            # It was raised before it could be kept: nearly always a signal that came in native code.
            raise KeyboardInterrupt("while a compiled program ran; what the signal raised is printed above")
        return status

    def direct(
        self, kinds: Sequence[type], results: Callable[[Sequence], Any] | None, places: Sequence[Place] = ()
    ) -> Callable | None:
        """Return ``call(args)``, the quickest way: native code checks the arguments.

        Parameters
        ----------
        kinds : sequence of type
            Classes of the arguments: ndarray, or float for inputs without axes.
        results : callable, optional
            Arranges the outputs; by default the first one is returned as it is.
        places : sequence of (cell, None, object) or (dict, str, object)
            The program holds as long as those objects stand there.

        Returns
        -------
        callable or None
            Its result is None where the arguments or the objects are others, or the program ends with another
            status than 0.
        """
        if self._entry is None:
            return None
        enter, makers = self._entering(kinds, (), places), self._makers
        (make, *others), self._checked = makers, None  # no second workspace is kept for the general way

        def single(args: tuple) -> Any:
            try:
                y = make()
            except MemoryError:
                raise self._shortage() from None
            return y if enter(args, (y,)) == 0 else None

        def alone(args: tuple) -> Any:
            try:
                outputs = (make(),)
            except MemoryError:
                raise self._shortage() from None
            return results(outputs) if enter(args, outputs) == 0 else None

        def several(args: tuple) -> Any:
            try:
                outputs = tuple([make() for make in makers])
            except MemoryError:
                raise self._shortage() from None
            return results(outputs) if enter(args, outputs) == 0 else None

        if results is None:
            return single
        return several if others else alone

    def filler(self, kinds: Sequence[type], places: Sequence[Place] = ()) -> Callable | None:
        """Return ``fill(args, (y,))``, the same into an array y for the only output: 0 if it is filled.

        That array must be of the output's type, contiguous and writeable, and apart from the arguments:
        native code makes sure of that too.
        """
        return None if self._entry is None else self._entering(kinds, self._outputs, places)

    def _entering(
        self, kinds: Sequence[type | None], given: Sequence[Type] = (), places: Sequence[Place] = ()
    ) -> Callable:
        """Return ``enter(arguments, results)``, which runs the program and returns the status.

        Parameters
        ----------
        kinds : sequence of type or None
            Classes of the arguments, None for arrays that were checked before.
        given : sequence of Type
            Of arrays for the results that somebody else has made.
        places : sequence of Place
            See `direct`.
        """
        if self._exclusive:
            return self._bound(kinds, given, places)
        free: list[Callable] = []

        def enter(arguments: tuple, results: tuple) -> int:
            try:
                run = free.pop()
            except IndexError:  # as many calls are in progress as ever before
                run = self._bound(kinds, given, places)
            status = run(arguments, results)
            free.append(run)
            return status

        return enter

    def _bound(
        self, kinds: Sequence[type | None], given: Sequence[Type], places: Sequence[Place]
    ) -> Callable:
        """Return such a function for one call at a time, with a workspace of its own."""
        wanted = [w for type_, kind in zip(self.inputs, kinds, strict=True) for w in expected(type_, kind)]
        if given:
            wanted += [w for type_ in given for w in expected(type_, np.ndarray, WRITTEN)]
        else:
            wanted += [w for type_ in self._outputs for w in expected(type_, None)]
        wanted += found_again(places)
        method = [ctypes.addressof(_NAME), self._entry or 0, _FASTCALL, 0]  # CPython's PyMethodDef
        *consts, settings = self._fixed
        count = len(self._fixed) + 1 + len(wanted) + len(method)
        start = -(-8 * count // _ALIGN) * _ALIGN
        try:
            memory = aligned(start + self._workspace_bytes)
        except MemoryError:
            raise self._shortage() from None
        words = memory[: 8 * count].view(np.int64)
        words[:] = [*consts, data(memory) + start, settings, *wanted, *method]
        if self._entry is not None:
            return _new_function(data(words[-len(method) :]), words, (self, tuple(places)))
        return functools.partial(self._by_slots, words)

    def _by_slots(self, words: np.ndarray, arguments: tuple, results: tuple) -> int:
        places = [*map(data, (*arguments, *results)), *words[: len(self._fixed) + 1].tolist()]
        slots = np.array(places, dtype=np.int64)
        return self._native(slots.ctypes.data)


def _one_at_a_time() -> bool:
    """Tell whether native code that keeps the interpreter's lock is alone."""
    return getattr(sys, "_is_gil_enabled", lambda: True)()


def _maker(type_: Type) -> Callable[[], np.ndarray]:
    """Return what makes the memory of a result."""
    if type_.size * type_.dtype.itemsize >= _RECYCLE_BYTES:
        return Recycler(type_)
    return functools.partial(np.empty, type_.shape, type_.dtype)


_new_function: Any = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.py_object, ctypes.py_object)(
    ("PyCFunction_NewEx", ctypes.pythonapi)
)  # method, self, an object that it keeps alive
