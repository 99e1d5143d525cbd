"""Where integrations run: memory of their states, programs of their steps, the loops that drive these.

The loops know memory and programs by address only. On the CPU they are native code. On a device (see
`device`) the same loops run as Python functions: programs and sums over states are its work, and all that
comes back is the number that decides on a step.
"""

from __future__ import annotations

import ctypes

import numpy as np

import diffsci as ds
from diffsci.low_level import SETTINGS, array_address
from solvers.ode.compiled import Loop

__all__ = ["CPU", "Cpu"]


class Cpu:
    """The processor of the host; `device.Cuda` has the same methods."""

    xp = np

    @staticmethod
    def empty(shape, dtype) -> np.ndarray:
        """Memory for an array."""
        return np.empty(shape, dtype)

    @staticmethod
    def memory(nbytes: int) -> tuple[object, int]:
        """Memory for so many bytes, and its address."""
        held = np.empty(nbytes, np.uint8)
        return held, array_address(held)

    @staticmethod
    def times() -> np.ndarray:
        """Memory for the two numbers that programs read as t and h."""
        return np.zeros(2)

    @staticmethod
    def tolerances(atol: np.ndarray, rtol: float) -> np.ndarray:
        """What the loops take for the absolute tolerances."""
        return atol

    address = staticmethod(array_address)

    @staticmethod
    def copy_at(where: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """A copy, in an array of the host, of what lies at an address."""
        copied = np.empty(shape, dtype)
        ctypes.memmove(array_address(copied), where, copied.nbytes)
        return copied

    @staticmethod
    def host(array: np.ndarray) -> np.ndarray:
        """An array of the host with these elements."""
        return array

    @staticmethod
    def compile(function, *examples):
        """The program of a function at example arguments."""
        return ds.compile(function, *examples).program

    @staticmethod
    def entries(programs: list) -> np.ndarray:
        """What the loops know programs by."""
        return np.array([program.address for program in programs], dtype=np.int64)

    @staticmethod
    def fill(slots: np.ndarray, program) -> None:
        """Point the slots of hidden constants and settings to them."""
        first = len(program.input_types) + len(program.output_types)
        hidden = [*program.consts, SETTINGS]
        places = [*range(first, first + len(program.consts)), program.slot_count - 1]
        slots[places] = [array_address(array) for array in hidden]

    @staticmethod
    def loop(name: str, dtype: np.dtype) -> Loop:
        """One of the loops, for states of a type."""
        return Loop(name, dtype)


CPU = Cpu()
