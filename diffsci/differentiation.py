"""The public transformations of functions: gradients, Jacobians, tangents and cotangents.

Each traces the user's function at the given arguments, transforms the graph, and evaluates it: at
once on plain values, or into the surrounding trace when it is itself being traced. So they nest.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci import watching
from diffsci.calling import (
    Call,
    chosen_arguments,
    evaluate,
    per_argument,
    refuse_matrices,
    refuse_nothing,
)
from diffsci.derived import Derived
from diffsci.directions import direction_of, float_flags, with_zeros
from diffsci.graph import Graph
from diffsci.source import described
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import joined, leaving
from diffsci.tracing.function import is_dynamic, typed
from diffsci.transforms import jvp_graph, split_graph, strictly, tangent_graph, vjp_graph
from diffsci.trees import flatten, unflatten

__all__ = ["grad", "hvp", "jvp", "linearize", "value_and_grad", "vjp"]


def grad(f: Callable, argnums: int | Sequence[int] = 0, *, strict: bool = False) -> Callable:
    """Return a function that computes the gradient of a scalar function.

    Parameters
    ----------
    f : callable
        Returns one real number. Written against NumPy; arguments may be nested containers.
    argnums : int or sequence of int
        Positional arguments to differentiate with respect to.
    strict : bool
        Raise KinkError where the derivative meets a kink or a jump (``abs`` at 0, equal operands of
        ``maximum``, a choice by a comparison of equal values), instead of taking the value of docs/edges.md.
        What is masked away, and what no tangent reaches, is no kink. Integrations by `solvers` and implicit
        functions are not looked into.

    Returns
    -------
    callable
        ``grad(f)(*args)`` has the structure, shapes and dtypes of the chosen argument (a tuple of
        such for several `argnums`). With respect to a complex number it is d/dRe + i d/dIm.

    Raises
    ------
    TypeError
        If the result is not one real number, or a chosen argument holds something else than floats.
    KinkError
        With `strict`, at a point where there is no derivative.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> ds.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> float(ds.grad(np.abs)(0.0))
    0.0
    >>> ds.grad(np.abs, strict=True)(0.0)
    Traceback (most recent call last):
    diffsci.errors.KinkError: abs has the slopes -1 and 1 on the two sides of 0: ...
    """
    return gradient_of("grad", f, argnums, int(strict))


def value_and_grad(f: Callable, argnums: int | Sequence[int] = 0, *, strict: bool = False) -> Callable:
    """Return a function that computes a scalar function and its gradient in one sweep.

    Parameters and errors are those of `grad`.

    Examples
    --------
    >>> import diffsci as ds
    >>> value, gradient = ds.value_and_grad(lambda p: p["a"] * p["b"] ** 2)({"a": 2.0, "b": 3.0})
    >>> float(value), {name: float(g) for name, g in gradient.items()}
    (18.0, {'a': 9.0, 'b': 12.0})
    """

    @functools.wraps(f, updated=())
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        return _value_and_grad(f, argnums, args, kwargs, "value_and_grad", strict)

    return value_and_gradient


def checked(derivative: Graph, graph: Graph, flags: list[bool], first: int, order: int) -> Graph:
    """Return a derivative that raises at kinks if that is wanted; its outputs before `first` are values."""
    return strictly(derivative, graph, flags, first, order) if order else derivative


def gradient_of(what: str, f: Callable, argnums: int | Sequence[int], order: int) -> Callable:
    """Return the gradient for `what`, with checks for a derivative of this order (0: none)."""

    @functools.wraps(f, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return _value_and_grad(f, argnums, args, kwargs, what, order)[1]

    return gradient


def _value_and_grad(f, argnums, args, kwargs, what: str, strict: int) -> tuple[Any, Any]:
    chosen = chosen_arguments(argnums, len(args), what)
    call = Call(f, args, kwargs)
    flags, trees, whole = call.active(chosen, what)
    output = _scalar_output(call, what)
    pulled = call.derive(
        ("vjp", tuple(flags), strict), lambda graph: checked(vjp_graph(graph, flags), graph, flags, 1, strict)
    )
    values = call.evaluate(pulled, [np.ones((), output.dtype)], 1, "cotangent")
    return call.outputs(values[:1]), per_argument(argnums, trees, joined(values[1:], whole))


def _scalar_output(call: Call, what: str):
    outputs = call.traced.graph.outputs
    if len(outputs) == 1 and outputs[0].shape == () and outputs[0].dtype.kind == "f":
        return outputs[0]
    if call.traced.whole == (True,) and outputs[0].shape == (2,):
        raise TypeError(
            f"{what}: the function {described(call.function)} must return a real number, got a complex one: "
            "take .real, .imag or abs()"
        )
    refuse_nothing(what, call.function, call.traced.out_tree)
    refuse_matrices(what, call.function, call.traced.out_tree)
    found = ", ".join(str(y.type) for y in outputs) or "nothing"
    raise TypeError(
        f"{what}: the function {described(call.function)} must return one real number, got {found}; "
        "use jacobian or vjp for several"
    )


def jvp(
    f: Callable, primals: Sequence[Any], tangents: Sequence[Any], *, strict: bool = False
) -> tuple[Any, Any]:
    """Compute a function and its directional derivative, in forward mode.

    Parameters
    ----------
    f : callable
    primals : tuple
        Positional arguments of `f`.
    tangents : tuple
        Directions, arranged like the primals.
    strict : bool
        Raise KinkError at kinks and jumps: see `grad`.

    Returns
    -------
    out, tangent_out
        ``f(*primals)`` and ``d/de f(primals + e tangents)`` at e = 0.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> out, tangent = ds.jvp(np.exp, (0.0,), (2.0,))
    >>> float(out), float(tangent)
    (1.0, 2.0)
    """
    primals, tangents = tuple(primals), tuple(tangents)
    call = Call(f, primals)
    refuse_nothing("jvp", f, call.traced.out_tree)
    direction = direction_of(primals, tangents, "jvp")
    flags = float_flags(call, primals, "jvp")
    count = len(call.traced.graph.outputs)
    pushed = call.derive(
        ("jvp", tuple(flags), strict),
        lambda graph: checked(jvp_graph(graph, flags), graph, flags, count, strict),
    )
    values = call.evaluate(pushed, direction, count)
    return call.outputs(values[:count]), call.outputs(with_zeros(call, values[count:]))


def vjp(f: Callable, *primals: Any, strict: bool = False) -> tuple[Any, Callable]:
    """Compute a function and its pullback, in reverse mode.

    Parameters
    ----------
    f : callable
    *primals : object
        Positional arguments of `f`.
    strict : bool
        The pullback raises KinkError at kinks and jumps: see `grad`.

    Returns
    -------
    out : object
        ``f(*primals)``.
    pullback : callable
        ``pullback(ct)`` takes a cotangent arranged like `out` and returns a tuple with one
        cotangent per primal (None for an argument without floats). It is the adjoint of `jvp` in the
        inner product Re(conj(w) v).

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> out, pullback = ds.vjp(lambda x, y: x * y, 3.0, 4.0)
    >>> [float(ct) for ct in pullback(1.0)]
    [4.0, 3.0]
    """
    call = Call(f, primals, later=True)
    refuse_nothing("vjp", f, call.traced.out_tree)
    refuse_matrices("vjp", f, call.traced.out_tree)
    flags = float_flags(call, primals, "vjp")
    count = len(call.traced.graph.outputs)
    before, after, whole = call.derive(
        ("pullback", tuple(flags), strict), lambda graph: _pullback(graph, flags, strict)
    )
    values = _first_half(call, before)
    own, residuals = values[:count], values[count:]
    if watching.contexts:
        call.examine(call.graph, (), own, count, "forward")
    out = call.outputs(own)

    def pullback(ct: Any) -> tuple:
        cotangents = direction_of(out, ct, "pullback")
        found = _second_half(call, after, whole, residuals, cotangents)
        if watching.contexts:
            call.examine(vjp_graph(call.graph, flags), cotangents, [*own, *found], count, "cotangent")
        pending = iter(found)
        return tuple(_cotangents(primal, pending) for primal in primals)

    return out, pullback


def _first_half(call: Call, before: Derived) -> list[Any]:
    """Return the outputs of a function, and what the second half reads, unless a derivative inside of it met
    equal eigenvalues: no value between has a limit then.
    """
    known = call.traced.values
    return evaluate(
        before, call.inputs, known, lambda: evaluate(call.derive("itself", lambda graph: graph), call.inputs)
    )


def _second_half(
    call: Call, after: Derived, whole: Derived, residuals: Sequence[Any], seeds: Sequence[Any]
) -> list[Any]:
    """Run what is linear in a derivative, or the whole of it where equal eigenvalues need that."""

    def entire() -> list[Any]:
        return evaluate(whole, [*call.inputs, *seeds])

    inputs = [*residuals, *seeds]
    return entire() if len(inputs) < len(after.graph.inputs) else evaluate(after, inputs, None, entire)


def _pullback(graph: Graph, flags: list[bool], strict: bool) -> tuple[Graph, Graph, Graph]:
    count = len(graph.outputs)
    pulled = checked(vjp_graph(graph, flags), graph, flags, count, strict)
    backward = Graph(pulled.inputs, pulled.outputs[count:], pulled.guards)
    return *split_graph(backward, len(graph.inputs), pulled.outputs[:count]), backward


def _pushforward(graph: Graph, flags: list[bool], strict: bool) -> tuple[Graph, Graph, Graph, list[int]]:
    if strict:  # a jump has the tangent zero, too
        pushed, kept = jvp_graph(graph, flags), [k for k, y in enumerate(graph.outputs) if y.type.is_float]
        bare = Graph(pushed.inputs, pushed.outputs[len(graph.outputs) :], pushed.guards)
        tangent = strictly(bare, graph, flags)
    else:
        tangent, kept = tangent_graph(graph, flags)
    return *split_graph(tangent, len(graph.inputs), graph.outputs), tangent, kept


def _cotangents(primal: Any, values) -> Any:
    leaves, tree = flatten(primal)
    found = []
    for leaf in leaves:
        value = next(values) if is_dynamic(leaf) and typed(leaf).dtype.kind in "fc" else None
        found.append(leaving(value) if is_complex(leaf) else value)
    return unflatten(tree, found)


def linearize(f: Callable, *primals: Any, strict: bool = False) -> tuple[Any, Callable]:
    """Compute a function and its pushforward: the derivative at that point as a linear function.

    Parameters
    ----------
    f : callable
    *primals : object
        Positional arguments of `f`.
    strict : bool
        The pushforward raises KinkError at kinks and jumps: see `grad`.

    Returns
    -------
    out : object
        ``f(*primals)``.
    pushforward : callable
        ``pushforward(*tangents)`` returns the directional derivative; the function itself is not
        run again.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> out, pushforward = ds.linearize(np.sin, 0.0)
    >>> float(pushforward(3.0))
    3.0
    """
    call = Call(f, primals, later=True)
    refuse_nothing("linearize", f, call.traced.out_tree)
    flags = float_flags(call, primals, "linearize")
    count = len(call.traced.graph.outputs)
    before, after, whole, kept = call.derive(
        ("pushforward", tuple(flags), strict), lambda graph: _pushforward(graph, flags, strict)
    )
    found = _first_half(call, before)
    own, residuals = found[:count], found[count:]
    if watching.contexts:
        call.examine(call.graph, (), own, count, "forward")
    out = call.outputs(own)

    def pushforward(*tangents: Any) -> Any:
        direction = direction_of(primals, tangents, "pushforward")
        values = _second_half(call, after, whole, residuals, direction)
        if watching.contexts:
            call.examine(tangent_graph(call.graph, flags)[0], direction, values, 0, "tangent")
        outputs = call.traced.graph.outputs
        filled = [np.zeros(y.shape, y.dtype if y.type.is_float else float)[()] for y in outputs]
        for index, value in zip(kept, values, strict=True):
            filled[index] = value
        return call.outputs(filled)

    return out, pushforward


def hvp(f: Callable, primals: Sequence[Any], tangents: Sequence[Any], *, strict: bool = False) -> Any:
    """Compute the product of the Hessian of a scalar function with a vector (forward over reverse).

    Parameters
    ----------
    f : callable
        Returns one real number.
    primals, tangents : tuple
        Arguments and directions; all arguments are differentiated.
    strict : bool
        Raise KinkError at kinks and jumps of the function, and where the two sides of a choice differ in
        their second derivatives: see `grad`.

    Returns
    -------
    object
        Arranged like the argument; a tuple for several arguments.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> ds.hvp(lambda x: np.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    array([ 6., 12.])
    """
    primals = tuple(primals)
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(gradient_of("hvp", f, argnums, 2 * strict), primals, tuple(tangents))[1]
