"""A rolled loop as one differentiable operation: run, tangent and pullback on a frozen number of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.control.body import CARRY, ITEM, Body
from diffsci.control.compiled import Compiled
from diffsci.control.interpreted import Interpreted
from diffsci.control.memory import empty
from diffsci.errors import EvaluationError
from diffsci.graph import Type
from diffsci.graph.namespaces import namespace
from diffsci.primitives.custom_loop import CustomLoop, Repeated
from diffsci.schedules import Checkpoints, Forward, Reverse, Schedule, StoreAll, for_slots
from diffsci.source import Location, at

__all__ = ["RolledLoop", "RolledTape"]

SMALL = 10_000.0  # microseconds of interpreting that are spent before anything is compiled
FIRST_CHUNK = 64  # states kept at first of a loop of unknown length


class RolledTape:
    """What a run leaves behind: how many steps it took, and the states that its schedule keeps.

    Tapes are equal where they freeze the same number of steps: the states only save work.

    Attributes
    ----------
    steps : int
    stored : int
        Number of states kept, the initial one among them.
    """

    def __init__(self, steps: int, native: bool):
        self.steps, self.native = steps, native
        self.stored = 0
        self._machines: list[Any] = []
        self._owner: tuple | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RolledTape) and other.steps == self.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def keep(self, loop: RolledLoop, machine: Any, stored: int) -> None:
        """Keep the machine of the run that this is the tape of, ready to go backward."""
        self._owner, self.stored = (loop.body, loop.evaluate), stored
        self._machines.append(machine)

    def put_back(self, loop: RolledLoop, machine: Any) -> None:
        """Keep a machine that may go backward again, if it is of that run.

        Bodies derived from it have further operands, which are not the same at every call.
        """
        if self._owner == (loop.body, loop.evaluate):
            self._machines.append(machine)

    def take(self, loop: RolledLoop) -> Any:
        """Return the machine if it is there and holds states of this body, None otherwise."""
        if self._owner != (loop.body, loop.evaluate):
            return None
        try:
            return self._machines.pop()
        except IndexError:  # taken, or in use by another thread
            return None


class RolledLoop(CustomLoop):
    """Repeats a body: (inputs of the body's roles) -> (carries after the last step, stacked items).

    Parameters
    ----------
    body : Body
    length : int or None
        Number of steps; None: as long as the body's predicate holds.
    reverse : bool
        Items are taken from last to first.
    checkpoint : int, callable or None
        How many states the reverse sweep may keep, or the rule of its schedule (see
        `diffsci.schedules.for_slots`); None: all.
    max_steps : int or None
        More steps are an error.
    location : Location or None
        Of the loop in the user's source.
    native : bool
        Whether it is part of a compiled program: then it is compiled whatever its size.
    depths : sequence of int, optional
        How many axes of members stand before the steps, in every input that is an array of items.
    depth : int
        The same in the outputs.
    evaluate : callable, optional
        Evaluates graphs in place of the machines' own programs: on complex numbers, say.
    """

    def __init__(
        self,
        body: Body,
        length: int | None,
        reverse: bool = False,
        checkpoint: Checkpoints = None,
        max_steps: int | None = None,
        location: Location | None = None,
        native: bool = False,
        depths: Sequence[int] | None = None,
        depth: int = 0,
        evaluate: Callable | None = None,
    ):
        self.body, self.length, self.reverse = body, length, reverse
        self.checkpoint, self.max_steps, self.location, self.native = checkpoint, max_steps, location, native
        self.depths = tuple(depths or [0] * len(body.roles))
        self.depth, self.evaluate = depth, evaluate
        self.label = "a loop of ds.while_loop" if length is None else "a loop of ds.fori_loop or ds.scan"
        self._made: dict[Any, RolledLoop] = {}

    def _with(self, key: Any, **changed: Any) -> RolledLoop:
        """Return the loop made of this one for a key."""
        found = self._made.get(key)
        if found is None:
            found = self._made.setdefault(key, self._copy(**changed))
        return found

    def _copy(self, **changed: Any) -> RolledLoop:
        names = "body length reverse checkpoint max_steps location native depths depth evaluate".split()
        return RolledLoop(**({name: getattr(self, name) for name in names} | changed))

    def __repr__(self) -> str:
        return f"<rolled loop{at(self.location)}>"

    # the contract of CustomLoop --------------------------------------------------------------------

    def output_types(self, input_types: Sequence[Type]) -> list[Type]:
        """See `CustomLoop`."""
        outputs = zip(self.body.out_roles, self.body.graph.output_types, strict=True)
        return [t if role == CARRY else self._stacked(t) for role, t in outputs]

    def _stacked(self, kind: Type) -> Type:
        return Type((*kind.shape[: self.depth], self.length, *kind.shape[self.depth :]), kind.dtype)

    def run(self, x: list[np.ndarray]) -> tuple[list[np.ndarray], RolledTape]:
        """See `CustomLoop`."""
        return self._run(x, keep=True)

    def outputs(self, x: list[np.ndarray]) -> list[np.ndarray]:
        """See `CustomLoop`."""
        return self._run(x, keep=False)[0]

    def _run(self, x: list[np.ndarray], keep: bool) -> tuple[list[np.ndarray], RolledTape]:
        x = self._inside(x)
        if self.length is None:
            return self._run_while(x, keep)
        native = self.native or self.length * self.body.weight() > SMALL
        tape = RolledTape(self.length, native)
        return self._outside(self._forward(x, tape, keep)), tape

    def tangent(self, x: list[np.ndarray], tape: RolledTape, dx: list[np.ndarray | None]) -> list[np.ndarray]:
        """See `CustomLoop`."""
        above = self.pushforward()
        inputs = above._inside([*x, *(d for d in dx if d is not None)])
        outputs = above._outside(above._forward(inputs, tape, keep=False))
        moved = iter(outputs[len(self.body.out_roles) :])
        return [
            next(moved) if kind.is_float else namespace(x).zeros(value.shape, value.dtype)
            for kind, value in zip(self.body.graph.output_types, outputs, strict=False)
        ]

    def pullback(self, x: list[np.ndarray], tape: RolledTape, ct: list[np.ndarray]) -> list:
        """See `CustomLoop`."""
        machine = tape.take(self)
        if machine is None:
            machine = self._machine(self._inside(x), tape)
            self._sweep_forward(machine, tape.steps, None)
        schedule = self._schedule(tape.steps)
        rest = None if schedule is None else schedule.encoded()[_first_reverse(schedule.encoded()) :]
        found = machine.back(rest, self._items_first(ct))
        if schedule is None:  # all states are still there
            tape.put_back(self, machine)
        return [
            value if value is None or not depth else namespace([value]).moveaxis(value, 0, depth)
            for value, depth in zip(found, self.depths, strict=True)
        ]

    def pushforward(self) -> RolledLoop:
        """See `CustomLoop`."""
        return self._extended("pushed", self.body.pushed(), 1)

    def jet(self, order: int) -> RolledLoop:
        """See `CustomLoop`."""
        return self._extended(("jet", order), self.body.expanded(order), order)

    def _extended(self, key: Any, body: Body, times: int) -> RolledLoop:
        reals = [depth for depth, kind in zip(self.depths, self.body.types, strict=True) if kind.is_float]
        return self._with(key, body=body, depths=(*self.depths, *reals * times))

    def member_flags(self, flags: list[bool]) -> list[bool]:
        """See `CustomLoop`: the carry has members from the first step."""
        return [flag or role == CARRY for flag, role in zip(flags, self.body.roles, strict=True)]

    def batched(self, flags: tuple[bool, ...], size: int) -> RolledLoop:
        """See `CustomLoop`."""
        places = zip(self.depths, flags, self.body.roles, strict=True)
        depths = [depth + (flag and role == ITEM) for depth, flag, role in places]
        key = ("batched", flags, size)
        return self._with(key, body=self.body.batched(flags, size), depths=depths, depth=self.depth + 1)

    def spread(self, tape: RolledTape, size: int) -> RolledTape:
        """See `CustomLoop`."""
        return RolledTape(tape.steps, tape.native)

    def masked(self, ins: tuple[bool, ...], outs: tuple[bool, ...]) -> RolledLoop | None:
        """See `CustomLoop`."""
        body = self.body.masked(ins, outs)
        if body is None:
            return None
        depths = [depth for depth, flag in zip(self.depths, ins, strict=True) if flag]
        roles = zip(self.body.out_roles, outs, strict=True)
        depths += [self.depth * (role == ITEM) for role, flag in roles if flag]
        return self._with(("masked", ins, outs), body=body, depths=(*self.depths, *depths))

    def raising(self, active: tuple[bool, ...]) -> RolledLoop:
        """See `CustomLoop`."""
        return self._with(("raising", active), body=self.body.raising(active))

    def compiled(self) -> RolledLoop:
        """See `CustomLoop`."""
        return self if self.native else self._with("native", native=True)

    def evaluated_by(self, evaluate: Callable) -> RolledLoop:
        """See `CustomLoop`."""
        return self._copy(native=False, evaluate=evaluate)

    def repeats(self, input_types: Sequence[Type]) -> Repeated:
        """See `CustomLoop`."""
        body = self.body
        return Repeated(
            body.graph, body.roles, body.out_roles, self.length, self.reverse, self.depths, self.depth
        )

    def on_device(self, machine: Any) -> RolledLoop:
        """See `CustomLoop`: Python takes the steps, which are programs of the device."""
        return self._with(("on", machine), native=False, evaluate=machine.evaluate)

    def watched(self, evaluate: Callable) -> RolledLoop:
        """See `CustomLoop`: steps are counted from 0, as the bodies of `fori_loop` do."""
        return self.evaluated_by(lambda graph, inputs: evaluate(graph, inputs, f"step {int(inputs[0])}"))

    # members of items stand behind the steps inside -------------------------------------------------

    def _inside(self, x: Sequence[np.ndarray]) -> list[np.ndarray]:
        xp = namespace(x)
        return [
            xp.ascontiguousarray(xp.moveaxis(a, depth, 0)) if depth else a
            for a, depth in zip(x, self.depths, strict=True)
        ]

    def _items_first(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [_moved(a, role, self.depth, 0) for a, role in zip(outputs, self.body.out_roles, strict=True)]

    def _outside(self, outputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [_moved(a, role, 0, self.depth) for a, role in zip(outputs, self.body.out_roles, strict=True)]

    # sweeps ----------------------------------------------------------------------------------------

    def _machine(self, x: list[np.ndarray], tape: RolledTape):
        if self.evaluate is not None:
            return Interpreted(self.body, x, tape.steps, self.reverse, self.evaluate)
        kind = Compiled if tape.native else Interpreted
        return kind(self.body, x, tape.steps, self.reverse)

    def _schedule(self, steps: int) -> Schedule | None:
        """Return the checkpoint schedule, None where all states are kept."""
        schedule = for_slots(steps, self.checkpoint)
        return None if isinstance(schedule, StoreAll) or not steps else schedule

    def _sweep_forward(self, machine, steps: int, rows: list[np.ndarray] | None) -> int:
        """Go to where the backward sweep begins; return the number of states kept.

        The working state is then the one before the last step, except where all states are kept:
        then it is the one behind.
        """
        schedule = self._schedule(steps)
        if schedule is None:
            machine.keep(0, steps, rows)
            return max(steps, 1)
        machine.make_slots(schedule.slots)
        actions = schedule.encoded()
        machine.advance(actions[: _first_reverse(actions)], rows)
        return schedule.slots

    def _forward(self, x: list[np.ndarray], tape: RolledTape, keep: bool) -> list[np.ndarray]:
        """Take the frozen number of steps; return the outputs."""
        steps, machine = tape.steps, self._machine(x, tape)
        kinds = [self.body.graph.output_types[k] for k in self.body.out_places(ITEM)]
        rows = self._rows(x, steps, kinds)
        if not keep:
            machine.advance(np.array([[Forward.code, 0, steps]]), rows)
            return self._arranged(machine.carry(), rows)
        stored = self._sweep_forward(machine, steps, rows)
        if self._schedule(steps) is None:
            final = machine.carry()
        else:
            before = machine.mark()
            machine.advance(np.array([[Forward.code, steps - 1, steps]]), rows)
            final = machine.carry()
            machine.return_to(before)
        tape.keep(self, machine, stored)
        return self._arranged(final, rows)

    @staticmethod
    def _rows(x: list[np.ndarray], steps: int, kinds: list[Type]) -> list[np.ndarray]:
        """Return memory for stacked items, where the inputs lie; complex where some of these are."""
        whole, xp = any(value.dtype.kind == "c" for value in x), namespace(x)
        make = empty if xp is np else xp.empty
        dtypes = [np.result_type(k.dtype, complex) if whole and k.is_float else k.dtype for k in kinds]
        return [make((steps, *kind.shape), dtype) for kind, dtype in zip(kinds, dtypes, strict=True)]

    def _arranged(self, carries: list[np.ndarray], rows: list[np.ndarray]) -> list[np.ndarray]:
        found = {CARRY: iter(carries), ITEM: iter(rows)}
        return [next(found[role]) for role in self.body.out_roles]

    # loops of unknown length -----------------------------------------------------------------------

    def _run_while(self, x: list[np.ndarray], keep: bool) -> tuple[list[np.ndarray], RolledTape]:
        if not self.native and self.evaluate is None:
            most = int(SMALL / self.body.weight()) + 1
            found = self._count(x, keep, native=False, most=most)
            if found is not None:
                return found
        return self._count(x, keep, native=True, most=None)

    def _count(self, x: list[np.ndarray], keep: bool, native: bool, most: int | None):
        """Run until the predicate says so; None if that takes more than `most` steps."""
        tape = RolledTape(0, native)
        machine = self._machine(x, tape)
        keeps = keep and self.checkpoint is None
        done, chunk, stopped = 0, FIRST_CHUNK, False
        while not stopped:
            end = done + chunk if self.max_steps is None else min(done + chunk, self.max_steps)
            if most is not None and done > most:
                return None
            if end == done:
                self._check_end(machine, done)
                break
            if keeps:
                stopped = machine.keep(done, end, None, ask=True)
            else:
                stopped = machine.advance(np.array([[Forward.code, done, end]]), None, ask=True)
            done, chunk = machine.steps if stopped else end, 2 * chunk
        tape.steps = done
        if keeps:
            tape.keep(self, machine, max(done, 1))
        return machine.carry(), tape

    def _check_end(self, machine, done: int) -> None:
        """The last step allowed has been taken: the predicate must be false now."""
        if not machine.asks(done):
            return
        raise EvaluationError(
            f"while_loop{at(self.location)} did not end within max_steps={self.max_steps}: raise max_steps, "
            "or let the condition also end the loop after a number of steps counted in the carry"
        )


def _moved(array: np.ndarray, role: str, source: int, target: int) -> np.ndarray:
    if role != ITEM or source == target:
        return array
    xp = namespace([array])
    return xp.ascontiguousarray(xp.moveaxis(array, source, target))


def _first_reverse(actions: np.ndarray) -> int:
    return int(np.argmax(actions[:, 0] == Reverse.code))
