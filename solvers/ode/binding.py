"""Programs bound to memory: the slot tables that the compiled loops redirect and call."""

from __future__ import annotations

import ctypes

import numpy as np

from diffsci.low_level import SETTINGS
from diffsci.low_level import array_address as address
from solvers.ode.programs import Layout

_ALIGNMENT = 64


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
    t_h : int
        The address of t and h.
    """

    def __init__(self, variants: list, layout: Layout, t_h: int):
        self.variants = list(variants)
        self.layout = layout
        self.workspace_bytes = max(program.workspace_bytes for program in variants)
        self.addresses = np.array([program.address for program in variants], dtype=np.int64)
        width = max(program.slot_count for program in variants)
        self.slots = np.zeros((len(variants), width), dtype=np.int64)
        self.slots[:, 0] = t_h
        if layout.states > 1:
            self.slots[:, 1] = t_h + 8
        for row, program in zip(self.slots, variants, strict=True):
            first = len(program.input_types) + len(program.output_types)
            hidden = [*program.consts, SETTINGS]
            places = [*range(first, first + len(program.consts)), program.slot_count - 1]
            row[places] = [address(array) for array in hidden]

    def point(self, slot: int, targets: list[int]) -> None:
        """Point consecutive slots of all variants to addresses."""
        self.slots[:, slot : slot + len(targets)] = targets

    def work_in(self, where: int) -> None:
        """Give all variants their workspace."""
        for row, program in zip(self.slots, self.variants, strict=True):
            row[program.slot_count - 2] = where

    def message(self, status: int) -> str:
        """What the program says about a failed status."""
        return self.variants[0].message(status)


class Workspace:
    """One workspace for programs that never run at the same time."""

    def __init__(self):
        self._memory = np.empty(0, np.uint8)
        self._users: list[Bound] = []

    def serve(self, bound: Bound) -> Bound:
        """Give a program its workspace, enlarging it for all if need be."""
        self._users.append(bound)
        if bound.workspace_bytes + _ALIGNMENT > self._memory.size:
            self._memory = None  # free the old one first
            self._memory = np.empty(bound.workspace_bytes + _ALIGNMENT, np.uint8)
            served = self._users
        else:
            served = [bound]
        start = address(self._memory)
        for user in served:
            user.work_in(start + -start % _ALIGNMENT)
        return bound

    def forget(self) -> None:
        """Serve nobody any more."""
        self._users.clear()


class Unbound:
    """Stands where a loop has no use for a program."""

    addresses = np.zeros(1, dtype=np.int64)
    slots = np.zeros((1, 1), dtype=np.int64)
