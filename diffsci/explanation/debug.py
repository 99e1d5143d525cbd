"""`debug_nans`: an error where the first value that is not finite begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diffsci import watching
from diffsci.calling import Call
from diffsci.errors import DegenerateError, NonFiniteError
from diffsci.explanation.blame import not_finite, values_of
from diffsci.explanation.report import fault_lines
from diffsci.explanation.sweeps import FORWARD, Sweep, faults_of, input_names
from diffsci.graph import Builder, Graph, Type
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.tracing.containers import is_sparse
from diffsci.trees import flatten

__all__ = ["EquationsExaminer", "debug_nans"]


@contextmanager
def debug_nans(infs: bool = True) -> Iterator[None]:
    """Raise an error at the first operation whose result is not finite, in whatever diffsci computes inside.

    Transformations, compiled functions, loops and solves are examined when they are through. If a result is
    not finite, the error names the operation at which that began: see `explain`. Values that reach no result
    (masked away by `numpy.where`, say) raise nothing. Holds for the thread that enters it. Contexts may be
    nested, and serve as decorators.

    Parameters
    ----------
    infs : bool
        Whether infinite results are errors, too; otherwise only NaN is. An infinity written in the program
        is none.

    Raises
    ------
    NonFiniteError
        With the operation in ``fault``.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> with ds.debug_nans():
    ...     ds.grad(lambda x: np.sqrt(x) * x)(0.0)
    Traceback (most recent call last):
        ...
    diffsci.errors.NonFiniteError: not finite, in the gradient: in the derivative of np.sqrt(x): ...
    """
    with watching.examined_by(Examiner(infs)):
        yield


class EquationsExaminer:
    """Raises where equations have no solution because their residual is not finite."""

    def __init__(self, infs: bool):
        self.infs = infs

    def equations(self, graph: Graph, inputs: Sequence[Any]) -> None:
        """The residual where an iteration ended."""
        values = values_of(graph, inputs)
        if self._spoilt([values[y] for y in graph.outputs]):
            self._fail([Sweep(FORWARD, graph, list(inputs), _numbered(inputs), [], set(graph.nodes), values)])

    def _spoilt(self, values: Sequence[Any]) -> bool:
        return any(not_finite(value, self.infs) is not None for value in values)

    def _fail(self, sweeps: list[Sweep], otherwise: str = "") -> None:
        found = faults_of(sweeps, self.infs)
        if found:
            raise NonFiniteError("\n".join(fault_lines(found[0])), found[0])
        if otherwise:
            raise NonFiniteError(otherwise)


class Examiner(EquationsExaminer):
    """Raises where any result is not finite."""

    def program(
        self, graph: Graph, inputs: Sequence[Any], outputs: Sequence[Any], call: Any, own: int, phase: str
    ) -> None:
        """A program, on its own or derived from a call."""
        if not self._spoilt(outputs):
            return
        names = [] if call is None else input_names(call)
        names += _numbered(inputs)[len(names) :]
        first = Graph(graph.inputs, graph.outputs[:own])
        rest = Graph(graph.inputs, graph.outputs[own:])
        try:
            values = values_of(graph, inputs)
        except DegenerateError as error:
            raise NonFiniteError(f"not finite, in a limit at equal eigenvalues: {error}") from None
        primal = set(first.nodes)
        self._fail([
            Sweep(kind, part, list(inputs), names, [], primal, values)
            for kind, part in ((FORWARD, first), (phase, rest))
        ])  # fmt: skip

    def function(self, function: Callable, args: tuple, kwargs: dict, results: Any) -> None:
        """A compiled function: its program is run again, in NumPy's operations."""
        if not self._spoilt([x.data if is_sparse(x) else x for x in flatten(results)[0]]):
            return
        call = Call(function, args, kwargs)
        graph = call.traced.graph
        values = values_of(graph, call.inputs)
        self._fail(
            [Sweep(FORWARD, graph, call.inputs, input_names(call), [], set(graph.nodes), values)],
            "the compiled program's results are not finite, those of NumPy's operations are: rounding in "
            "another order decides here",
        )

    def loop(self, loop: CustomLoop, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """A loop outside of any function."""
        if not self._spoilt(outputs):
            return
        b = Builder()
        nodes = [b.input(Type.of(x)) for x in inputs]
        run = b.host_run(*nodes, loop=loop)
        results = [b.project(run, index=k) for k in range(len(outputs))]
        self.program(Graph(nodes, results), inputs, outputs, None, len(outputs), FORWARD)


def _numbered(inputs: Sequence[Any]) -> list[str]:
    return [f"input {k}" for k in range(len(inputs))]
