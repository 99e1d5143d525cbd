"""The machine of loops that Python drives: every step by the NumPy interpreter, or by a program of a device.

It executes the same actions as the native driver, so a loop has one algorithm and two machines. Arrays of a
device stay there: only what Python decides by (a predicate, whether the model raises) is read back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.control.body import CARRY, CONST, ITEM, Body
from diffsci.control.failing import raise_error
from diffsci.graph import Graph, interpreter
from diffsci.graph.namespaces import namespace
from diffsci.schedules import Discard, Forward, Load, Reverse, Store

__all__ = ["BACK", "KEEP", "Interpreted"]

NUMBERS = 1024  # of steps that a device is given at once
KEEP, BACK = 5, 6  # steps a..b, leaving state k in slot k; and back again

State = "list[np.ndarray]"


class Interpreted:
    """Memory of one run: the working state, the slots of the schedule, the adjoint.

    Parameters
    ----------
    body : Body
    x : list of ndarray
        Inputs of the loop.
    length : int or None
        Number of steps, where it is known.
    reverse : bool
        Rows are read and written from last to first.
    evaluate : callable
        ``evaluate(graph, inputs) -> outputs``.
    """

    def __init__(
        self,
        body: Body,
        x: Sequence[np.ndarray],
        length: int | None,
        reverse: bool,
        evaluate: Callable = interpreter.run,
    ):
        self.body, self.x, self.length, self.reverse = body, list(x), length, reverse
        self.evaluate = evaluate
        self.xp = namespace(x)
        self._numbers, self._first_number = self.xp.arange(0), 0
        self.carries, self.items = body.places(CARRY), body.places(ITEM)
        self.state: list[np.ndarray] = [x[k] for k in self.carries]
        self.slots: list[Any] = []
        self.kept: list[Any] = []

    def make_slots(self, count: int) -> None:
        """Have so many slots for a schedule; slot 0 holds the state at the start."""
        self.slots = [self.state] + [None] * (count - 1)

    def keep(self, start: int, stop: int, rows: list[np.ndarray] | None, ask: bool = False) -> bool:
        """Take the steps ``start:stop`` and keep all states; tell whether the predicate ended the loop."""
        for k in range(start, stop):
            if ask and not self._goes_on(k):
                self.steps = k
                return True
            self.kept.append(self.state)
            self._step(k, rows)
        return False

    def carry(self) -> list[np.ndarray]:
        """Return the working state in arrays of their own."""
        return [self.xp.array(value) for value in self.state]

    def mark(self) -> Any:
        """Return what `return_to` takes to make the working state the present one again."""
        return self.state

    def return_to(self, mark: Any) -> None:
        """Make an earlier working state the present one; it must be at most one step old."""
        self.state = mark

    def asks(self, k: int) -> bool:
        """Ask the predicate at the working state."""
        return self._goes_on(k)

    def advance(self, actions: np.ndarray, rows: list[np.ndarray] | None, ask: bool = False) -> bool:
        """Execute actions that go forward; tell whether the predicate ended the loop.

        Parameters
        ----------
        actions : ndarray of shape (actions, 3)
        rows : list of ndarray or None
            Where rows of outputs go.
        ask : bool
            Whether the predicate is asked before every step; `steps` is then where it said no.
        """
        for code, a, b in actions.tolist():
            if code == Forward.code:
                for k in range(a, b):
                    if ask and not self._goes_on(k):
                        self.steps = k
                        return True
                    self._step(k, rows)
            else:
                self._move(code, b)
        return False

    def _move(self, code: int, slot: int) -> None:
        if code == Store.code:
            self.slots[slot] = self.state
        elif code == Load.code:
            self.state = self.slots[slot]
        elif code == Discard.code:
            self.slots[slot] = None

    def _inputs(self, k: int) -> list[np.ndarray]:
        found: list[Any] = [self._number(k), *self.x]
        row = self.length - 1 - k if self.reverse else k
        for place, value in zip(self.carries, self.state, strict=True):
            found[1 + place] = value
        for place in self.items:
            found[1 + place] = self.x[place][row]
        return found

    def _number(self, k: int) -> Any:
        """Return the number of a step as an array: one of many that are made together, forward or back."""
        if self.xp is np:
            return np.array(k, np.int64)
        if not self._first_number <= k < self._first_number + len(self._numbers):
            self._first_number = k // NUMBERS * NUMBERS
            self._numbers = self.xp.arange(self._first_number, self._first_number + NUMBERS, dtype=np.int64)
        return self._numbers[k - self._first_number].reshape(())

    def _goes_on(self, k: int) -> bool:
        (decision,) = self._run("predicate", k)
        return bool(decision)

    def _step(self, k: int, rows: list[np.ndarray] | None) -> None:
        outputs = self._run("graph", k)
        self.state = [outputs[place] for place in self.body.out_places(CARRY)]
        if rows is not None:
            row = self.length - 1 - k if self.reverse else k
            for target, place in zip(rows, self.body.out_places(ITEM), strict=True):
                target[row] = outputs[place]

    def _run(self, name: str, k: int) -> list[np.ndarray]:
        body, graph = self.body, getattr(self.body, name)

        def checked() -> Graph:
            return Graph(graph.inputs, [*graph.outputs, *(guard.predicate for guard in graph.guards)])

        found = self.evaluate(body.once(("checked", name), checked), self._inputs(k))
        for position, outcome in enumerate(found[len(graph.outputs) :]):
            if not outcome:
                raise_error(body, name, position)
        return found[: len(graph.outputs)]

    def back(self, actions: np.ndarray | None, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """Go back; return the cotangents of the inputs, None for integers.

        Parameters
        ----------
        actions : ndarray or None
            What is left of the schedule; None: all states are kept.
        cotangents : sequence of ndarray
            Of the outputs.
        """
        adjoint = _Adjoint(self, cotangents)
        for code, a, b in [] if actions is None else actions.tolist():
            if code == Forward.code:
                for k in range(a, b):
                    self._step(k, None)
            elif code == Reverse.code:
                adjoint.step(a)
            else:
                self._move(code, b)
        for k in reversed(range(len(self.kept))):
            self.state = self.kept[k]
            adjoint.step(k)
        return arranged(self.body, adjoint.carried, adjoint.sums, adjoint.items)


class _Adjoint:
    """Cotangents on their way back."""

    def __init__(self, machine: Interpreted, cotangents: Sequence[np.ndarray]):
        body, x = machine.body, machine.x
        self.machine, self.graph = machine, body.adjoint()
        self.rows = [cotangents[k] for k in body.real_out_places(ITEM)]
        self.carried = [cotangents[k] for k in body.real_out_places(CARRY)]
        self.sums = [machine.xp.zeros_like(x[k]) for k in body.real_places(CONST)]
        self.items = [machine.xp.zeros_like(x[k]) for k in body.real_places(ITEM)]

    def step(self, k: int) -> None:
        """Reverse step k at the machine's working state."""
        machine, count = self.machine, len(self.carried)
        row = machine.length - 1 - k if machine.reverse else k
        given = [rows[row] for rows in self.rows]
        found = machine.evaluate(self.graph, [*machine._inputs(k), *self.carried, *given, *self.sums])
        self.carried, self.sums = found[:count], found[count : count + len(self.sums)]
        for target, value in zip(self.items, found[count + len(self.sums) :], strict=True):
            target[row] = value


def arranged(body: Body, carried, sums, items) -> list[np.ndarray | None]:
    """Put cotangents in the order of the inputs, None for integers; those of carries and constants copied."""
    found: list[np.ndarray | None] = [None] * len(body.roles)
    xp = namespace([*carried, *sums, *items])
    for role, values in ((CARRY, map(xp.array, carried)), (CONST, map(xp.array, sums)), (ITEM, items)):
        for place, value in zip(body.real_places(role), values, strict=True):
            found[place] = value
    return found
