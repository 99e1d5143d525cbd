"""The five actions of which every checkpoint schedule consists.

A loop of ``n`` steps has states 0..n; step ``k`` leads from state ``k`` to state ``k + 1``. The machine that
executes a schedule holds one working state (at the start: state 0) and a number of slots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True, slots=True)
class Forward:
    """Advance the working state from state ``start`` to state ``stop``."""

    start: int
    stop: int
    code: ClassVar[int] = 0

    def encoded(self) -> tuple[int, int, int]:
        """Give the row of `encode` for this action."""
        return self.code, self.start, self.stop


@dataclass(frozen=True, slots=True)
class Store:
    """Keep the working state, which is state ``step``, in ``slot``."""

    step: int
    slot: int
    code: ClassVar[int] = 1

    def encoded(self) -> tuple[int, int, int]:
        """Give the row of `encode` for this action."""
        return self.code, self.step, self.slot


@dataclass(frozen=True, slots=True)
class Load:
    """Make state ``step``, kept in ``slot``, the working state; the slot keeps it."""

    step: int
    slot: int
    code: ClassVar[int] = 2

    def encoded(self) -> tuple[int, int, int]:
        """Give the row of `encode` for this action."""
        return self.code, self.step, self.slot


@dataclass(frozen=True, slots=True)
class Reverse:
    """Run the adjoint of step ``step`` at the working state, which is state ``step``."""

    step: int
    code: ClassVar[int] = 3

    def encoded(self) -> tuple[int, int, int]:
        """Give the row of `encode` for this action."""
        return self.code, self.step, -1


@dataclass(frozen=True, slots=True)
class Discard:
    """Free ``slot``."""

    slot: int
    code: ClassVar[int] = 4

    def encoded(self) -> tuple[int, int, int]:
        """Give the row of `encode` for this action."""
        return self.code, -1, self.slot


Action = Forward | Store | Load | Reverse | Discard


def encode(actions: Iterable[Action]) -> np.ndarray:
    """Actions as an int64 array of shape (number of actions, 3), for execution by compiled loops.

    Each row is ``(code, step or start, slot or stop)``; -1 where an action has no such entry.

    Examples
    --------
    >>> encode([Store(0, 0), Forward(0, 1), Reverse(1)]).tolist()
    [[1, 0, 0], [0, 0, 1], [3, 1, -1]]
    """
    rows = [action.encoded() for action in actions]
    return np.array(rows, dtype=np.int64).reshape(len(rows), 3)
