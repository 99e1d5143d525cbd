"""The machine of small loops outside compiled code: every step by the NumPy interpreter.

It executes the same actions as the native driver, so a loop has one algorithm and two machines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.control.body import CARRY, CONST, ITEM, Body
from diffsci.control.failing import raise_error
from diffsci.graph import Graph, interpreter
from diffsci.schedules import Discard, Forward, Load, Reverse, Store

__all__ = ["BACK", "KEEP", "Interpreted"]

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
        self.carries, self.items = body.places(CARRY), body.places(ITEM)
        self.state: list[np.ndarray] = [x[k] for k in self.carries]
        self.slots: list[Any] = []

    def make_slots(self, count: int) -> None:
        """Have so many slots, those there are among them; slot 0 holds the state at the start."""
        if not self.slots:
            self.slots = [self.state]
        self.slots += [None] * (count - len(self.slots))

    def carry(self) -> list[np.ndarray]:
        """Return the working state in arrays of their own."""
        return [np.array(value) for value in self.state]

    def mark(self) -> Any:
        """Return what `return_to` takes to make the working state the present one again."""
        return self.state

    def return_to(self, mark: Any) -> None:
        """Make an earlier working state the present one; it must be at most one step old."""
        self.state = mark

    def asks(self, k: int) -> bool:
        """Ask the predicate at the working state."""
        return self._goes_on(k)

    def advance(
        self, actions: np.ndarray, rows: list[np.ndarray] | None, ask: bool = False
    ) -> tuple[int, bool]:
        """Execute actions until the first that goes backward.

        Parameters
        ----------
        actions : ndarray of shape (actions, 3)
        rows : list of ndarray or None
            Where rows of outputs go.
        ask : bool
            Whether the predicate is asked before every step.

        Returns
        -------
        position : int
            Of the first action not executed.
        stopped : bool
            Whether the predicate ended the loop.
        """
        for position, (code, a, b) in enumerate(actions.tolist()):
            if code in (Forward.code, KEEP):
                for k in range(a, b):
                    if ask and not self._goes_on(k):
                        self.steps = k
                        return position, True
                    self._step(k, rows)
                    if code == KEEP:
                        self.slots[k + 1] = self.state
            elif code == Store.code:
                self.slots[b] = self.state
            elif code == Load.code:
                self.state = self.slots[b]
            elif code == Discard.code:
                self.slots[b] = None
            else:
                return position, False
        return len(actions), False

    def _inputs(self, k: int) -> list[np.ndarray]:
        found: list[Any] = [np.array(k, np.int64), *self.x]
        row = self.length - 1 - k if self.reverse else k
        for place, value in zip(self.carries, self.state, strict=True):
            found[1 + place] = value
        for place in self.items:
            found[1 + place] = self.x[place][row]
        return found

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

    def back(self, actions: np.ndarray, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """Execute actions to the end; return the cotangents of the inputs, None for integers."""
        body, graph = self.body, self.body.adjoint()
        real_rows = list(body.real_out_places(ITEM))
        carried = [cotangents[k] for k in body.real_out_places(CARRY)]
        sums = [np.zeros_like(self.x[k]) for k in body.real_places(CONST)]
        items = [np.zeros_like(self.x[k]) for k in body.real_places(ITEM)]
        count = len(body.real_places(CARRY))

        def reverse(k: int) -> None:
            row = self.length - 1 - k if self.reverse else k
            given = [cotangents[place][row] for place in real_rows]
            found = self.evaluate(graph, [*self._inputs(k), *carried, *given, *sums])
            carried[:], sums[:] = found[:count], found[count : count + len(sums)]
            for target, value in zip(items, found[count + len(sums) :], strict=True):
                target[row] = value

        position = 0
        while position < len(actions):
            code, a, b = actions[position].tolist()
            if code == Reverse.code:
                reverse(a)
                position += 1
            elif code == BACK:
                for k in reversed(range(a, b)):
                    self.state = self.slots[k]
                    reverse(k)
                position += 1
            else:
                position += self.advance(actions[position:], None)[0]
        return arranged(body, carried, sums, items)


def arranged(body: Body, carried, sums, items) -> list[np.ndarray | None]:
    """Put cotangents in the order of the inputs, None for integers."""
    found: list[np.ndarray | None] = [None] * len(body.roles)
    for role, values in ((CARRY, carried), (CONST, sums), (ITEM, items)):
        for place, value in zip(body.real_places(role), values, strict=True):
            found[place] = np.array(value)
    return found
