"""Memory and programs by address: what a compiled loop does with numbers that are addresses.

Nothing checks an address: whoever passes one keeps what lies there alive during the call.
"""

from __future__ import annotations

import ctypes

import numpy as np

from diffsci.native.objects import array_address

__all__ = ["call_address", "copy_bytes", "start_of", "view"]

_PROGRAM = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)


def call_address(address: int, slots: int) -> int:
    """Call the program ``int64 f(void **slots)`` at an address with the table at another."""
    return _PROGRAM(int(address))(int(slots))


def copy_bytes(target: int, source: int, size: int) -> None:
    """Copy so many bytes between two addresses that do not overlap."""
    ctypes.memmove(int(target), int(source), int(size))


def start_of(array: np.ndarray) -> int:
    """Return the address of the first element of an array."""
    return array_address(array)


def view(address: int, size: int, like: np.ndarray) -> np.ndarray:
    """Return the elements at an address as an array of one axis, of the element type of another array."""
    memory = (ctypes.c_char * (int(size) * like.itemsize)).from_address(int(address))
    return np.frombuffer(memory, like.dtype)
