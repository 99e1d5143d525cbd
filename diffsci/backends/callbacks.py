"""Operations without native code: compiled programs call their `value` in Python.

Native code passes two words: a handle and a table of addresses, operands first. The handle is a `Callback`
object, taken from a hidden constant of the program, so the machine code depends on neither the operation nor
the process and can be kept on disk.

An exception must not cross native code: it is kept for the thread, the program returns `FAILED`, and whoever
gets control back in Python calls `raise_pending`.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Node, Type
from diffsci.source import at

__all__ = ["FAILED", "Callback", "handle", "raise_pending", "trampoline_address"]

FAILED = -2  # status of a program whose callback raised an exception
_MOST_VIEWS = 64


class Callback:
    """One operation of a program, run on memory by address."""

    __slots__ = (
        "_cached", "_copies", "_inputs", "_outputs", "_several", "_words", "name", "params", "value", "where",
    )  # fmt: skip

    def __init__(self, node: Node):
        if node.primitive.value is None:
            raise UnsupportedError(f"{node.name} is not compiled yet{at(node.location)}: use backend='numpy'")
        # Not the node itself: the handle is kept as long as the node lives, and would keep it alive.
        self.name, self.params = node.name, node.params
        self.value = np.errstate(all="ignore")(node.primitive.value)
        self.where = at(node.location)
        self._inputs = [x.type for x in node.inputs]
        self._several = isinstance(node.type, tuple)
        self._outputs = list(node.type) if self._several else [node.type]
        count = len(self._inputs) + len(self._outputs)
        self._words = ctypes.c_char * (ctypes.sizeof(ctypes.c_void_p) * count)
        self._copies = node.primitive.family == "host"  # a host object may keep what it is given
        self._cached: dict[bytes, tuple[list[np.ndarray], list[np.ndarray]]] = {}

    def run(self, table: int) -> None:
        """Compute the outputs; `table` is the address of the addresses of all arrays."""
        key = self._words.from_address(table).raw
        operands, targets = self._cached.get(key) or self._views(key)
        if self._copies:
            operands = [array.copy() for array in operands]
        values = self.value(*operands, **self.params)
        if not self._several:
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
        """Arrays over the memory; programs mostly use the same memory again."""
        addresses = np.frombuffer(key, np.uintp).tolist()
        arrays = [_array(*pair) for pair in zip(addresses, [*self._inputs, *self._outputs], strict=True)]
        operands, targets = arrays[: len(self._inputs)], arrays[len(self._inputs) :]
        for operand in operands:
            operand.flags.writeable = False
        if len(self._cached) >= _MOST_VIEWS:
            self._cached.clear()
        self._cached[key] = operands, targets
        return operands, targets


def _array(address: int, type_: Type) -> np.ndarray:
    memory = (ctypes.c_char * (type_.size * type_.dtype.itemsize)).from_address(address)
    return np.ndarray(type_.shape, type_.dtype, memory)


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
        return 0
    except BaseException as error:  # also KeyboardInterrupt: native code returns first, then it is raised
        error.add_note(f"in {callback.name}{callback.where}, called by a compiled program")
        _pending.error = error
        return FAILED


_trampoline: Any = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.py_object, ctypes.c_void_p)(_enter)


def trampoline_address() -> int:
    """Return the address of the C function ``int64 callback(PyObject *handle, void **arrays)``."""
    return ctypes.cast(_trampoline, ctypes.c_void_p).value
