"""From the user's functions to the body of a loop: types settled, structure checked, closures found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.control.paths import AllPaths, trace_paths
from diffsci.errors import TraceError
from diffsci.graph import Type
from diffsci.source import at, user_location
from diffsci.tracing import TracedArray
from diffsci.tracing import operations as ops
from diffsci.tracing.copies import original, private_copy
from diffsci.tracing.standard import refuse_device, standard
from diffsci.tracing.trace import current_trace
from diffsci.trees import Tree, flatten, leaf_paths, unflatten

__all__ = ["Carry", "as_leaf", "hold_conditions", "name_of", "traced_step"]

MOST_ROUNDS = 4  # of settling what Python numbers become


def name_of(function: Callable) -> str:
    """Return how messages call a user's function: its name and where it is written."""
    own = original(function)
    own = getattr(own, "__func__", own)
    code = getattr(own, "__code__", None)
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"{getattr(own, '__name__', type(own).__name__)}{place}"


def as_leaf(value: Any, what: str, path: str) -> Any:
    """Return a leaf as a traced value or an array."""
    if isinstance(value, TracedArray):
        return value
    if isinstance(value, (str, bytes)) or callable(value):
        raise TypeError(
            f"{what}: {path} is of type {type(value).__name__}{at(user_location())}: a loop carries numbers "
            "and arrays; let the body read everything else from its closure"
        )
    return np.array(standard(refuse_device(value)))


def is_number(value: Any) -> bool:
    """Tell whether a value stands for a number rather than a 0-d array."""
    return value.scalar if isinstance(value, TracedArray) else not isinstance(value, np.ndarray)


def is_weak(value: Any) -> bool:
    """Tell whether a value is a Python number: its dtype may change once, to what the body makes of it."""
    return value.weak if isinstance(value, TracedArray) else type(value) in (int, float, bool)


@dataclass
class Carry:
    """The value that a loop hands on from step to step.

    Attributes
    ----------
    leaves : list
        Traced values and arrays.
    tree : Tree
    numbers, weak : list of bool
        Which leaves stand for numbers, and which for Python numbers.
    """

    leaves: list[Any]
    tree: Tree
    numbers: list[bool]
    weak: list[bool]
    paths: list[str]

    @staticmethod
    def of(value: Any, what: str) -> Carry:
        """Take apart what the user starts with."""
        leaves, tree = flatten(value)
        paths = [f"init{path}" for path in leaf_paths(tree)]
        arrays = [as_leaf(leaf, what, path) for leaf, path in zip(leaves, paths, strict=True)]
        return Carry(arrays, tree, [is_number(x) for x in leaves], [is_weak(x) for x in leaves], paths)

    def arranged(self, leaves: Sequence[Any]) -> Any:
        """Arrange leaves as the user did."""
        return unflatten(self.tree, leaves)

    def mark(self, leaves: Sequence[TracedArray]) -> None:
        """Make traced leaves stand for what the user's leaves stand for."""
        for leaf, number, weak in zip(leaves, self.numbers, self.weak, strict=True):
            leaf.scalar, leaf.weak = number, weak

    def becomes(self, place: int, dtype: np.dtype) -> None:
        """Give a Python number the dtype that the body makes of it."""
        leaf = self.leaves[place]
        self.leaves[place] = ops.convert(leaf, dtype) if isinstance(leaf, TracedArray) else leaf.astype(dtype)
        self.weak[place] = False


class _Becomes(TraceError):
    """A Python number of the carry has another dtype after a step: trace again with that one."""

    def __init__(self, place: int, dtype: np.dtype):
        self.place, self.dtype = place, dtype


def traced_step(
    function: Callable,
    carry: Carry,
    others: Sequence[Any],
    call: Callable[[Callable, Any, Sequence[Any]], tuple[Any, Any]],
    what: str,
) -> tuple[AllPaths, Tree]:
    """Trace one step on every path; `carry` may be given other dtypes.

    Parameters
    ----------
    function : callable
        The user's.
    others : sequence
        Further arguments, containers of arrays and traced values.
    call : callable
        ``call(function, carry, others) -> (new carry, items)``.
    what : str
        Names loop and function in messages.

    Returns
    -------
    AllPaths
        Inputs: captured values, `others`, leaves of the carry. Outputs: leaves of the carry, then of the
        items.
    Tree
        Of the items.
    """
    trees: list[Tree] = []
    firm: set[int] = set()  # Python numbers that are NumPy's after a step, and promote others then

    def step(*arguments):
        *rest, entering = arguments
        leaves = flatten(entering)[0]
        carry.mark(leaves)
        kinds = [Type(leaf.shape, leaf.dtype) for leaf in leaves]
        after, items = call(private_copy(function), entering, rest)
        found, tree = flatten(items)
        trees.append(tree)
        leaves = _checked(carry, kinds, after, what)
        firm.update(k for k, leaf in enumerate(leaves) if carry.weak[k] and not is_weak(leaf))
        return (*leaves, *found)

    for _ in range(MOST_ROUNDS):
        try:
            found = trace_paths(step, (*others, carry.arranged(carry.leaves)), what)
        except _Becomes as other:
            carry.becomes(other.place, other.dtype)
            trees.clear()
            continue
        if not firm or all(type_.dtype != np.float32 for type_ in found.graph.input_types):
            return found, trees[0]
        for place in firm:
            carry.weak[place] = False
        firm.clear()
        trees.clear()
    raise TraceError(
        f"{what}: the dtype of the carry does not settle{at(user_location())}: start with arrays"
    )


def _checked(carry: Carry, kinds: list[Type], after: Any, what: str) -> list[Any]:
    """Return the leaves of the carry after a step, of the types that they had before it."""
    leaves, tree = flatten(after)
    if tree != carry.tree:
        raise TraceError(
            f"{what} changed the structure of the carry: it came in as {_outline(carry.tree)} and is "
            f"returned as {_outline(tree)}{at(user_location())}: return the carry as it came in"
        )
    return [
        _fitting(carry, place, kind, leaf, what)
        for place, (kind, leaf) in enumerate(zip(kinds, leaves, strict=True))
    ]


def _fitting(carry: Carry, place: int, kind: Type, leaf: Any, what: str) -> Any:
    path = carry.paths[place]
    weak = is_weak(leaf)
    value = leaf if isinstance(leaf, TracedArray) else ops.as_operand(as_leaf(leaf, what, path))
    if value.shape != kind.shape:
        raise TraceError(
            f"{what} changed the shape of the carry {path} from {kind.shape} to {value.shape}"
            f"{at(user_location())}: every step must return it as it came in; start with an array of the "
            "final shape and fill it"
        )
    if value.dtype == kind.dtype:
        return value
    if carry.weak[place]:
        number = {"b": False, "i": 0, "f": 0.0}[kind.dtype.kind]
        raise _Becomes(place, np.result_type(number, value.dtype))
    if weak and np.can_cast(value.dtype, kind.dtype, "same_kind"):
        return ops.convert(value, kind.dtype)
    raise TraceError(
        f"{what} changed the dtype of the carry {path} from {kind.dtype} to {value.dtype}"
        f"{at(user_location())}: start with the dtype that the body returns, or convert with .astype()"
    )


def _outline(tree: Tree) -> str:
    if tree.kind == "leaf":
        return "array"
    if tree.kind == "none":
        return "None"
    inner = ", ".join(map(_outline, tree.children))
    return f"{tree.kind.__name__}({inner})"


def hold_conditions(found: AllPaths) -> None:
    """Record conditions on captured values, which are the same in every step, where the loop stands."""
    trace = current_trace()
    if trace is None or not found.conditions.guards:
        return
    from diffsci.tracing.trace import apply_graph

    if any(isinstance(value, TracedArray) for value in found.captured):
        apply_graph(found.conditions, found.captured)
