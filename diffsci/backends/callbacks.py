"""Operations without native code: compiled programs call their `value` in Python.

Native code passes two words: a handle and a table of addresses, operands first. The handle is a `Callback`
object, taken from a hidden constant of the program, so the machine code depends on neither the operation nor
the process and can be kept on disk.

An exception must not cross native code: it is kept for the thread, the program returns `FAILED`, and whoever
gets control back in Python calls `raise_pending`. One that is raised before it can be kept, by a signal or at
the limit of recursion, Python prints; what native code gets is zero then, or anything: only `DONE` says that
outputs have been computed.
"""

from __future__ import annotations

import ctypes
import struct
import threading
import weakref
from typing import Any

import numpy as np

from diffsci.backends.statuses import FAILED
from diffsci.errors import UnsupportedError
from diffsci.graph import Node
from diffsci.source import at

__all__ = ["DONE", "FAILED", "Callback", "handle", "raise_pending", "trampoline_address"]

DONE = 0x600D5E7  # what a callback returns that has computed its outputs: nothing that comes by chance
_MOST_VIEWS = 512  # sets of addresses whose arrays are kept: programs mostly use the same memory again


class Callback:
    """One operation of a program, run on memory by address.

    Attributes
    ----------
    name, family, params
        Of the operation.
    value : callable
        Its value in NumPy; several outputs come as a tuple where `several`.
    input_types, output_types : list of Type
    where : str
        " at" the user's line.
    """

    __slots__ = (
        "_addresses", "_cached", "_copies", "_inputs", "_kinds", "_words",
        "family", "input_types", "name", "output_types", "params", "several", "value", "where",
    )  # fmt: skip

    def __init__(self, node: Node):
        if node.primitive.value is None:
            raise UnsupportedError(f"{node.name} is not compiled yet{at(node.location)}: use backend='numpy'")
        # Not the node itself: the handle is kept as long as the node lives, and would keep it alive.
        self.name, self.family, self.params = node.name, node.primitive.family, node.params
        self.value = np.errstate(all="ignore")(node.primitive.value)
        self.where = at(node.location)
        self.several = isinstance(node.type, tuple)
        self.input_types = [x.type for x in node.inputs]
        self.output_types = [*node.type] if self.several else [node.type]
        types = self.input_types + self.output_types
        self._inputs = len(node.inputs)
        self._kinds = [(ctypes.c_char * (t.size * t.dtype.itemsize), t.shape, t.dtype) for t in types]
        self._addresses = struct.Struct(f"{len(types)}P")
        self._words = ctypes.c_char * self._addresses.size
        self._copies = self.family == "host"  # a host object may keep what it is given
        self._cached: dict[bytes, tuple[list[np.ndarray], list[np.ndarray]]] = {}

    def run(self, table: int) -> None:
        """Compute the outputs; `table` is the address of the addresses of all arrays."""
        key = self._words.from_address(table).raw
        operands, targets = self._cached.get(key) or self._views(key)
        if self._copies:
            operands = [array.copy() for array in operands]
        values = self.value(*operands, **self.params)
        if not self.several:
            values = (values,)
        for target, value in zip(targets, values, strict=True):
            value = np.asarray(value)
            if value.shape != target.shape:
                raise TypeError(f"{self.name} gave an array of shape {value.shape}, expected {target.shape}")
            if value.dtype is target.dtype:
                target[...] = value
            else:
                np.copyto(target, value)  # refuses to lose a part of a complex number, or a fraction

    def _views(self, key: bytes) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Make and keep arrays over the memory; an array costs about a microsecond."""
        places = zip(self._addresses.unpack(key), self._kinds, strict=True)
        arrays = [
            np.ndarray(shape, dtype, memory.from_address(where)) for where, (memory, shape, dtype) in places
        ]
        operands, targets = arrays[: self._inputs], arrays[self._inputs :]
        for operand in operands:
            operand.flags.writeable = False
        if len(self._cached) >= _MOST_VIEWS:
            self._cached.clear()
        self._cached[key] = operands, targets
        return operands, targets


_handles: weakref.WeakKeyDictionary[Node, np.ndarray] = weakref.WeakKeyDictionary()


def handle(node: Node) -> np.ndarray:
    """Return the hidden constant of an operation: an array with its `Callback` as one word."""
    known = _handles.get(node)
    if known is None:
        known = np.empty(1, object)
        known[0] = Callback(node)
        known = _handles.setdefault(node, known)
    return known


class _Pending(threading.local):
    error: BaseException | None = None


_pending = _Pending()


def raise_pending() -> None:
    """Raise the exception that a callback of this thread has left, if there is one."""
    error = _pending.error
    if error is not None:
        _pending.error = None
        raise error


def _enter(callback: Callback, table: int) -> int:
    try:
        callback.run(table)
        return DONE
    except BaseException as error:  # also KeyboardInterrupt: native code returns first, then it is raised
        error.add_note(f"in {callback.name}{callback.where}, called by a compiled program")
        _pending.error = error
        return FAILED


_trampoline: Any = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.py_object, ctypes.c_void_p)(_enter)


def trampoline_address() -> int:
    """Return the address of the C function ``int64 callback(PyObject *handle, void **arrays)``."""
    return ctypes.cast(_trampoline, ctypes.c_void_p).value
