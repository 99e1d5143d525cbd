"""The operation behind ``strict=True``: hands a value on, and raises where it was flagged as a kink."""

from __future__ import annotations

import numpy as np

from diffsci.errors import KinkError
from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import of_first
from diffsci.primitives.series import linear
from diffsci.primitives.shared import BOOL, to_batch


def _type(x: Type, *pairs: Type, kinks: tuple) -> Type:
    flags, shown = pairs[: len(kinks)], pairs[len(kinks) :]
    if len(shown) != len(kinks) or any(flag.dtype != BOOL for flag in flags):
        raise TypeError(f"checked: {len(kinks)} kinks need as many flags and operands")
    return x


def _value(x, *pairs, kinks: tuple):
    for k, kink in enumerate(kinks):
        flag = np.asarray(pairs[k])
        if flag.any():
            raise _error(flag, np.asarray(pairs[len(kinks) + k]), kink)
    return np.array(x)


def _error(flag: np.ndarray, shown: np.ndarray, kink: tuple[str, str, str, str]) -> KinkError:
    """Name the first place."""
    name, where, reason, convention = kink
    index = tuple(int(k) for k in np.argwhere(flag)[0]) if flag.ndim else ()
    value = np.broadcast_to(shown, flag.shape)[index]
    place = f" at index {index if len(index) > 1 else index[0]}" if index else ""
    more = int(flag.sum()) - 1
    others = f" (and at {more} more)" if more else ""
    return KinkError(
        f"{name} {reason}: {value}{place}{others}{where}. A derivative is asked for where there is none; "
        f"without strict=True it is {convention}. Move the point, smooth the operation, or mask it away."
    )


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """A derivative that does not move is checked as well: the slope of |x| is constant but for its jump."""
    moved = b.zeros(node.type) if t[0] is None else t[0]
    return b.checked(moved, *node.inputs[1:], **node.params)


def _transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    return [b.checked(ct, *node.inputs[1:], **node.params), *[None] * (len(node.inputs) - 1)]


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    """A flag and what is shown get the axis together."""
    x = inputs[0] if batched[0] else to_batch(b, inputs[0], size)
    count = len(node.params["kinks"])
    rest, flags = list(inputs[1:]), batched[1:]
    for k in range(count):
        if flags[k] != flags[count + k]:
            late = count + k if flags[k] else k
            rest[late] = to_batch(b, rest[late], size)
    return b.checked(x, *rest, **node.params)


register(
    Primitive(
        name="checked",
        type=_type,
        value=_value,
        family="check",
        jvp=_jvp,
        transpose=_transpose,
        batch=_batch,
        taylor=linear,
        pattern=of_first,
    )
)
