"""What a host object must offer to be one differentiable operation: see `diffsci.primitives.host`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Graph, Type

__all__ = ["CARRY", "CONST", "ITEM", "CustomLoop", "Repeated"]

# What an input or output of a repeated step is to the loop.
CONST = "const"  # the same in every step
CARRY = "carry"  # handed on from step to step
ITEM = "item"  # row k of an array


@dataclass(frozen=True)
class Repeated:
    """What a loop repeats, for those who look at its structure.

    Attributes
    ----------
    graph : Graph
        (number of the step, inputs) -> outputs.
    roles, out_roles : tuple of str
        CONST, CARRY or ITEM of the inputs behind the first; CARRY or ITEM of the outputs. Carries leave in
        the order in which they enter.
    length : int or None
        Number of steps, None where only a run tells.
    reverse : bool
        Rows of items are taken, and made, from last to first.
    depths, depth
        How many axes stand before that of the steps, in every input that has items; in the outputs.
    rows : (int, int) or None
        Carries leave as rows of arrays: first so many as they are before the first step, then so many after
        some number of steps each. None: carries leave as they are after the last step.
    """

    graph: Graph
    roles: tuple[str, ...]
    out_roles: tuple[str, ...]
    length: int | None
    reverse: bool
    depths: tuple[int, ...]
    depth: int
    rows: tuple[int, int] | None = None


class CustomLoop(ABC):
    """A loop that diffsci differentiates by replaying its tape. See `diffsci.primitives.host`.

    Attributes
    ----------
    label : str
        What messages call it.
    """

    label = "a custom loop"

    @abstractmethod
    def run(self, x: list[np.ndarray]) -> tuple[list[np.ndarray], Any]:
        """Run and return (outputs, tape)."""

    @abstractmethod
    def output_types(self, input_types: list[Type]) -> list[Type]:
        """Return the types of the outputs."""

    @abstractmethod
    def tangent(self, x: list[np.ndarray], tape: Any, dx: list[np.ndarray | None]) -> list[np.ndarray]:
        """Return J(x) dx on the steps of the tape; entries of `dx` of integer inputs are None."""

    @abstractmethod
    def pullback(self, x: list[np.ndarray], tape: Any, ct: list[np.ndarray]) -> list[np.ndarray | None]:
        """Return J(x)^T ct on the steps of the tape; None for integer inputs."""

    @abstractmethod
    def pushforward(self) -> CustomLoop:
        """Return the loop of (x, dx) -> (y, dy); dx has entries for the float inputs only."""

    def outputs(self, x: list[np.ndarray]) -> list[np.ndarray]:
        """Run where nobody asks for the tape."""
        return self.run(x)[0]

    def member_flags(self, flags: list[bool]) -> list[bool]:
        """Return which inputs of the batched loop must have the axis of members if these have it."""
        return flags

    def batched(self, flags: tuple[bool, ...], size: int) -> CustomLoop | None:
        """Return the loop of `size` members, or None: then members are run one by one.

        Inputs marked in `flags`, which `member_flags` gave, have a leading axis of that size, all
        outputs have it. Tapes of loops that differ in their flags can stand for each other.
        """
        return None

    def spread(self, tape: Any, size: int) -> Any:
        """Return a tape of the batched loop, all of whose members took the steps of this tape.

        Needed by loops that `batched` returns a loop for.
        """
        raise UnsupportedError(
            f"{type(self).__name__} has batched() but no spread(): write it, so one tape serves all members"
        )

    def evaluated_by(self, evaluate: Callable) -> CustomLoop | None:
        """Return the loop with ``evaluate(graph, inputs)`` in place of its own programs, if it can.

        Then it runs on whatever values these are: complex numbers in place of real ones, say.
        """
        return None

    def watched(self, evaluate: Callable) -> CustomLoop | None:
        """Return the loop that shows its steps: it runs ``evaluate(graph, inputs, place)``, if it can.

        For every step, in the order in which they run, it asks for the outputs of the step's program;
        `place` says which step that is, for a reader: ``"step 17"``. Whoever watches may raise an
        exception to end the run.
        """
        return None

    def repeated(self, tape: Any) -> CustomLoop | None:
        """Return the loop that makes the choices of this tape again, None if runs choose nothing anew.

        Derivatives hold such choices fixed (the steps of an adaptive integration); differences of whole
        runs see them change.
        """
        return None

    def failure(self, tape: Any) -> str:
        """Return why the run that left this tape has no result; nothing if it has one."""
        return ""

    def masked(self, ins: tuple[bool, ...], outs: tuple[bool, ...]) -> CustomLoop | None:
        """Return the loop with the masks of some inputs, then of some outputs, as further inputs.

        Its values are the same; what a mask leaves out has no derivative. None: masks are not looked at.
        """
        return None

    def raising(self, active: tuple[bool, ...]) -> CustomLoop:
        """Return the loop that raises KinkError at kinks inside; itself where it cannot tell.

        `active` marks the inputs that derivatives are asked for.
        """
        return self

    def compiled(self) -> CustomLoop:
        """Return the loop as compiled programs run it."""
        return self

    def repeats(self, input_types: list[Type]) -> Repeated | None:
        """Return the one step that it repeats, whatever the values; None: all may depend on all.

        It need not be the very step: it is enough that its outputs depend on the same.
        """
        return None

    def on_device(self, machine: Any) -> CustomLoop | None:
        """Return the loop as it runs on arrays of a device, None if it cannot.

        Parameters
        ----------
        machine : diffsci.backends.cuda.machine.Machine
            ``machine.evaluate(graph, inputs)`` runs a program there, ``machine.xp`` is the library of its
            arrays.
        """
        return None

    def jet(self, order: int) -> CustomLoop | None:
        """Return the loop of power series (x, x_1, ..., x_order) -> (y, y_1, ..., y_order), if there is one.

        The coefficients x_k and y_k have entries for float inputs and outputs only. It runs on its
        own, so it must take the steps that this loop takes: its decisions look at x alone. Without
        it, Taylor mode uses tangents of pushforwards of pushforwards, whose number of operands
        doubles with every order.
        """
        return None
