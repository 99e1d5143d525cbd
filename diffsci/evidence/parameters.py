"""The float and complex leaves of a function's arguments as one vector with readable names.

Checks move along straight lines through parameter space. :class:`Parameters` is the dictionary between the
nested arguments a user passes and the vector such a line lives in; every entry keeps the name a user would
write for it. A complex number is two entries, its parts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.tracing.complex.boundary import parts_of, whole_of
from diffsci.tracing.standard import refuse_device
from diffsci.trees import flatten, leaf_paths, tree_map, unflatten

__all__ = ["Leaf", "Parameters", "inexact_leaves", "is_inexact", "real_entries", "zero_like"]


@dataclass(frozen=True)
class Leaf:
    """One number or array among the arguments: its name, its place in the vector, its original value."""

    name: str
    start: int
    value: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the leaf's value."""
        return np.shape(self.value)

    @property
    def dtype(self) -> np.dtype:
        """Dtype of the leaf's value (float64 for a Python float)."""
        return np.asarray(self.value).dtype

    @property
    def whole(self) -> bool:
        """Whether the leaf is complex."""
        return self.dtype.kind == "c"

    @property
    def stop(self) -> int:
        """One past the leaf's last place in the vector."""
        return self.start + int(np.size(self.value)) * (2 if self.whole else 1)

    def restore(self, part: np.ndarray, keep_dtype: bool) -> Any:
        """A value of this leaf's kind and shape from its part of a (real or complex) vector.

        Parts that are complex themselves cannot be joined: they are returned along a last axis.
        """
        if self.whole:
            parts = part.reshape(*self.shape, 2)
            if np.iscomplexobj(part):
                return parts
            value = whole_of(parts)
            value = value.astype(self.dtype) if keep_dtype else value
            return value if isinstance(self.value, (np.ndarray, np.generic)) else complex(value)
        if isinstance(self.value, np.ndarray):
            return part.reshape(self.shape).astype(self.dtype if keep_dtype else part.dtype)
        if isinstance(self.value, float) and not isinstance(self.value, np.generic):
            return part[0].item()
        return self.dtype.type(part[0]) if keep_dtype else part[0]

    def entry(self, index: int) -> str:
        """Name of the flat entry ``index`` of this leaf."""
        if self.whole:
            return f"{self._place(index // 2)}.{('real', 'imag')[index % 2]}"
        return self._place(index)

    def _place(self, index: int) -> str:
        if not self.shape:
            return self.name
        place = np.unravel_index(index, self.shape)
        return f"{self.name}[{', '.join(str(int(i)) for i in place)}]"


def is_inexact(value: Any) -> bool:
    """Whether ``value`` is differentiated: a Python float or complex number, NumPy's, or an array of them."""
    if isinstance(value, (float, complex)):
        return True
    return isinstance(value, (np.ndarray, np.generic)) and np.issubdtype(value.dtype, np.inexact)


def real_entries(value: Any) -> np.ndarray:
    """The real numbers of a float or complex value: the parts of a complex one along a last axis."""
    return parts_of(value) if np.iscomplexobj(value) else np.asarray(value)


def zero_like(value: Any) -> Any:
    """The tangent of a leaf that does not move: zeros for numbers; static values stand for themselves."""
    return np.zeros_like(value) if is_inexact(value) or _is_integer(value) else value


def _is_integer(value: Any) -> bool:
    """Whether a leaf is an integer, a flag or an array of such."""
    return isinstance(value, (int, np.ndarray, np.generic)) and np.asarray(value).dtype.kind in "biu"


def inexact_leaves(value: Any) -> list[np.ndarray]:
    """The float and complex leaves of a nested value (typically a function's result), in order."""
    return [np.asarray(leaf) for leaf in flatten(value)[0] if is_inexact(leaf)]


def argument_names(f: Callable, count: int) -> list[str]:
    """The names of ``f``'s first ``count`` positional parameters, as its author wrote them."""
    try:
        declared = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # builtins without a signature
        declared = []
    names = [p.name for p in declared if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in declared if p.kind is p.VAR_POSITIONAL), "argument")
    extra = [f"{rest}[{i}]" for i in range(max(0, count - len(names)))]
    return (names + extra)[:count]


class Parameters:
    """The differentiated leaves of ``args``, as a vector of float64 and back."""

    def __init__(self, f: Callable, args: tuple, argnums: int | tuple[int, ...] | None = None):
        self.args = args
        tree_map(refuse_device, args)
        self.argnums = _selected(args, argnums)
        self.leaves: list[Leaf] = []
        names = argument_names(f, len(args))
        for k in self.argnums:
            self._collect(names[k], args[k])
        if not self.leaves:
            raise ValueError(
                "nothing to differentiate: the selected arguments hold no float or float array "
                "(expected Python floats, float32 or float64 arrays, or containers of them)"
            )
        self.size = self.leaves[-1].stop

    def _collect(self, name: str, argument: Any) -> None:
        values, tree = flatten(argument)
        for path, value in zip(leaf_paths(tree, name), values, strict=True):
            if is_inexact(value):
                self.leaves.append(Leaf(path, self.leaves[-1].stop if self.leaves else 0, value))

    @property
    def vector(self) -> np.ndarray:
        """The parameters' values, float64."""
        return np.concatenate([np.ravel(real_entries(leaf.value)).astype(np.float64) for leaf in self.leaves])

    @property
    def precision(self) -> float:
        """The coarsest unit roundoff among the leaves (float32 parameters carry seven digits)."""
        return max(float(np.finfo(leaf.dtype).eps) for leaf in self.leaves)

    def leaf_of(self, index: int) -> Leaf:
        """The leaf that entry ``index`` of the vector belongs to."""
        return next(leaf for leaf in self.leaves if leaf.start <= index < leaf.stop)

    def name(self, index: int) -> str:
        """The name of entry ``index`` of the vector, e.g. ``rates[2]`` or ``model['k'][0, 3]``."""
        leaf = self.leaf_of(index)
        return leaf.entry(index - leaf.start)

    def scale(self) -> np.ndarray:
        """A natural size for a change of each entry: its magnitude, its leaf's if it is zero, else one."""
        vector = np.abs(self.vector)
        for leaf in self.leaves:
            part = vector[leaf.start : leaf.stop]
            part[part == 0.0] = np.max(part, initial=0.0) or 1.0
        return vector

    def fill(self, vector: np.ndarray, keep_dtype: bool = False) -> tuple:
        """The arguments with the differentiated leaves taken from ``vector`` (real or complex).

        ``keep_dtype`` rounds back to each leaf's own dtype; otherwise leaves are as precise as ``vector``, so
        that references for float32 models are computed in double precision.
        """
        parts = self._parts(vector, keep_dtype)
        return tuple(
            _replace(arg, lambda leaf: next(parts) if is_inexact(leaf) else leaf)
            if k in self.argnums
            else arg
            for k, arg in enumerate(self.args)
        )

    def tangents(self, vector: np.ndarray) -> tuple:
        """``vector`` as tangents for every argument: zero for floats that are not differentiated."""
        parts = self._parts(vector, keep_dtype=True)
        return tuple(
            _replace(
                arg,
                (lambda leaf: next(parts) if is_inexact(leaf) else zero_like(leaf))
                if k in self.argnums
                else zero_like,
            )
            for k, arg in enumerate(self.args)
        )

    def gather(self, gradients: tuple) -> np.ndarray:
        """The vector of a gradient given as one tree per argument (same structure as the arguments)."""
        parts = []
        for k in self.argnums:
            values, tree = flatten(self.args[k])
            entries = _aligned(tree, gradients[k])
            parts += [
                np.ravel(real_entries(np.broadcast_to(np.asarray(entry, _double(value)), np.shape(value))))
                for value, entry in zip(values, entries, strict=True)
                if is_inexact(value)
            ]
        return np.concatenate(parts)

    def gather_selected(self, chosen: Any, argnums: int | tuple[int, ...]) -> np.ndarray:
        """The vector of one tree per selected argument (a bare tree if ``argnums`` is an int)."""
        placed: list[Any] = [None] * len(self.args)
        for k, tree in zip(self.argnums, (chosen,) if isinstance(argnums, int) else chosen, strict=True):
            placed[k] = tree
        return self.gather(tuple(placed))

    def _parts(self, vector: np.ndarray, keep_dtype: bool) -> Iterator[Any]:
        return iter([leaf.restore(vector[leaf.start : leaf.stop], keep_dtype) for leaf in self.leaves])


def _double(value: Any) -> type:
    return np.complex128 if np.iscomplexobj(value) else np.float64


def _replace(value: Any, function: Callable[[Any], Any]) -> Any:
    leaves, tree = flatten(value)
    return unflatten(tree, [function(leaf) for leaf in leaves])


def _aligned(tree: Any, value: Any) -> list:
    """The parts of ``value`` at the leaves of ``tree`` (a gradient may hold None where the argument is
    static).
    """
    if tree.kind == "leaf":
        return [value]
    if tree.kind == "none":
        return []
    if tree.keys:
        by_name = value.__getitem__ if isinstance(value, dict) else lambda key: getattr(value, key)
        below = [by_name(key) for key in tree.keys]
    else:
        below = list(value)
    return [part for child, item in zip(tree.children, below, strict=True) for part in _aligned(child, item)]


def _selected(args: tuple, argnums: int | tuple[int, ...] | None) -> tuple[int, ...]:
    if argnums is None:
        return tuple(range(len(args)))
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for k in chosen:
        if not 0 <= k < len(args):
            raise ValueError(
                f"argnums={argnums}: the function was given {len(args)} argument(s), there is no number {k}"
            )
    return chosen
