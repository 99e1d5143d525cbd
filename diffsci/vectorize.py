"""`vmap`: a function of one member becomes a function of many at once.

The function is traced at one member, and its program vectorised over a new leading axis. Where it branches
on values, members are grouped by the path they take: each group has its own program.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.calling import refuse_matrices
from diffsci.errors import EvaluationError, TraceError
from diffsci.graph import Graph, Type
from diffsci.graph.interpreter import run
from diffsci.source import at, user_location
from diffsci.subprograms import Subprogram, enter, evaluate
from diffsci.tracing import TracedArray, is_tracing
from diffsci.tracing.complex.boundary import entering, joined
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.standard import refuse_device
from diffsci.transforms import batch_graph
from diffsci.trees import Tree, broadcast_prefix, flatten, leaf_paths, unflatten

__all__ = ["vmap"]

MOST_SELECTED = 4  # paths that all members run in a recorded program


def vmap(f: Callable, in_axes: Any = 0, out_axes: Any = 0) -> Callable:
    """Vectorise a function over an axis of its arguments.

    Parameters
    ----------
    f : callable
        A function of one member. Values that it reads from closures and globals are shared by all.
    in_axes : int, None, or containers of them
        The axis of each argument over which members are counted (negative axes count from the end);
        None for what all members share. A tuple has one entry per positional argument, which may be a
        container like the argument, or one entry for all of it. Arguments given by keyword are mapped
        over axis 0; numbers, strings and callables among them are shared.
    out_axes : int, None, or containers of them
        Where the axis of the members stands in the results. None for a result that is the same for all
        members; it is returned once.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        If a leaf has no such axis, or the leaves differ in the number of members.
    TypeError
        If a number is to be mapped, or the members' results differ in kind or shape.

    Notes
    -----
    Members may take different branches. Computed at once, they are grouped by branch, and each group runs
    as one program. In a program that is compiled or differentiated further, all members run each of the
    paths that some take, up to four of them, and the results are selected; it applies as long as every
    member is on one of these paths. With more paths, or where a path may index out of range for members
    of another, the grouping is part of the program.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> ds.vmap(np.dot)(np.ones((3, 2)), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    array([ 3.,  7., 11.])
    >>> per_example = ds.vmap(ds.grad(lambda w, x: (w * x) ** 2), in_axes=(None, 0))
    >>> per_example(2.0, np.array([1.0, 3.0]))
    array([ 4., 36.])
    """

    @functools.wraps(f, updated=())
    def vectorized(*args: Any, **kwargs: Any) -> Any:
        members = _members(f, args, kwargs, in_axes)
        groups = _groups(members)
        refuse_matrices("vmap", f, groups[0].program.traced.out_tree)
        return _assembled(groups, members.size, out_axes)

    return vectorized


@dataclass(frozen=True, slots=True)
class _Members:
    """A function and the arguments of its members."""

    function: Callable
    tree: Tree
    leaves: list[Any]
    axes: list[int | None]
    size: int

    def one(self, k: int) -> Subprogram:
        """Trace the function at one member."""
        found = [
            leaf if axis is None else _element(leaf, axis, k)
            for leaf, axis in zip(self.leaves, self.axes, strict=True)
        ]
        args, kwargs = unflatten(self.tree, found)
        return enter(self.function, args, kwargs)

    def inputs(self, program: Subprogram) -> tuple[list[Any], list[bool]]:
        """Return the inputs of a member's program for all members at once, and which are mapped."""
        dynamic = [(x, axis) for x, axis in zip(self.leaves, self.axes, strict=True) if is_dynamic(x)]
        captured = program.inputs[len(dynamic) :]
        inputs = [entering(x if axis is None else _leading(x, axis)) for x, axis in dynamic]
        flags = [axis is not None for _, axis in dynamic]
        return inputs + captured, flags + [False] * len(captured)


@dataclass(frozen=True, slots=True)
class _Group:
    """Members that take one path: its program, and the inputs of all members."""

    program: Subprogram
    which: np.ndarray
    inputs: list[Any]
    flags: list[bool]

    @property
    def graph(self) -> Graph:
        return self.program.graph

    def outputs(self) -> list[Any]:
        """Return the results of the members of this group."""
        everyone = next(len(x) for x, flag in zip(self.inputs, self.flags, strict=True) if flag)
        inputs = self.inputs
        if len(self.which) != everyone:
            inputs = _chosen(inputs, self.flags, self.which)
        return evaluate(batch_graph(self.graph, self.flags, len(self.which)), inputs)

    def depends(self, k: int) -> bool:
        """Tell whether members differ in output k."""
        reached = {x for x, flag in zip(self.graph.inputs, self.flags, strict=True) if flag}
        for node in self.graph.nodes:
            if any(x in reached for x in node.inputs):
                reached.add(node)
        return self.graph.outputs[k] in reached


def _members(f: Callable, args: tuple, kwargs: dict, in_axes: Any) -> _Members:
    leaves, tree = flatten((args, kwargs))
    axes = [*_positional_axes(args, in_axes), *_keyword_axes(kwargs)]
    named = [(f"argument {k}", arg) for k, arg in enumerate(args)] + list(kwargs.items())
    paths = [path for name, arg in named for path in leaf_paths(flatten(arg)[1], name)]
    sizes: dict[str, int] = {}
    for k, (leaf, path) in enumerate(zip(leaves, paths, strict=True)):
        if axes[k] is not None:
            axes[k] = _axis(leaf, axes[k], path)
            sizes[path] = np.shape(leaf)[axes[k]]
    if not sizes:
        raise ValueError(f"vmap: no argument is mapped{at(user_location())}: give in_axes an axis for one")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{path} has {n}" for path, n in sizes.items())
        raise ValueError(f"vmap: the number of members differs{at(user_location())}: {listed}")
    size = next(iter(sizes.values()))
    if size == 0:
        raise ValueError(f"vmap: there are no members{at(user_location())}: the mapped axis has length 0")
    return _Members(f, tree, leaves, axes, size)


def _positional_axes(args: tuple, in_axes: Any) -> list[int | None]:
    if in_axes is None or isinstance(in_axes, (int, np.integer)):
        in_axes = (in_axes,) * len(args)
    return broadcast_prefix(tuple(in_axes), args, "vmap: in_axes", "the arguments")


def _keyword_axes(kwargs: dict) -> list[int | None]:
    return [0 if np.ndim(concrete(x)) else None for x in map(_as_data, flatten(kwargs)[0])]


def _as_data(leaf: Any) -> Any:
    return leaf if is_dynamic(leaf) else 0.0


def _axis(leaf: Any, axis: Any, path: str) -> int:
    """Return a mapped leaf's axis counted from the front."""
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(f"vmap: in_axes has {axis!r} for {path}{at(user_location())}: expected int or None")
    if not isinstance(refuse_device(leaf), (np.ndarray, TracedArray)):
        raise TypeError(
            f"vmap: {path} is {type(leaf).__name__}{at(user_location())} and has no axis to map over: "
            "give None for it in in_axes, or pass an array"
        )
    if not -leaf.ndim <= axis < leaf.ndim:
        raise ValueError(f"vmap: {path} of shape {leaf.shape} has no axis {axis}{at(user_location())}")
    return int(axis) % leaf.ndim


def _element(leaf: Any, axis: int, k: int) -> Any:
    """Return one member's part of a leaf, as a value; integers stay data."""
    found = np.moveaxis(concrete(leaf), axis, 0)[k]
    return found if is_dynamic(found) else np.asarray(found)


def _leading(leaf: Any, axis: int) -> Any:
    return leaf if axis == 0 else np.moveaxis(leaf, axis, 0)


# ---- members by path -----------------------------------------------------------------------------


def _groups(members: _Members) -> list[_Group]:
    """Trace a member, find those that take its path, and so on for the rest."""
    pending = np.arange(members.size)
    groups = []
    while pending.size:
        program = members.one(int(pending[0]))
        inputs, flags = members.inputs(program)
        holds = np.ones(len(pending), bool)
        if program.graph.guards:
            values = _chosen([concrete(x) for x in inputs], flags, pending)
            holds = _holding(program.graph, flags, values, len(pending))
        groups.append(_Group(program, pending[holds], inputs, flags))
        pending = pending[~holds]
    return groups


def _chosen(inputs: Sequence[Any], flags: Sequence[bool], which: np.ndarray) -> list[Any]:
    return [x[which] if flag else x for x, flag in zip(inputs, flags, strict=True)]


def _holding(graph: Graph, flags: list[bool], values: list[Any], size: int) -> np.ndarray:
    """Tell which members take the path of the first one, which does by definition."""
    predicates = Graph(graph.inputs, [guard.predicate for guard in graph.guards])
    outcomes = run(batch_graph(predicates, flags, size), values)
    same = [seen == guard.outcome for seen, guard in zip(outcomes, graph.guards, strict=True)]
    holds = np.logical_and.reduce(same)
    holds[0] = True
    return holds


def _outputs(groups: list[_Group], size: int) -> list[Any]:
    """Return the outputs of all members, in order."""
    if len(groups) == 1:
        return groups[0].outputs()
    if is_tracing() and len(groups) <= MOST_SELECTED and all(_is_total(group.graph) for group in groups):
        return _selected(groups, size)
    parts = [group.outputs() for group in groups]
    order = np.argsort(np.concatenate([group.which for group in groups]))
    return [np.concatenate(column)[order] for column in zip(*parts, strict=True)]


def _is_total(graph: Graph) -> bool:
    """Tell whether a program runs on all values, also on those that belong to another path."""
    for node in graph.nodes:
        if node.primitive.family == "host":
            return False
        if node.name in ("take", "put", "put_add") and not node.inputs[1].is_known:
            return False
        if not all(_is_total(value) for value in node.params.values() if isinstance(value, Graph)):
            return False
    return True


def _selected(groups: list[_Group], size: int) -> list[Any]:
    """Run every path for all members, and select for each member what its path gives.

    Members of other paths run at the point of a member that took this one: what they give is not
    selected, and nothing infinite comes of it in derivatives.
    """
    masks = [_mask(group, size) for group in groups]
    if not bool(np.all(np.any(np.stack(masks), axis=0))):
        raise EvaluationError(f"vmap{at(user_location())}: a member takes a branch that none took before")
    found: list[Any] = []
    for mask, group in reversed(list(zip(masks, groups, strict=True))):
        plain = Graph(group.graph.inputs, group.graph.outputs)
        first = int(group.which[0])
        inputs = [
            _where(mask, x, concrete(x)[first]) if flag else x
            for x, flag in zip(group.inputs, group.flags, strict=True)
        ]
        outputs = evaluate(batch_graph(plain, group.flags, size), inputs)
        found = [_where(mask, x, y) for x, y in zip(outputs, found, strict=True)] if found else outputs
    return found


def _mask(group: _Group, size: int) -> Any:
    """Tell which members are on the path of a group."""
    guards = group.graph.guards
    predicates = Graph(group.graph.inputs, [guard.predicate for guard in guards])
    outcomes = evaluate(batch_graph(predicates, group.flags, size), group.inputs)
    held = [x if guard.outcome else ~x for x, guard in zip(outcomes, guards, strict=True)]
    return functools.reduce(np.logical_and, held, np.ones(size, bool))


def _where(mask: Any, x: Any, y: Any) -> Any:
    return np.where(np.reshape(mask, (mask.size, *[1] * (x.ndim - 1))), x, y)


# ---- results -------------------------------------------------------------------------------------


def _assembled(groups: list[_Group], size: int, out_axes: Any) -> Any:
    first = groups[0].program.traced
    _check_alike(groups)
    axes = broadcast_prefix(out_axes, _skeleton(first.out_tree), "vmap: out_axes", "the results")
    outputs = _outputs(groups, size)
    paths = leaf_paths(first.out_tree, "result")
    found = []
    for k, (axis, path) in enumerate(zip(axes, paths, strict=True)):
        if axis is None:
            _check_shared(groups, k, path)
            found += joined([outputs[k][0]], first.whole[k : k + 1])
            continue
        found.append(_placed(*joined([outputs[k]], first.whole[k : k + 1]), axis, path))
    return unflatten(first.out_tree, found)


def _skeleton(tree: Tree) -> Any:
    return unflatten(tree, [0.0] * tree.leaves)


def _check_alike(groups: list[_Group]) -> None:
    """Members on different branches must agree in the kind and the shapes of their results."""
    first = groups[0].program.traced
    for group in groups[1:]:
        traced = group.program.traced
        types, others = _types(first.graph), _types(traced.graph)
        if traced.out_tree != first.out_tree or types != others or traced.whole != first.whole:
            shown, other = (" and ".join(map(str, found)) or "nothing" for found in (types, others))
            branches = groups[0].program.graph.guards
            raise TypeError(
                f"vmap: member {groups[0].which[0]} returns {shown}, member {group.which[0]}, which takes "
                f"another branch{at(branches[-1].location)}, returns {other}: all members must return the "
                "same kind of result"
            )


def _types(graph: Graph) -> list[Type]:
    return [y.type for y in graph.outputs]


def _check_shared(groups: list[_Group], k: int, path: str) -> None:
    if len(groups) > 1 or groups[0].depends(k):
        raise TraceError(
            f"vmap: out_axes is None for {path}{at(user_location())}, but it differs between members: "
            "give it an axis"
        )


def _placed(whole: Any, axis: Any, path: str) -> Any:
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(f"vmap: out_axes has {axis!r} for {path}{at(user_location())}: expected int or None")
    if not -whole.ndim <= axis < whole.ndim:
        raise ValueError(
            f"vmap: {path} of shape {whole.shape[1:]} has no place for an axis {axis}{at(user_location())}"
        )
    return whole if axis == 0 else np.moveaxis(whole, 0, axis)
