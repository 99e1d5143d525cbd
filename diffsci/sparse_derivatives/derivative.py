"""Functions that return a sparse matrix of derivatives: compiled, with a plan, into memory that is there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci import watching
from diffsci.calling import Call, chosen_arguments, refuse_nothing
from diffsci.derived import Derived, derived
from diffsci.graph import Graph
from diffsci.jit import Jitted
from diffsci.source import at, user_location
from diffsci.sparse.options import Options
from diffsci.sparse.steering import key_of, steering_inputs
from diffsci.sparse_derivatives.filling import entries_for, entries_like, misfit
from diffsci.specialisation import Specialisation
from diffsci.tracing import is_tracing
from diffsci.tracing.sparse import with_pattern
from diffsci.tracing.trace import apply_graph, running
from diffsci.wrapping import Wrapped

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from diffsci.sparse.plan import SparsePlan

__all__ = ["SparseDerivative"]

FOLDED = 4096  # elements of constants: the seeds of all colors are many numbers, and quickly computed


class SparseDerivative(Wrapped):
    """A function that computes a sparse Jacobian or Hessian.

    Called like the function it was made of. The first call with given shapes, dtypes and static arguments
    finds the pattern, chooses a way and compiles; later ones run native code. Called while another function
    is traced, it becomes a part of that one and returns a traced matrix.
    """

    def __init__(self, f: Callable, argnums: int | Sequence[int], options: Options, backend: str):
        if not callable(f):
            raise TypeError(f"{options.kind.name}: expected a callable, got {type(f).__name__}")
        super().__init__(f)
        self.argnums = argnums
        self.options = options
        self._compiled = Jitted(_recording(self), backend)
        self._fill: Callable | None = None

    def __repr__(self) -> str:
        return f"{self.options.kind.name}({self.function!r})"

    def made_of(self) -> tuple:
        """Return the arguments of the class."""
        return self.function, self.argnums, self.options, self._compiled.backend

    def __call__(self, *args: Any, out: Any = None, **kwargs: Any) -> csr_array:
        """Return the matrix.

        Parameters
        ----------
        *args, **kwargs
            Arguments of the function.
        out : csr_array or ndarray, optional
            A matrix that was returned before, or the array of its entries: it is filled with the new values
            and returned, and nothing is allocated.
        """
        if running and is_tracing():
            if out is not None:
                raise ValueError(
                    f"{self!r}{at(user_location())}: out= is for calls outside of other functions"
                )
            return self.recorded(args, kwargs)
        if out is None:
            return self._compiled(*args, **kwargs)
        fill = self._fill  # another thread may replace it
        if fill is None or kwargs or watching.contexts or not fill(args, out):
            self._fill_slowly(out, args, kwargs)
        return out

    def plan(self, *args: Any, **kwargs: Any) -> SparsePlan:
        """Return how the matrix is computed at these arguments: pattern, coloring, the way chosen and why."""
        return self._derived(*self._called(args, kwargs))[1]

    def pattern(self, *args: Any, **kwargs: Any) -> csr_array:
        """Return where entries can be nonzero, as a matrix of booleans; no way to compute them is chosen."""
        from diffsci.sparse_derivatives.making import pattern_of

        call, _, flags = self._called(args, kwargs)
        return pattern_of(call.traced.graph, flags, _fixed(call), self.options).csr()

    def local_pattern(self, *args: Any, **kwargs: Any) -> csr_array:
        """Return where entries can be nonzero at these arguments, as a matrix of booleans.

        Choices, masks and maxima are taken as they are there, and products with a factor of zero depend on
        that factor alone. At other arguments there may be other entries.

        Raises
        ------
        ValueError
            Inside of a function that is traced: values are not known there.
        """
        from diffsci.sparse_derivatives.making import local_pattern_of

        call, _, flags = self._called(args, kwargs)
        if call.inside:
            raise ValueError(f"{self!r}{at(user_location())}: a local pattern needs values; use .pattern")
        return local_pattern_of(call, flags, self.options).csr()

    def recorded(self, args: tuple, kwargs: dict) -> Any:
        """Trace the function and return the matrix, traced if an argument is."""
        call, chosen, flags = self._called(args, kwargs)
        program, plan = self._derived(call, chosen, flags)
        if call.inside:
            (entries,) = apply_graph(program.graph, call.inputs, FOLDED)
            return with_pattern(entries, plan.places)
        (entries,) = call.evaluate(program)
        return plan.places.csr(entries)

    def _called(self, args: tuple, kwargs: dict) -> tuple[Call, tuple[int, ...], list[bool]]:
        name = self.options.kind.name
        chosen = chosen_arguments(self.argnums, len(args), name)
        call = Call(self.function, args, kwargs)
        refuse_nothing(name, self.function, call.traced.out_tree)
        flags, _, whole = call.active(chosen, name)
        if any(whole) or any(call.traced.whole):
            which = "an argument" if any(whole) else "a result"
            raise TypeError(
                f"{name}: {which} is complex{at(user_location())}: entries of a sparse matrix are real; use "
                f"diffsci.{self.options.kind.dense}, or real and imaginary parts as arrays of their own"
            )
        return call, chosen, flags

    def _derived(self, call: Call, chosen: tuple[int, ...], flags: list[bool]) -> tuple[Derived, SparsePlan]:
        """Return the program of the entries and its plan, made once for equal programs of the function."""
        fixed = _fixed(call)

        def make() -> tuple[Graph, SparsePlan]:
            # It knows the compiler's costs, and takes time to import.
            from diffsci.sparse_derivatives.making import made

            return made(call, chosen, flags, fixed, self.options)

        return derived(call.traced.identity, (*self.options.key(), tuple(flags), key_of(fixed)), make)

    # ---- into memory that is there ------------------------------------------------------------------

    def _fill_slowly(self, out: Any, args: tuple, kwargs: dict) -> None:
        """Fill a matrix the general way, and find the quick way for the calls that follow."""
        path, found = self._compiled.into(functools.partial(_targets, out), args, kwargs)
        if path is not None:
            self._fill = None if kwargs else _quickly(path, args)
            return
        entries = entries_like(found, out)
        if entries is None:
            raise ValueError(
                f"{self!r}{at(user_location())}: out= {misfit(found, out)}: give a matrix that this function "
                "returned for such arguments, or its .data"
            )
        entries[...] = found.data


def _fixed(call: Call) -> dict[int, np.ndarray]:
    """Return the values of the inputs that programs are made for."""
    graph = call.traced.graph
    return {k: np.asarray(call.traced.values[graph.inputs[k]]) for k in steering_inputs(graph)}


def _recording(derivative: SparseDerivative) -> Callable:
    """Return the function that is compiled."""

    @functools.wraps(derivative.function, updated=())
    def matrix(*args: Any, **kwargs: Any) -> Any:
        return derivative.recorded(args, kwargs)

    return matrix


# ---- memory that is there ----------------------------------------------------------------------------


def _targets(out: Any, path: Specialisation) -> list[np.ndarray] | None:
    """Return the arrays for the results of a compiled path."""
    entries = entries_for(path.traced.out_tree.kind.pattern, path.graph.outputs[0].dtype, out)
    return None if entries is None else [entries]


def _quickly(path: Specialisation, args: tuple) -> Callable | None:
    """Return ``fill(args, out)``, which tells whether it could; None where there is no quick way."""
    fill = path.filler(args)
    if fill is None:
        return None
    from scipy.sparse import csr_array

    pattern = path.traced.out_tree.kind.pattern
    indices, indptr, shape = pattern.indices, pattern.indptr, pattern.csr().shape  # all matrices share them

    def quick(args: tuple, out: Any) -> bool:
        if type(out) is csr_array:
            if out.indices is not indices or out.indptr is not indptr or out.shape is not shape:
                return False
            out = out.data
        return fill(args, (out,)) == 0

    return quick
