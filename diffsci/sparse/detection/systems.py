"""Systems of linear equations as links between their unknowns, and zeros of their solutions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from diffsci.graph import Node
from diffsci.primitives.dependence import Known, Solved
from diffsci.sparse.detection.forms import Maps, finished
from diffsci.sparse.detection.reach import solved

__all__ = ["System", "solution_mask", "system_of"]


class System(NamedTuple):
    """The entries of the matrices of a node, those of all members of a stack together.

    Attributes
    ----------
    place : ndarray of int
        Where in the first operand every entry stands.
    equation, unknown : ndarray of int
        Of every entry, counted through all members.
    size, lanes : int
        Number of unknowns, and of right-hand sides, which lie side by side.
    diagonal : bool
        The diagonal is there, too.
    """

    place: np.ndarray
    equation: np.ndarray
    unknown: np.ndarray
    size: int
    lanes: int
    diagonal: bool

    def links(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the equation and the unknown of every entry, for all right-hand sides."""
        equation, unknown = self.equation, self.unknown
        if self.diagonal:
            equation, unknown = (np.concatenate([x, np.arange(self.size)]) for x in (equation, unknown))
        lane = np.arange(self.lanes)
        return (equation[:, None] * self.lanes + lane).ravel(), (unknown[:, None] * self.lanes + lane).ravel()


def system_of(node: Node, known: Known) -> System | None:
    """Return the system that a node solves, None where all entries of its matrix can be nonzero."""
    rule: Solved = node.primitive.pattern
    entries = rule.entries(node, known)
    if entries is None:
        return None
    rows, columns, there = entries
    stack = node.inputs[0].shape[: len(node.inputs[0].shape) - rule.core] if rule.core else ()
    count, n = math.prod(stack), node.shape[len(stack)]
    seen = np.broadcast_to(rows >= 0, (count, rows.size))
    if there is not None:
        seen = seen & there.reshape(count, rows.size)
    member, place = np.nonzero(seen)
    lanes = node.type.size // max(count * n, 1)
    return System(
        member * rows.size + place, member * n + rows[place], member * n + columns[place], count * n, lanes,
        rule.diagonal,
    )  # fmt: skip


def solution_mask(node: Node, masks: Any, known: Known) -> np.ndarray | None:
    """Return where a solution can be nonzero: what right-hand sides that can be reach."""
    if masks[-1] is None:
        return None
    system = system_of(node, known)
    if system is None:
        return None
    right = Maps((masks[-1].astype(np.int32),))
    found = finished(solved(*system.links(), right, 1), node.type.size, 1)
    return np.diff(found.indptr).reshape(node.shape) > 0
