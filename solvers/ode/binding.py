"""Programs bound to memory: the slot tables that the compiled loops redirect and call."""

from __future__ import annotations

import ctypes

import numpy as np

from solvers.ode.programs import Layout


def address(array: np.ndarray) -> int:
    """Where an array's elements begin."""
    return array.__array_interface__["data"][0]


def copy_at(where: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """A copy of the array at an address."""
    copied = np.empty(shape, dtype)
    ctypes.memmove(address(copied), where, copied.nbytes)
    return copied


class Bound:
    """All variants of one program with their slot tables, one row each.

    Parameters
    ----------
    variants : list
        Compiled programs with the same inputs and outputs.
    layout : Layout
        Where their slots are.
    t_h : numpy.ndarray
        The memory of t and h.
    parameters : list of numpy.ndarray
        The arrays bound to the parameters' slots.
    """

    def __init__(self, variants: list, layout: Layout, t_h: np.ndarray, parameters: list[np.ndarray]):
        self.variants = list(variants)
        self.layout = layout
        self._bindings = [program.bind() for program in variants]
        width = max(len(binding.slots) for binding in self._bindings)
        self.addresses = np.array([program.address for program in variants], dtype=np.int64)
        self.slots = np.zeros((len(variants), width), dtype=np.int64)
        for row, binding in zip(self.slots, self._bindings, strict=True):
            row[: len(binding.slots)] = binding.slots
        self.slots[:, 0] = address(t_h)
        if layout.states > 1:
            self.slots[:, 1] = address(t_h) + t_h.itemsize
        if parameters:
            self.slots[:, layout.parameters : layout.first_output] = [address(p) for p in parameters]

    def point(self, slot: int, targets: list[int]) -> None:
        """Point consecutive slots of all variants to addresses."""
        self.slots[:, slot : slot + len(targets)] = targets

    def message(self, status: int) -> str:
        """What the program says about a failed status."""
        return self.variants[0].message(status)


class Unbound:
    """Stands where a loop has no use for a program."""

    addresses = np.zeros(1, dtype=np.int64)
    slots = np.zeros((1, 1), dtype=np.int64)
