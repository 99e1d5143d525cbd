"""`cond`: one of two functions, chosen by a value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.complex_leaves import through_parts
from diffsci.control.paths import AllPaths, trace_paths
from diffsci.control.stepping import as_leaf, hold_conditions, is_number, is_weak, name_of
from diffsci.errors import TraceError
from diffsci.graph import Builder, Graph, Node
from diffsci.source import at, user_location
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing import operations as ops
from diffsci.tracing.copies import private_copy
from diffsci.tracing.trace import bind
from diffsci.transforms import inline
from diffsci.trees import Tree, flatten, leaf_paths, unflatten

__all__ = ["cond"]


@through_parts
def cond(pred: Any, true_fun: Callable, false_fun: Callable, *operands: Any) -> Any:
    """Run one of two functions, chosen by a value.

    It does what ``true_fun(*operands) if pred else false_fun(*operands)`` does. But the choice is part of
    the program: compiled code takes it anew at every call, and only the branch taken is run and
    differentiated. (A Python ``if`` works, too: then each branch becomes a program of its own.)

    Parameters
    ----------
    pred : bool or array of one element
    true_fun, false_fun : callable
        In plain NumPy; they may use values of the surrounding function. Both return the same structure
        of arrays of the same shapes; dtypes are promoted to common ones.
    *operands
        Their arguments: nested containers of arrays and numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> f = ds.jit(lambda x: ds.cond(x > 0, np.sqrt, lambda x: -x, x))
    >>> float(f(4.0)), float(f(-3.0)), float(ds.grad(f)(4.0))
    (2.0, 3.0, 0.25)
    """
    if np.size(pred) != 1:
        raise TypeError(
            f"cond: the predicate has {np.size(pred)} elements{at(user_location())}: one is needed"
        )
    if not (isinstance(pred, TracedArray) and not pred.is_const):
        chosen = true_fun if bool(pred) else false_fun
        return (private_copy(chosen) if is_tracing() else chosen)(*operands)
    predicate = ops.reshape(ops.traced(ops.truth(pred)), ())
    arguments = _Operands(operands)
    taken = bool(predicate.concrete())
    try:
        found = {
            outcome: arguments.traced(f, outcome == taken)
            for outcome, f in ((True, true_fun), (False, false_fun))
        }
    except _OtherRaises:  # the branch not taken cannot be traced here: the choice is a guard instead
        chosen = true_fun if bool(predicate) else false_fun
        return private_copy(chosen)(*operands)
    for branch in found.values():
        hold_conditions(branch)
    true, false = found[True], found[False]
    tree = _common_tree(true, false, true_fun, false_fun)
    graphs, errors = _graphs(true, false)
    outputs = bind(
        "cond", predicate, *true.captured, *false.captured, *arguments.leaves, true=graphs[0], false=graphs[1]
    )
    *outputs, number = outputs
    for k, error in enumerate(errors):
        raised = ops.compare("eq", number, k + 1)
        if raised.owner.guard(raised.read(), error):
            raise error
    for output in outputs:
        output.scalar = output.shape == ()
    return unflatten(tree, outputs)


class _OtherRaises(Exception):
    """The branch that is not taken raised an exception at these values."""


class _Operands:
    """The arguments of both branches."""

    def __init__(self, operands: tuple):
        leaves, self.tree = flatten(operands)
        paths = leaf_paths(self.tree, "operands")
        self.leaves = [as_leaf(leaf, "cond", path) for leaf, path in zip(leaves, paths, strict=True)]
        self.kinds = [(is_number(leaf), is_weak(leaf)) for leaf in leaves]

    def traced(self, function: Callable, taken: bool) -> AllPaths:
        """Trace a branch on every path."""
        what = f"cond: the branch {name_of(function)}"

        def branch(*entering):
            for leaf, (number, weak) in zip(flatten(entering)[0], self.kinds, strict=True):
                leaf.scalar, leaf.weak = number, weak
            return private_copy(function)(*entering)

        try:
            return trace_paths(branch, unflatten(self.tree, self.leaves), what)
        except TraceError:
            raise
        except Exception:  # the model's own: as behind an `if`, it is raised when its branch is taken
            if taken:
                raise
            raise _OtherRaises from None


def _common_tree(true: AllPaths, false: AllPaths, true_fun: Callable, false_fun: Callable) -> Tree:
    shapes = [[t.shape for t in branch.graph.output_types] for branch in (true, false)]
    if true.out_tree != false.out_tree or shapes[0] != shapes[1]:
        raise TraceError(
            f"cond: the branches {name_of(true_fun)} and {name_of(false_fun)} return different kinds of "
            f"results{at(user_location())}: {_kinds(true)} and {_kinds(false)}: return the same "
            "structure and shapes"
        )
    return true.out_tree


def _kinds(branch: AllPaths) -> str:
    return f"{branch.out_tree.leaves} arrays ({', '.join(map(str, branch.graph.output_types))})"


def _graphs(true: AllPaths, false: AllPaths) -> tuple[list[Graph], list[Exception]]:
    """Return both branches as graphs of the same inputs and outputs; the last output is an error's number."""
    first, second = len(true.captured), len(false.captured)
    b = Builder()
    types = [
        *true.graph.input_types[:first],
        *false.graph.input_types[:second],
        *true.graph.input_types[first:],
    ]
    dtypes = [
        np.result_type(yes.dtype, no.dtype)
        for yes, no in zip(true.graph.output_types, false.graph.output_types, strict=True)
    ]

    def branch(part: AllPaths, own: slice, shift: int) -> Graph:
        inputs = [b.input(type_) for type_ in types]
        outputs, guards = inline(b, part.graph, [*inputs[own], *inputs[first + second :]])
        outputs = [
            y if y.dtype == dtype else b.convert(y, dtype=dtype)
            for y, dtype in zip(outputs, dtypes, strict=True)
        ]
        return Graph(inputs, [*outputs, _number(b, guards, shift)])

    graphs = [
        branch(true, slice(0, first), 0),
        branch(false, slice(first, first + second), len(true.errors)),
    ]
    return graphs, [*true.errors, *false.errors]


def _number(b: Builder, guards: list, shift: int) -> Node:
    number = b.const(0, np.int64)
    for k, guard in reversed(list(enumerate(guards))):
        number = b.select(guard.predicate, number, b.const(shift + k + 1, np.int64))
    return number
