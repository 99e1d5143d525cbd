"""The compiled programs of one problem: made when first needed, shared by all solves of the problem."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.low_level import trace_function
from solvers.ode.machines import CPU
from solvers.ode.methods import Method
from solvers.ode.nested import adjoint_system, real_flags, tangent_system
from solvers.ode.systems import Systems

# What a program computes; each exists at every level of differentiation (see `nested`), RHS at level 0 only.
RHS, STEP, DENSE, VJP, DENSE_VJP = "rhs", "step", "dense", "vjp", "dense_vjp"

# Engines of small problems are kept for the next solve: so many of a kind, of states up to that size.
_MOST_KEPT = 4
_LARGEST_KEPT = 4096


@dataclass(frozen=True)
class Layout:
    """Where the slots of a program begin: inputs t, h, states, cotangents, parameters; then the outputs."""

    states: int
    cotangents: int
    parameters: int
    first_output: int


class Programs:
    """All programs of a right-hand side and a method.

    Parameters
    ----------
    method : Method
        The time-stepping method.
    rhs : callable
        ``rhs(t, y, *parameters)``, traceable; it may take another path at every point.
    shape, dtype : tuple, numpy.dtype
        Of the state.
    flags : list of bool
        For every parameter whether it is real.
    machine : Cpu or Cuda
        Where they run.
    """

    def __init__(
        self,
        method: Method,
        rhs: Callable,
        shape: tuple[int, ...],
        dtype: np.dtype,
        flags: Sequence[bool],
        machine: Any = CPU,
    ):
        self.method = method
        self.rhs = rhs
        self.shape = shape
        self.dtype = dtype
        self.flags = list(flags)
        self.machine = machine
        self._elsewhere: weakref.WeakKeyDictionary[Any, Programs] = weakref.WeakKeyDictionary()
        self._variants: dict[tuple[str, int], list] = {}
        self._layouts: dict[tuple[str, int], Layout] = {}
        self._idle: dict[Any, list] = {}
        self._couplings: dict[Any, Any] = {}
        self._lock = threading.RLock()

        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.systems = Systems(on_device=machine.xp is not np) if method.implicit else None

    @property
    def _implicit(self) -> tuple[Systems, ...]:
        """What implicit steps take besides."""
        return () if self.systems is None else (self.systems,)

    def on(self, device: Any, make: Callable) -> Programs:
        """The programs of the same problem on the machine that ``make(device)`` returns, made once."""
        with self._lock:
            found = self._elsewhere.get(device)
            if found is None:
                found = Programs(self.method, self.rhs, self.shape, self.dtype, self.flags, make(device))
                self._elsewhere[device] = found
            return found

    def borrow(self, make: Callable, *key: Any) -> Any:
        """An idle object made by ``make(self, *key)``, or a new one: bound memory is worth keeping."""
        idle = self._idle.setdefault((make, *key), [])
        try:
            return idle.pop()
        except IndexError:
            return make(self, *key)

    def give_back(self, thing: Any, make: Callable, *key: Any) -> None:
        """Make a borrowed object available again, unless it holds much memory."""
        idle = self._idle[(make, *key)]
        if self.size <= _LARGEST_KEPT and len(idle) < _MOST_KEPT:
            idle.append(thing)

    def keepable(self, array: np.ndarray) -> np.ndarray:
        """A result that lies in an engine's memory, copied if the engine goes on living."""
        return array.copy() if self.size <= _LARGEST_KEPT else array

    def coupling(self, level: int, types: Sequence[Any], step: Callable) -> Any:
        """The graph of ``step(t, inputs)`` of these types, which shows what depends on what; made once."""
        with self._lock:
            key = (level, tuple(types))
            if key not in self._couplings:
                points = [np.ones(kind.shape, kind.dtype) for kind in types]
                self._couplings[key] = trace_function(step, (1.0, *points)).graph
            return self._couplings[key]

    def layout(self, kind: str, level: int) -> Layout:
        """Where the slots of a program are."""
        found = self._layouts.get((kind, level))
        if found is None:
            found = self._layouts[kind, level] = self._new_layout(kind, level)
        return found

    def _new_layout(self, kind: str, level: int) -> Layout:
        count = 2**level
        lead = 1 if kind == RHS else 2
        cotangents = {VJP: count, DENSE_VJP: 2 * count}.get(kind, 0)
        parameters = len(real_flags(self.flags, level))
        return Layout(lead, lead + count, lead + count + cotangents, lead + count + cotangents + parameters)

    def variants(self, kind: str, level: int) -> list:
        """Every path of a program compiled so far."""
        return self._variants.get((kind, level), [])

    def need(self, kind: str, level: int, t: float, h: float, states: list, parameters: list) -> list:
        """Return the variants of a program, compiled for the path at this point if there is none yet."""
        with self._lock:
            found = self._variants.get((kind, level))
            return found if found else self.add(kind, level, t, h, states, parameters)

    def add(self, kind: str, level: int, t: float, h: float, states: list, parameters: list) -> list:
        """Compile a program for the path that the model takes at a point; return all variants."""
        function, cotangents = self._function(kind, level)
        # Python floats, because they do not promote states in single precision.
        lead = (float(t),) if kind == RHS else (float(t), float(h))
        program = self.machine.compile(function, *lead, *states, *cotangents, *parameters)
        with self._lock:
            variants = self._variants.setdefault((kind, level), [])
            variants.append(program)
            return variants

    def _function(self, kind: str, level: int) -> tuple[Callable, list[np.ndarray]]:
        """The function of flat arguments, and example cotangents."""
        count = 2**level
        if kind == RHS:
            return self.rhs, []
        if kind == STEP and level == 0:
            return self._step_with_error, []
        step, dense = (tangent_system(base, self.flags, level) for base in (self._state, self._curve))
        if kind in (STEP, DENSE):
            chosen = step if kind == STEP else dense
            return (lambda t, h, *rest: tuple(chosen(t, h, list(rest[:count]), list(rest[count:])))), []
        maps = [step] if kind == VJP else [step, dense]
        adjoint = adjoint_system(maps, self.flags, level)
        number = count * len(maps)
        examples = [np.ones(self.shape, self.dtype)] * count
        if kind == DENSE_VJP:
            examples += [np.ones((self.method.n_dense, *self.shape), self.dtype)] * count

        def flat(t, h, *rest):
            states, cotangents = list(rest[:count]), list(rest[count : count + number])
            return tuple(adjoint(t, h, states, cotangents, list(rest[count + number :])))

        return flat, examples

    def _step_with_error(self, t, h, y, *ps):
        y_new, errors = self.method.step(self.method.tableau, self._bound(ps), t, h, y, *self._implicit)
        results = (y_new,) if errors is None else (y_new, errors)
        return tuple(value.astype(self.dtype) for value in results)

    def _state(self, t, h, y, ps):
        return self._step_with_error(t, h, y, *ps)[0]

    def _curve(self, t, h, y, ps):
        return self.method.dense(self.method.tableau, self._bound(ps), t, h, y, *self._implicit).astype(
            self.dtype
        )

    def _bound(self, ps):
        return lambda t, y: self.rhs(t, y, *ps)
