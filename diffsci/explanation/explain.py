"""`explain`: where a value that is not finite begins, in the function and in its derivatives."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci import watching
from diffsci.calling import Call, chosen_arguments
from diffsci.errors import NonFiniteError
from diffsci.explanation.debug import EquationsExaminer
from diffsci.explanation.faults import Fault
from diffsci.explanation.losses import Bars, Loss, Step, rounding_of
from diffsci.explanation.report import report
from diffsci.explanation.sweeps import FORWARD, Sweep, faults_of, sweeps_of
from diffsci.jit import Jitted
from diffsci.source import described
from diffsci.tracing import is_tracing
from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """What `explain` found. Printed, it is a report.

    Attributes
    ----------
    function : str
        Name of the function and where it is defined.
    faults : tuple of Fault
        Operations at which a value stopped being finite, in the order in which they ran: first of the
        function itself, then of its tangent, then of its gradient.
    phases : tuple of str
        The sweeps that were run: ``"forward"``, ``"tangent"``, ``"cotangent"``.
    losses : tuple of Loss
        Operations that lost digits which the results are short of: for each sweep the most harmful first.
    bars : tuple of Bars
        For each sweep whose results are finite: the results, bounds of their rounding errors, and the
        condition number of the whole map.
    steps : tuple of Step
        Condition numbers of the operations of the function itself, in the order in which they ran.
    remarks : tuple of str
        What could not be looked at, and why.
    """

    function: str
    faults: tuple[Fault, ...]
    phases: tuple[str, ...]
    losses: tuple[Loss, ...] = ()
    bars: tuple[Bars, ...] = ()
    steps: tuple[Step, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything is finite, and nothing has lost digits."""
        return not self.faults and not self.losses

    @property
    def first(self) -> Fault | None:
        """The first fault."""
        return self.faults[0] if self.faults else None

    def in_phase(self, phase: str) -> tuple[Fault, ...]:
        """Return the faults that spoil a sweep, the first one first."""
        return tuple(fault for fault in self.faults if phase in (fault.phase, *fault.also))

    def __str__(self) -> str:
        return report(self)


def explain(
    f: Callable,
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    infs: bool = True,
    digits: bool = True,
) -> Explanation:
    """Find the operations at which a function or its derivatives go wrong at a point.

    The function, its tangent and its gradient are run operation by operation. What is not finite in their
    results is followed back to the operation whose operands were finite: through calls, branches and the
    steps of loops and solves, but only through what the results depend on, so nothing is said of what
    `numpy.where` has masked away.

    Where results are finite, their rounding errors are bounded to first order (by a reverse sweep from every
    result to every operation), and operations are named that amplify the errors of their operands so much
    that a result is short of more than three digits, with the stable form to write instead.

    Parameters
    ----------
    f : callable
        A function, or a compiled one (``ds.jit(f)``), or a derivative (``ds.grad(f)``).
    *args
        Its arguments: the point.
    argnums : int or sequence of int, optional
        Arguments to differentiate with respect to; by default all that hold floats.
    infs : bool
        Whether infinite results are faults, too; otherwise only NaN is. An infinity that is written in the
        program (``np.inf`` as a bound) is no fault.
    digits : bool
        Whether rounding errors are looked at, too; that takes much longer than the function itself.

    Returns
    -------
    Explanation
        ``.ok``, ``.faults``; ``print`` shows a report.

    Raises
    ------
    TypeError
        If `f` is not callable, or a chosen argument holds something else than floats.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> def length(x):
    ...     return np.sqrt(np.sum(x * x))
    >>> found = ds.explain(length, np.zeros(2))
    >>> found.ok, found.first.phase, found.first.expression
    (False, 'tangent', 'np.sqrt(np.sum(x * x))')
    >>> found = ds.explain(lambda x: np.exp(x) - 1, 1e-10)
    >>> round(found.losses[0].digits), found.losses[0].form.instead
    (10, 'np.expm1(x)')
    """
    if not callable(f):
        raise TypeError(f"explain: expected a callable, got {type(f).__name__}")
    if is_tracing():
        raise TypeError("explain looks at plain numbers: call it outside of functions that are traced")
    function = _plain(f)
    name = described(inspect.unwrap(function))
    try:
        with watching.examined_by(EquationsExaminer(infs)):
            call = Call(function, args)
    except NonFiniteError as error:  # a solve that cannot begin
        return Explanation(name, (error.fault,), (FORWARD,))
    sweeps, remarks = sweeps_of(call, _active(call, args, argnums))
    if function is not f:
        remarks += _compiled_otherwise(f, args, sweeps[0])
    rounding = rounding_of(sweeps if digits else [])
    return Explanation(
        function=name,
        faults=tuple(faults_of(sweeps, infs)),
        phases=tuple(sweep.phase for sweep in sweeps),
        losses=tuple(rounding.losses),
        bars=tuple(rounding.bars),
        steps=tuple(rounding.steps),
        remarks=(*remarks, *rounding.remarks),
    )


def _plain(f: Callable) -> Callable:
    """Return the function that a compiled one was made of."""
    while isinstance(f, Jitted):
        f = f.function
    return f


def _active(call: Call, args: tuple, argnums: int | Sequence[int] | None) -> list[bool]:
    """Return which inputs are differentiated."""
    if argnums is not None:
        return call.active(chosen_arguments(argnums, len(args), "explain"), "explain")[0]
    count = sum(map(is_dynamic, flatten(args)[0]))
    return [k < count for k in range(len(call.inputs))]


def _compiled_otherwise(f: Jitted, args: tuple, forward: Sweep) -> list[str]:
    """Tell where the compiled program and the interpreter differ in what is finite."""
    found = [np.isfinite(y).all() for y in map(np.asarray, flatten(f(*args))[0]) if y.dtype.kind in "fc"]
    own = [np.isfinite(y).all() for y in forward.outputs if y.dtype.kind == "f"]
    if all(found) == all(own):
        return []
    states = {True: "finite", False: "not finite"}
    return [
        f"the compiled program's results are {states[all(found)]}, those of NumPy's operations "
        f"{states[all(own)]}: rounding in another order decides here"
    ]
