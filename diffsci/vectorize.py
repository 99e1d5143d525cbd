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

from diffsci.errors import TraceError
from diffsci.graph import Graph, Type
from diffsci.graph.interpreter import run
from diffsci.source import at, user_location
from diffsci.subprograms import Subprogram, enter, evaluate
from diffsci.tracing import TracedArray
from diffsci.tracing.complex.boundary import entering, joined
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.transforms import batch_graph
from diffsci.trees import Tree, broadcast_prefix, flatten, leaf_paths, unflatten

__all__ = ["vmap"]

Axes = "int | None | tuple | list | dict"


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
    Members may take different branches. Under `jit` the grouping of members by branch is part of the
    compiled program, which applies as long as every member takes the path of its group.

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
    """Members that take one path: their program, and what it computes for them."""

    program: Subprogram
    which: np.ndarray
    outputs: list[Any]
    depends: list[bool]


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
    if not isinstance(leaf, (np.ndarray, TracedArray)):
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
        graph = program.graph
        holds = np.ones(len(pending), bool)
        if graph.guards:
            values = _chosen([concrete(x) for x in inputs], flags, pending)
            holds = _holding(graph, flags, values, len(pending))
        which = pending[holds]
        chosen = inputs if len(which) == members.size else _chosen(inputs, flags, which)
        outputs = evaluate(batch_graph(graph, flags, len(which)), chosen)
        groups.append(_Group(program, which, outputs, _depends(graph, flags)))
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


def _depends(graph: Graph, flags: Sequence[bool]) -> list[bool]:
    """Tell which outputs differ between members."""
    reached = {x for x, flag in zip(graph.inputs, flags, strict=True) if flag}
    for node in graph.nodes:
        if any(x in reached for x in node.inputs):
            reached.add(node)
    return [y in reached for y in graph.outputs]


# ---- results -------------------------------------------------------------------------------------


def _assembled(groups: list[_Group], size: int, out_axes: Any) -> Any:
    first = groups[0].program.traced
    _check_alike(groups)
    axes = broadcast_prefix(out_axes, _skeleton(first.out_tree), "vmap: out_axes", "the results")
    order = np.argsort(np.concatenate([group.which for group in groups]))
    paths = leaf_paths(first.out_tree, "result")
    found = []
    for k, (axis, path) in enumerate(zip(axes, paths, strict=True)):
        if axis is None:
            found.append(joined([_shared(groups, k, path)], first.whole[k : k + 1])[0])
            continue
        whole = groups[0].outputs[k]
        if len(groups) > 1:
            whole = np.concatenate([group.outputs[k] for group in groups])[order]
        found.append(_placed(*joined([whole], first.whole[k : k + 1]), axis, path))
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


def _shared(groups: list[_Group], k: int, path: str) -> Any:
    if len(groups) > 1 or groups[0].depends[k]:
        raise TraceError(
            f"vmap: out_axes is None for {path}{at(user_location())}, but it differs between members: "
            "give it an axis"
        )
    return groups[0].outputs[k][0]


def _placed(whole: Any, axis: Any, path: str) -> Any:
    if not isinstance(axis, (int, np.integer)):
        raise TypeError(f"vmap: out_axes has {axis!r} for {path}{at(user_location())}: expected int or None")
    if not -whole.ndim <= axis < whole.ndim:
        raise ValueError(
            f"vmap: {path} of shape {whole.shape[1:]} has no place for an axis {axis}{at(user_location())}"
        )
    return whole if axis == 0 else np.moveaxis(whole, 0, axis)
