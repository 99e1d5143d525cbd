"""Rolled loops for users: `while_loop`, `fori_loop` and `scan`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.complex_leaves import through_parts
from diffsci.control.body import CARRY, CONST, INDEX, ITEM, Body
from diffsci.control.interning import known_loop
from diffsci.control.paths import AllPaths
from diffsci.control.stepping import Carry, as_leaf, hold_conditions, name_of, traced_step
from diffsci.errors import TraceError
from diffsci.graph import Builder, Graph
from diffsci.loops import custom_loop
from diffsci.schedules import Checkpoints
from diffsci.source import at, user_location
from diffsci.tracing import TracedArray
from diffsci.tracing.standard import standard
from diffsci.transforms import inline
from diffsci.trees import Tree, flatten, leaf_paths, unflatten

__all__ = ["fori_loop", "scan", "while_loop"]


@through_parts
def scan(
    body: Callable,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    checkpoint: Checkpoints = None,
) -> tuple[Any, Any]:
    """Carry a value through a loop over the rows of arrays, and stack what every step yields.

    The loop stays a loop: it is traced once, compiled once, and differentiable in both modes and to any
    order. It does what this does::

        carry, ys = init, []
        for x in xs:
            carry, y = body(carry, x)
            ys.append(y)
        return carry, np.stack(ys)

    Parameters
    ----------
    body : callable
        ``body(carry, x) -> (carry, y)`` in plain NumPy. It may use values of the surrounding function and
        branch on values; it must return the carry with the structure, shapes and dtypes that it came in
        with. Python numbers in the carry become numbers of the dtype that the body returns. The body is
        called while the loop is traced, not in every step.
    init : nested containers of arrays and numbers
        The carry of the first step.
    xs : nested containers of arrays, optional
        Step k takes row k of each of them; None: no rows.
    length : int, optional
        Number of steps; needed where there are no rows.
    reverse : bool
        Go from the last row to the first; row k of the results belongs to row k of `xs`.
    checkpoint : int or callable, optional
        Keep at most so many carries for the reverse sweep, and compute the others again, as seldom as
        possible. Or a rule of `diffsci.schedules` for which to keep: ``Uniform`` (every sqrt(n)-th) or
        ``RecomputeAll`` (the first only). By default all are kept.

    Returns
    -------
    carry, ys
        The last carry; what the steps yielded, stacked along a new first axis.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> total, sums = ds.scan(lambda s, x: (s + x, s + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> float(total), sums
    (6.0, array([1., 3., 6.]))
    >>> ds.grad(lambda x: ds.scan(lambda s, x: (s * x, s), 1.0, x)[0])(np.array([2.0, 3.0, 5.0]))
    array([15., 10.,  6.])
    """
    what = f"scan: the body {name_of(body)}"
    rows, tree = flatten(xs)
    names = [f"xs{path}" for path in leaf_paths(tree)]
    rows = [as_leaf(row, "scan", name) for row, name in zip(rows, names, strict=True)]
    steps = _length(rows, names, length)

    def call(function: Callable, carry: Any, others: Sequence[Any]) -> tuple[Any, Any]:
        result = function(carry, others[0])
        if not (isinstance(result, tuple) and len(result) == 2):
            raise TraceError(
                f"{what} returned {type(result).__name__}{at(user_location())}: return a tuple (carry, y); "
                "y may be None"
            )
        return result

    carry = Carry.of(init, "scan")
    row = unflatten(tree, [_first_row(row) for row in rows])
    found, out_tree = traced_step(body, carry, [row], call, what)
    hold_conditions(found)
    graph = _with_index(found, None)
    roles = [CONST] * len(found.captured) + [ITEM] * len(rows) + [CARRY] * len(carry.leaves)
    out_roles = [CARRY] * len(carry.leaves) + [ITEM] * out_tree.leaves
    step = Body(graph, roles, out_roles, None, found.errors)
    loop = known_loop(step, steps, reverse, _slots(checkpoint, "scan"), None, user_location())
    outputs = custom_loop(loop, *found.captured, *rows, *carry.leaves)
    count = len(carry.leaves)
    return _arranged(carry, outputs[:count]), unflatten(out_tree, list(outputs[count:]))


@through_parts
def fori_loop(lower: int, upper: int, body: Callable, init: Any, checkpoint: Checkpoints = None) -> Any:
    """Carry a value through a loop over integers.

    It does what this does, as a rolled loop (see `scan`)::

        carry = init
        for i in range(lower, upper):
            carry = body(i, carry)
        return carry

    Parameters
    ----------
    lower, upper : int
        May depend on values: then the loop is a `while_loop`.
    body : callable
        ``body(i, carry) -> carry``; `i` is an integer under trace, good for arithmetic and as an index.
    init, checkpoint
        See `scan`.

    Examples
    --------
    >>> import diffsci as ds
    >>> power = lambda x: ds.fori_loop(0, 5, lambda i, p: p * x, 1.0)
    >>> float(power(2.0)), float(ds.grad(power)(2.0))
    (32.0, 80.0)
    """
    what = f"fori_loop: the body {name_of(body)}"
    if any(isinstance(bound, TracedArray) and not bound.is_const for bound in (lower, upper)):
        return _counted_while(lower, upper, body, init, checkpoint)
    lower, upper = (_integer(bound, "fori_loop") for bound in (lower, upper))

    def call(function: Callable, carry: Any, others: Sequence[Any]) -> tuple[Any, Any]:
        others[0].scalar = others[0].weak = True  # as the int that `range` gives
        return function(others[0], carry), None

    carry = Carry.of(init, "fori_loop")
    found, _ = traced_step(body, carry, [np.array(lower, np.int64)], call, what)
    hold_conditions(found)
    graph = _with_index(found, lower)
    count = len(carry.leaves)
    step = Body(graph, [CONST] * len(found.captured) + [CARRY] * count, [CARRY] * count, None, found.errors)
    steps, slots = max(upper - lower, 0), _slots(checkpoint, "fori_loop")
    loop = known_loop(step, steps, False, slots, None, user_location())
    return _arranged(carry, custom_loop(loop, *found.captured, *carry.leaves))


def _counted_while(lower: Any, upper: Any, body: Callable, init: Any, checkpoint: Checkpoints) -> Any:
    """The loop over integers that are known only when it runs."""
    bounds = [
        bound.astype(np.int64) if isinstance(bound, TracedArray) else int(bound) for bound in (lower, upper)
    ]

    def goes_on(carry):
        return carry[0] < bounds[1]

    def step(carry):
        return carry[0] + 1, body(carry[0], carry[1])

    return while_loop(goes_on, step, (bounds[0], init), checkpoint)[1]


@through_parts
def while_loop(
    cond_fun: Callable,
    body_fun: Callable,
    init: Any,
    checkpoint: Checkpoints = None,
    max_steps: int | None = None,
) -> Any:
    """Carry a value through a loop as long as a condition on it holds.

    It does what this does, as a rolled loop (see `scan`), and is differentiable in reverse, too: the number
    of steps is found by running, and held fixed in derivatives::

        carry = init
        while cond_fun(carry):
            carry = body_fun(carry)
        return carry

    Parameters
    ----------
    cond_fun : callable
        ``cond_fun(carry) -> bool``.
    body_fun : callable
        ``body_fun(carry) -> carry``.
    init : nested containers of arrays and numbers
    checkpoint : int, optional
        See `scan`; with it, the steps are counted first and checkpointed when the reverse sweep begins.
    max_steps : int, optional
        A loop that is not through after so many steps raises an error. By default it runs on.

    Raises
    ------
    EvaluationError
        If the condition still holds after `max_steps`.

    Examples
    --------
    >>> import diffsci as ds
    >>> def root(a):
    ...     return ds.while_loop(lambda x: abs(x * x - a) > 1e-14 * a, lambda x: (x + a / x) / 2, a)
    >>> round(float(root(2.0)), 12), round(float(ds.grad(root)(2.0)), 12)
    (1.414213562373, 0.353553390593)
    """
    what = f"while_loop: the body {name_of(body_fun)}"
    if max_steps is not None and _integer(max_steps, "while_loop") < 0:
        raise ValueError(
            f"while_loop: max_steps={max_steps!r}{at(user_location())}: a number of steps, or None"
        )

    def call(function: Callable, carry: Any, others: Sequence[Any]) -> tuple[Any, Any]:
        return function(carry), None

    carry = Carry.of(init, "while_loop")
    found, _ = traced_step(body_fun, carry, [], call, what)
    decided = _traced_predicate(cond_fun, carry)
    for part in (found, decided):
        hold_conditions(part)
    count = len(carry.leaves)
    graph, predicate = _side_by_side(found, decided, count)
    captured = [*found.captured, *decided.captured]
    step = Body(
        graph,
        [CONST] * len(captured) + [CARRY] * count,
        [CARRY] * count,
        predicate,
        found.errors,
        decided.errors,
    )
    slots = _slots(checkpoint, "while_loop")
    loop = known_loop(step, None, False, slots, max_steps, user_location())
    return _arranged(carry, custom_loop(loop, *captured, *carry.leaves))


def _traced_predicate(cond_fun: Callable, carry: Carry) -> AllPaths:
    """Trace the condition; its one output is a boolean scalar."""
    from diffsci.control.paths import trace_paths
    from diffsci.tracing import operations as ops
    from diffsci.tracing.copies import private_copy

    what = f"while_loop: the condition {name_of(cond_fun)}"

    def decide(entering):
        leaves = flatten(entering)[0]
        carry.mark(leaves)
        decision = private_copy(cond_fun)(entering)
        if flatten(decision)[1] != Tree("leaf") or np.size(ops.as_operand(decision)) != 1:
            raise TraceError(
                f"{what} must return one number or truth value{at(user_location())}, got {decision!r}"
            )
        return ops.reshape(ops.traced(ops.truth(decision)), ())

    return trace_paths(decide, (carry.arranged(carry.leaves),), what)


def _side_by_side(found: AllPaths, decided: AllPaths, carries: int) -> tuple[Graph, Graph]:
    """Return body and condition as graphs of the same inputs: k, captures of both, carries."""
    first, second = len(found.captured), len(decided.captured)
    b = Builder()
    types = [*found.graph.input_types[:first], *decided.graph.input_types[:second]]
    types += found.graph.input_types[first:]

    def widened(part: AllPaths, own: slice) -> Graph:
        inputs = [b.input(INDEX), *(b.input(type_) for type_ in types)]
        given = [*inputs[1:][own], *inputs[1 + first + second :]]
        outputs, guards = inline(b, part.graph, given)
        return Graph(inputs, outputs, guards)

    return widened(found, slice(0, first)), widened(decided, slice(first, first + second))


def _with_index(found: AllPaths, lower: int | None) -> Graph:
    """Return the step as a function of its number, which stands for the argument behind the captures."""
    b = Builder()
    k = b.input(INDEX)
    captured = len(found.captured)
    own = list(found.graph.input_types)
    if lower is not None:
        del own[captured]
    inputs = [b.input(type_) for type_ in own]
    given = list(inputs)
    if lower is not None:
        given.insert(captured, b.add(k, b.const(lower, np.int64)) if lower else k)
    outputs, guards = inline(b, found.graph, given)
    return Graph([k, *inputs], outputs, guards)


def _arranged(carry: Carry, outputs: Sequence[Any]) -> Any:
    """Arrange the results as the user arranged what he started with, numbers as numbers."""
    found = []
    for value, number in zip(outputs, carry.numbers, strict=True):
        if isinstance(value, TracedArray):
            value.scalar = number
        elif number:
            value = value[()]
        found.append(value)
    return carry.arranged(found)


def _first_row(row: Any) -> Any:
    """Return an example of the rows of an array, also where there is none."""
    if row.shape[0]:
        return row[0] if isinstance(row, TracedArray) else np.array(row[0])
    return np.ones(row.shape[1:], row.dtype)


def _length(rows: Sequence[Any], names: Sequence[str], length: int | None) -> int:
    found = {} if length is None else {"length": _integer(length, "scan")}
    for row, name in zip(rows, names, strict=True):
        if not row.shape:
            raise ValueError(
                f"scan: {name} is a number{at(user_location())}: every leaf of xs needs a first axis to go "
                "along; let the body read numbers from its closure"
            )
        found[name] = row.shape[0]
    if not found:
        raise ValueError(f"scan: without xs it needs length=...{at(user_location())}")
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name}: {count}" for name, count in found.items())
        raise ValueError(f"scan: the number of steps is not clear{at(user_location())}: {listed}")
    return max(next(iter(found.values())), 0)


def _integer(value: Any, what: str) -> int:
    if isinstance(value, TracedArray) and value.is_const:
        value = standard(value.constant())
    try:
        return operator.index(value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value)
    except TypeError:
        raise TypeError(f"{what}: {value!r} is no integer{at(user_location())}") from None


def _slots(checkpoint: Any, what: str) -> Checkpoints:
    if checkpoint is None or callable(checkpoint):
        return checkpoint
    slots = _integer(checkpoint, what)
    if slots < 1:
        raise ValueError(
            f"{what}: checkpoint={checkpoint!r}{at(user_location())}: the number of carries to keep is at "
            "least 1; None keeps all"
        )
    return slots
