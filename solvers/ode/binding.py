"""Programs bound to memory: the slot tables that the compiled loops redirect and call."""

from __future__ import annotations

from typing import Any

import numpy as np

from solvers.ode.programs import Layout

_ALIGNMENT = 64


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
    machine : Cpu or Cuda
        Where they run.
    """

    def __init__(self, variants: list, layout: Layout, t_h: int, machine: Any):
        self.variants = list(variants)
        self.layout = layout
        self.workspace_bytes = max(program.workspace_bytes for program in variants)
        self.addresses = machine.entries(variants)
        width = max(program.slot_count for program in variants)
        self.slots = np.zeros((len(variants), width), dtype=np.int64)
        self.slots[:, 0] = t_h
        if layout.states > 1:
            self.slots[:, 1] = t_h + 8
        for row, program in zip(self.slots, variants, strict=True):
            machine.fill(row, program)

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

    def __init__(self, machine: Any):
        self._machine, self._memory, self._size = machine, None, 0
        self._users: list[Bound] = []

    def serve(self, bound: Bound) -> Bound:
        """Give a program its workspace, enlarging it for all if need be."""
        self._users.append(bound)
        if bound.workspace_bytes + _ALIGNMENT > self._size:
            self._memory = None  # free the old one first
            self._size = bound.workspace_bytes + _ALIGNMENT
            self._memory, self._start = self._machine.memory(self._size)
            served = self._users
        else:
            served = [bound]
        for user in served:
            user.work_in(self._start + -self._start % _ALIGNMENT)
        return bound

    def forget(self) -> None:
        """Serve nobody any more."""
        self._users.clear()


class Unbound:
    """Stands where a loop has no use for a program."""

    addresses = np.zeros(1, dtype=np.int64)
    slots = np.zeros((1, 1), dtype=np.int64)
