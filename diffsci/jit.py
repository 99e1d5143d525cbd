"""`jit`: compiled functions, one path for each way that Python takes through them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci import watching
from diffsci.backends import executables
from diffsci.backends.collecting import rarely_collecting
from diffsci.choices import check_choice
from diffsci.degenerate import resolved
from diffsci.device_arrays import hosted, like
from diffsci.errors import EvaluationError
from diffsci.graph import Graph, Type, interpreter
from diffsci.primitives.linalg.gaps import Unresolved
from diffsci.signatures import quick_signature, signature_of
from diffsci.source import at, warn_user
from diffsci.specialisation import Specialisation, light, overlap, results_of, statics_hold
from diffsci.subprograms import bind_call
from diffsci.tracing import DRAWN, Traced, TracedArray, is_tracing, trace_function
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.copies import private_copy
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.identity import fingerprint
from diffsci.tracing.standard import standard
from diffsci.tracing.trace import apply_graph, current_trace, running
from diffsci.transforms import simplify
from diffsci.trees import flatten
from diffsci.wrapping import Wrapped

if TYPE_CHECKING:
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["Jitted", "jit"]

MAX_PATHS = 32  # specialisations kept per signature
MAX_SIGNATURES = 256  # signatures (shapes, dtypes, static values) whose specialisations are kept
MAX_CLOSURES = 16  # traces kept of a function called while tracing


def jit(f: Callable | None = None, *, backend: str = "numba") -> Any:
    """Compile a function, or any derivative of one.

    The first call with given shapes, dtypes and static arguments traces and compiles; later ones run
    native code. Arrays and floats are data; integers, booleans, strings and callables are static.
    A branch on a value becomes a guard: where another branch is taken, that path is traced and
    compiled too, and both are kept.

    Floats and arrays read from globals, closures and the dicts, lists and tuples there are read again
    at every call. Attributes of objects and classes, and containers of more than 64 items, are constants
    of the program: binding one anew, or writing into an array of up to 4096 elements, makes another
    program; writing into a larger array is not noticed, nor is state that the function itself writes
    (a counter).

    Parameters
    ----------
    f : callable
    backend : {"numba", "numpy", "cupy"}
        Native code, the NumPy interpreter (slow, for comparison), or a GPU: arrays on it (of CuPy, or with
        `__dlpack__`) stay there, and so do the results then.

    Returns
    -------
    Jitted
        Called like `f`. Called while another function is traced, it becomes one call of a shared
        sub-program.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> norm2 = ds.jit(lambda x: np.sum(x * x))
    >>> float(norm2(np.array([3.0, 4.0])))
    25.0
    """
    if f is None:
        return functools.partial(jit, backend=backend)
    return Jitted(f, backend)


class Jitted(Wrapped):
    """A compiled function. See `jit`."""

    def __init__(self, f: Callable, backend: str = "numba"):
        if not callable(f):
            raise TypeError(f"jit: expected a callable, got {type(f).__name__}")
        check_choice("jit: backend", backend, ("numba", "numpy", "cupy"))
        super().__init__(f)
        self.backend = backend
        self._paths: dict[Any, list[Specialisation]] = {}
        self._inner: dict[Any, list[Traced]] = {}
        self._direct: Callable | None = None  # the way of the path taken last
        self._warned = False

    def __repr__(self) -> str:
        return f"jit({self.function!r})"

    def made_of(self) -> tuple:
        """Return the arguments of the class."""
        return self.function, self.backend

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function."""
        if running and is_tracing():
            return self._call_inside(args, kwargs)
        direct = self._direct
        if direct is not None and not kwargs and not watching.contexts:
            result = direct(args)
            if result is not None:
                return result
        return self._call(args, kwargs)

    def _call(self, args: tuple, kwargs: dict) -> Any:
        inputs, key = quick_signature(args, kwargs)
        if inputs is None:
            inputs, key = signature_of(args, kwargs, self.backend)
        for path in self._paths.get(key, ()):
            result = self._try(path, inputs)
            if result is not None:
                self._direct = path.direct
                break
        else:
            result = (self._first(args, kwargs, inputs, key),)
        if watching.contexts:
            watching.examine("function", self.function, *hosted((args, kwargs, result[0])))
        return result[0]

    def _try(self, path: Specialisation, inputs: list) -> tuple | None:
        """Return a path's results in a tuple, or None where it does not apply."""
        inputs = path.inputs_now(inputs)
        if inputs is None:
            return None
        try:
            status, outputs = path.run(inputs)
        except Unresolved as problem:
            plain = hosted(inputs)
            if interpreter.first_broken_guard(path.graph, plain) is not None:
                return None
            found = resolved(path.graph, plain, problem, lambda: hosted(path.run(inputs)[1]))
            status, outputs = 0, like(inputs, found)
        if status == 0:
            return (path.results(outputs),)
        if status > 0:
            return None
        raise EvaluationError(path.executable.message(status))

    def into(
        self, targets: Callable[[Specialisation], Sequence[np.ndarray] | None], args: tuple, kwargs: dict
    ) -> tuple[Specialisation | None, Any]:
        """Run the function with memory that is there for its results.

        Parameters
        ----------
        targets : callable
            Returns the arrays for the results of a path, None where those that are there do not fit. Memory
            that the function reads is left alone.
        args : tuple
        kwargs : dict

        Returns
        -------
        path : Specialisation or None
            That has filled them.
        result : object
            If none has, in memory of its own.
        """
        inputs, key = quick_signature(args, kwargs)
        if inputs is None:
            inputs, key = signature_of(args, kwargs, self.backend)
        for path in self._paths.get(key, ()):
            fill = getattr(path.executable, "fill", None)
            arrays = None if fill is None or watching.contexts else targets(path)
            own = path.inputs_now(inputs) if arrays is not None else None
            apart = own is not None and not any(overlap(own, y) for y in arrays)
            try:
                if apart and fill(own, arrays) == 0:
                    return path, None
            except Unresolved:  # the general way finds the limit
                break
        return None, self(*args, **kwargs)

    def _first(self, args: tuple, kwargs: dict, inputs: list, key: Any) -> Any:
        """Trace, compile and run a path that was not seen before."""
        with rarely_collecting():
            return self._traced(args, kwargs, inputs, key)

    def _traced(self, args: tuple, kwargs: dict, inputs: list, key: Any) -> Any:
        traced = trace_function(self.function, *hosted((args, kwargs)))
        paths = self._paths.setdefault(key, [])
        while len(self._paths) > MAX_SIGNATURES:
            self._paths.pop(next(iter(self._paths)), None)
        if not statics_hold(traced):
            self._warn(_passing(traced))
            return _as_traced(traced, inputs)
        if len(paths) >= MAX_PATHS:
            self._warn(_too_many(traced))
            return _as_traced(traced, inputs)
        graph = simplify(traced.graph)
        path = Specialisation(executables.build(graph, self.backend), light(traced), graph)
        result = self._try(path, inputs)
        if result is None:  # it fails its own guard at its own point
            self._warn(_undecided(path, inputs))
            return _as_traced(traced, inputs)
        # A path without guards holds everywhere: it comes behind those that say where they hold.
        paths.insert(0 if graph.guards else len(paths), path)
        path.open(args, kwargs)
        self._direct = path.direct
        return result[0]

    def _warn(self, what: str) -> None:
        """Say once that calls run uncompiled, and why."""
        if not self._warned:
            self._warned = True
            warn_user(f"{self!r} {what}")

    def _call_inside(self, args: tuple, kwargs: dict) -> Any:
        """Called while tracing: one `call` of a sub-graph that is traced once."""
        if current_trace().paths is not None:  # every path of it is wanted, not the one taken here
            return private_copy(self.function)(*args, **kwargs)
        leaves, _ = flatten((args, kwargs))
        dynamic = [entering(leaf) for leaf in leaves if is_dynamic(leaf)]
        _, key = signature_of(args, kwargs)
        mark = fingerprint(self.function)
        known = self._inner.setdefault((key, mark), [])
        for traced in known:
            if not statics_hold(traced):
                continue
            inputs = [*dynamic, *traced.captured]
            if _applies(traced.graph, inputs):
                current_trace().statics += traced.statics
                return _apply(traced, inputs)
        traced = trace_function(self.function, args, kwargs)
        traced = replace(light(traced), graph=simplify(traced.graph))
        known.insert(0, traced)
        del known[MAX_PATHS:]
        while len(self._inner) > MAX_CLOSURES:
            self._inner.pop(next(iter(self._inner)))
        return _apply(traced, [*dynamic, *traced.captured])

    def lower(self, *args: Any, **kwargs: Any) -> Specialisation:
        """Return the compiled path that these arguments take, compiling it if it is new."""
        self(*args, **kwargs)
        inputs, key = signature_of(args, kwargs, self.backend)
        quick = quick_signature(args, kwargs)[1]
        for path in self._paths[key if quick is None else quick]:
            if self._try(path, inputs) is not None:
                return path
        raise EvaluationError(f"{self!r} took too many paths: this one is not compiled")

    def source(self, *args: Any, **kwargs: Any) -> str:
        """Return the generated program: for given arguments, or the one compiled last."""
        if args or kwargs:
            return self.lower(*args, **kwargs).executable.text
        paths = [path for found in self._paths.values() for path in found]
        if not paths:
            raise ValueError(f"{self!r} is not compiled yet: call it, or give source() arguments")
        return paths[-1].executable.text

    def plan(self, *args: Any, **kwargs: Any) -> ProgramReport:
        """Return what the compiled program does for given arguments, and what bounds its time.

        Parameters
        ----------
        *args, **kwargs
            Arguments of the function; it is compiled for them if it is not yet. With
            ``backend="cupy"`` nothing is compiled or run, and no device is needed.

        Returns
        -------
        ProgramReport
            `steps` (loops, products, calls, with the elements each reads and writes), `buffers` (with their
            place in the workspace and the steps they live for), `bytes`, `flops`, `peak_bytes`, `seconds` and
            `bound`; ``str()`` of it is a page to read. With ``backend="cupy"`` also the kernels of each step,
            `launches`, and the bound of a device that is named there.

        Raises
        ------
        UnsupportedError
            For ``backend="numpy"``, which has no plan.

        Examples
        --------
        >>> import numpy as np
        >>> import diffsci as ds
        >>> x, y = np.ones((2, 1000))
        >>> plan = ds.jit(lambda x, y: 2.5 * x + y).plan(x, y)
        >>> plan.bytes, plan.flops, plan.peak_bytes
        (24000, 2000, 0)
        >>> print(plan.steps[0].text)
        loop 1000: 4 statements
        """
        if self.backend == "cupy":
            return executables.planned(simplify(trace_function(self.function, *hosted((args, kwargs))).graph))
        return self.lower(*args, **kwargs).executable.report()

    def graph(self, *args: Any, **kwargs: Any) -> str:
        """Return the array program for given arguments as text."""
        return simplify(trace_function(self.function, args, kwargs).graph).text()


def _too_many(traced: Traced) -> str:
    """Explain why another path is not kept."""
    if not traced.graph.guards:
        return (
            f"read other integers, strings or flags from outside in more than {MAX_PATHS} calls and runs "
            "uncompiled on new ones: pass what changes as an argument, as a float or an array"
        )
    return (
        f"took more than {MAX_PATHS} different paths{at(traced.graph.guards[-1].location)} and runs "
        "uncompiled on new ones: use numpy.where or diffsci.cond for choices, diffsci.while_loop for loops "
        "that depend on values"
    )


def _passing(traced: Traced) -> str:
    """Explain why a program holds for no other call."""
    if any(value is DRAWN for _, value in traced.statics):
        return (
            "draws random numbers and runs uncompiled, for new ones at every call: draw them outside and "
            "pass them as an argument, or make the generator inside (numpy.random.default_rng(0)) for "
            "fixed ones"
        )
    return (
        "changes integers, strings or flags that it reads from outside and runs uncompiled: pass them as "
        "arguments and return what they become"
    )


def _undecided(path: Specialisation, inputs: list) -> str:
    """Explain why a path does not hold where it was traced: compiled numbers are rounded otherwise."""
    status, _ = path.run(path.with_captured(inputs) or inputs)
    reason = f": {path.executable.message(status)}" if status > 0 else ""
    return (
        "runs uncompiled where rounding decides a branch (compiled and plain NumPy differ in the last digit)"
        f"{reason}; compare with a tolerance"
    )


def _as_traced(traced: Traced, inputs: list) -> Any:
    """Return the results at the point of tracing, in arrays of their own, where the inputs lie."""
    return results_of(traced, like(inputs, [np.array(traced.values[y]) for y in traced.graph.outputs]))


def _applies(graph: Graph, inputs: list) -> bool:
    types = graph.input_types
    if len(types) != len(inputs) or any(
        Type.of(standard(concrete(v))) != t for v, t in zip(inputs, types, strict=True)
    ):
        return False
    return interpreter.first_broken_guard(graph, [concrete(v) for v in inputs]) is None


def _apply(traced: Traced, inputs: list) -> Any:
    """Emit the call of a sub-graph in the surrounding trace."""
    if not any(isinstance(x, TracedArray) for x in inputs):
        outputs = interpreter.run(traced.graph, inputs)
        return traced.results([np.array(y)[()] for y in outputs])
    if any(primitive.family == "host" for primitive in traced.graph.primitives):
        return traced.results(apply_graph(traced.graph, inputs))
    outputs = bind_call(traced.graph, inputs)
    for output in outputs:
        output.scalar = output.shape == ()
    return traced.results(outputs)
