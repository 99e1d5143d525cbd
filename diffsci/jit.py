"""Compilation of functions: `jit` for users, `compile` for loops that drive programs by address."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci import watching
from diffsci.backends import executables
from diffsci.backends.collecting import rarely_collecting
from diffsci.degenerate import resolved
from diffsci.device_arrays import hosted, like
from diffsci.errors import EvaluationError
from diffsci.graph import Graph, Type, interpreter
from diffsci.primitives.linalg.gaps import Unresolved
from diffsci.signatures import DOUBLE, quick_signature, signature_of
from diffsci.source import at, warn_user
from diffsci.subprograms import bind_call
from diffsci.tracing import DRAWN, Traced, TracedArray, is_tracing, trace_function
from diffsci.tracing.complex.boundary import entering
from diffsci.tracing.copies import private_copy
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.identity import fingerprint
from diffsci.tracing.standard import standard
from diffsci.tracing.trace import apply_graph, current_trace
from diffsci.transforms import simplify
from diffsci.trees import Tree, flatten

if TYPE_CHECKING:
    from diffsci.backends.plan.report import ProgramReport

__all__ = ["CompiledFunction", "Jitted", "compile", "jit"]

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


class Specialisation:
    """One compiled path of a function."""

    __slots__ = ("direct", "executable", "graph", "run", "self_contained", "single", "traced", "types")

    def __init__(self, executable: executables.Executable, traced: Traced, graph: Graph):
        self.executable = executable
        self.run = executable.run
        self.traced = traced
        self.graph = graph
        self.types = graph.input_types
        self.self_contained = not traced.statics and not traced.captures
        self.single = traced.out_tree.kind == "leaf" and not any(traced.whole)
        self.direct: Callable | None = None

    def open(self, args: tuple, kwargs: dict) -> None:
        """Make the direct way for arguments of these classes, where native code reads them as they are."""
        direct, kinds = getattr(self.executable, "direct", None), self._kinds(args)
        if direct is None or kwargs or not self.graph.outputs or kinds is None:
            return
        as_it_is = self.single and self.graph.outputs[0].shape != ()
        run = direct(kinds, None if as_it_is else self.results)
        if self.self_contained:
            self.direct = run
            return

        def surrounded(args: tuple) -> Any:
            inputs = self._all(args)
            return None if inputs is None else run(inputs)

        self.direct = surrounded

    def filler(self, args: tuple) -> Callable | None:
        """Return ``fill(args, y)`` for arguments of these classes: it writes the only result into y.

        It tells whether it could; y is not checked. None where calls have something else to do.
        """
        make, kinds = getattr(self.executable, "filler", None), self._kinds(args)
        if make is None or kinds is None or len(self.graph.outputs) != 1:
            return None
        fill = make(kinds)
        if self.self_contained:
            return fill

        def surrounded(args: tuple, y: np.ndarray) -> bool:
            inputs = self._all(args)
            return inputs is not None and fill(inputs, y)

        return surrounded

    def _kinds(self, args: tuple) -> list[type] | None:
        """Return the classes of all inputs, None where native code does not read one of them as it is."""
        kinds = [_plain_kind(x) for x in (*args, *self.traced.captured)]
        return None if None in kinds else kinds

    def _all(self, args: tuple) -> tuple | None:
        """Return the inputs with what the function reads from outside, None where the path does not hold."""
        traced = self.traced
        if not _statics_hold(traced):
            return None
        return (*args, *traced.captured) if traced.captures else args

    def holds(self) -> bool:
        """Tell whether the integers and flags read from outside are what they were."""
        return _statics_hold(self.traced)

    def inputs_now(self, inputs: list) -> list | None:
        """Return all inputs for given arguments, None where the path does not hold now."""
        if self.self_contained:
            return inputs
        return self.with_captured(inputs) if self.holds() else None

    def with_captured(self, inputs: list) -> list | None:
        """Return the inputs with what the function reads from outside, or None if the types changed."""
        captured = [standard(value) for value in self.traced.captured]
        types = self.types[len(inputs) :]
        if any(Type.of(value) != type_ for value, type_ in zip(captured, types, strict=True)):
            return None
        return [*inputs, *captured]

    def results(self, outputs: Sequence[np.ndarray]) -> Any:
        """Arrange the outputs as the function does."""
        if self.single:
            value = outputs[0]
            return value if value.ndim else value[()]
        return _results(self.traced, outputs)


def _plain_kind(x: Any) -> type | None:
    """Return the class of an argument that native code reads as it is: a double array or a float."""
    if type(x) is np.ndarray:
        return np.ndarray if x.dtype is DOUBLE else None
    return float if type(x) is float else None


def _statics_hold(traced: Traced) -> bool:
    for fetch, value in traced.statics:
        now = fetch()
        if now is not value and not _same(now, value):
            return False
    return True


def _same(now: Any, then: Any) -> bool:
    return now is then or (type(now) is type(then) and now == then)


class Jitted:
    """A compiled function. See `jit`."""

    def __init__(self, f: Callable, backend: str = "numba"):
        if not callable(f):
            raise TypeError(f"jit: expected a callable, got {type(f).__name__}")
        if backend not in ("numba", "numpy", "cupy"):
            raise ValueError(f"jit: backend={backend!r}, expected 'numba', 'numpy' or 'cupy'")
        functools.update_wrapper(self, f, updated=())
        self.function = f
        self.backend = backend
        self._paths: dict[Any, list[Specialisation]] = {}
        self._inner: dict[Any, list[Traced]] = {}
        self._direct: Callable | None = None  # the way of the path taken last
        self._warned = False

    def __repr__(self) -> str:
        return f"jit({self.function!r})"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function."""
        if is_tracing():
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
            Returns the arrays for the results of a path, None where those that are there do not fit.
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
            try:
                if own is not None and fill(own, arrays) == 0:
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
        if not _statics_hold(traced):
            self._warn(_passing(traced))
            return _as_traced(traced, inputs)
        if len(paths) >= MAX_PATHS:
            self._warn(_too_many(traced))
            return _as_traced(traced, inputs)
        graph = simplify(traced.graph)
        path = Specialisation(executables.build(graph, self.backend), _light(traced), graph)
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
            if not _statics_hold(traced):
                continue
            inputs = [*dynamic, *traced.captured]
            if _applies(traced.graph, inputs):
                current_trace().statics += traced.statics
                return _apply(traced, inputs)
        traced = trace_function(self.function, args, kwargs)
        traced = replace(_light(traced), graph=simplify(traced.graph))
        known.insert(0, traced)
        del known[MAX_PATHS:]
        while len(self._inner) > MAX_CLOSURES:
            self._inner.pop(next(iter(self._inner)))
        return _apply(traced, [*dynamic, *traced.captured])

    def lower(self, *args: Any, **kwargs: Any) -> Specialisation:
        """Return the compiled path that these arguments take, compiling it if it is new."""
        self(*args, **kwargs)
        inputs, key = signature_of(args, kwargs, self.backend)
        for path in self._paths[quick_signature(args, kwargs)[1] or key]:
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
        loop 1000: 5 statements
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


def _light(traced: Traced) -> Traced:
    """Drop the values at the point of tracing: a compiled path lives long."""
    return replace(traced, values={}, identity=None)


def _results(traced: Traced, outputs: Sequence[np.ndarray]) -> Any:
    return traced.results([value if value.ndim else value[()] for value in outputs])


def _as_traced(traced: Traced, inputs: list) -> Any:
    """Return the results at the point of tracing, in arrays of their own, where the inputs lie."""
    return _results(traced, like(inputs, [np.array(traced.values[y]) for y in traced.graph.outputs]))


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


@dataclass(frozen=True, slots=True)
class CompiledFunction:
    """A function compiled at given arguments, for loops that drive programs by address.

    Attributes
    ----------
    program : Program
        Native code with its address, slots and status messages.
    graph : Graph
        The array program: inputs are the dynamic leaves of the arguments, then the captured values.
    traced : Traced
    in_tree, out_tree : Tree
    """

    program: Any
    graph: Graph
    traced: Traced
    in_tree: Tree
    out_tree: Tree
    backend: str = "numba"

    @property
    def captured(self) -> list[Any]:
        """Current values of what the function read from outside; they follow the arguments."""
        return self.traced.captured

    def __call__(self, *args: Any) -> Any:
        """Run it on arguments of the same types."""
        inputs, _ = signature_of(args, {}, self.backend)
        inputs = [*inputs, *map(standard, self.captured)]
        try:
            status, outputs = self.program.run(inputs)
        except Unresolved as problem:
            status, outputs = 0, resolved(self.graph, inputs, problem, lambda: self.program.run(inputs)[1])
        if status:
            raise EvaluationError(self.program.message(status))
        if watching.contexts:
            watching.examine("program", self.graph, inputs, outputs, None, len(outputs), "forward")
        return _results(self.traced, outputs)


def compile(f: Callable, *example_args: Any, backend: str = "numba") -> CompiledFunction:
    """Trace a function at example arguments and compile it to one program.

    Parameters
    ----------
    f : callable
        May use `jvp`, `vjp` and `jacobian` inside, and call jitted functions, which become
        sub-programs compiled once.
    *example_args
        Arguments that fix shapes, dtypes and static values.
    backend : {"numba", "cupy"}
        Native code, or kernels of a GPU.

    Returns
    -------
    CompiledFunction

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> step = ds.compile(lambda y, h: y - h * y, np.ones(2), 0.1)
    >>> step(np.array([1.0, 2.0]), 0.5)
    array([0.5, 1. ])
    """
    with rarely_collecting():
        traced = trace_function(f, example_args)
        graph = simplify(traced.graph)
        program = executables.program(graph, backend)
    _, in_tree = flatten((example_args, {}))
    return CompiledFunction(program, graph, _light(traced), in_tree, traced.out_tree, backend)
