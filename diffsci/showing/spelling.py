"""How each operation is spelled in NumPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np

from diffsci.graph import Node, Primitive
from diffsci.showing import helpers

__all__ = ["spelled"]

INFIX = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "lt": "<",
    "le": "<=",
    "gt": ">",
    "ge": ">=",
    "eq": "==",
    "ne": "!=",
    "logical_and": "&",
    "logical_or": "|",
    "logical_xor": "^",
}


def _convert(x: str, dtype: np.dtype) -> str:
    return f"np.asarray({x}).astype(np.{dtype.name})" if dtype.kind != "b" else f"({x} != 0)"


def _slice(x: str, start: Sequence[int], stop: Sequence[int], step: Sequence[int]) -> str:
    cuts = [f"{a}:{b}" if c == 1 else f"{a}:{b}:{c}" for a, b, c in zip(start, stop, step, strict=True)]
    return f"{x}[{', '.join(cuts)}]" if cuts else x


def _reduction(name: str) -> Callable[..., str]:
    return lambda x, axes: f"np.{name}({x}, axis={axes})"


def _contract(x: str, y: str, spec: Sequence[str]) -> str:
    return f'np.einsum("{spec[0]},{spec[1]}->{spec[2]}", {x}, {y}, optimize=True)'


def _power(x: str, exponent: int) -> str:
    return f"{x}**{exponent}" if exponent == 2 else f"np.power({x}, {float(exponent)})"


WRITTEN: dict[str, Callable[..., str]] = {
    "neg": lambda x: f"-{x}",
    "logical_not": lambda x: f"~{x}",
    "stop_gradient": lambda x: x,
    "select": lambda c, x, y: f"np.where({c}, {x}, {y})",
    "integer_pow": _power,
    "convert": _convert,
    "reshape": lambda x, shape: f"np.reshape({x}, {shape})",
    "transpose": lambda x, perm: f"np.transpose({x}, {perm})",
    "flip": lambda x, axes: f"np.flip({x}, {axes})",
    "roll": lambda x, shift: f"np.roll({x}, {shift}, axis={tuple(range(len(shift)))})",
    "slice": _slice,
    "concatenate": lambda *x, axis: f"np.concatenate([{', '.join(x)}], axis={axis})",
    "take": lambda x, index, axis: f"np.take({x}, {index}, axis={axis})",
    "contract": _contract,
    "argmax": lambda x, axis: f"np.argmax({x}, axis={axis})",
    "argmin": lambda x, axis: f"np.argmin({x}, axis={axis})",
    "cumprod": lambda x, axis: f"np.cumprod({x}, axis={axis})",
    **{name: _reduction(name) for name in ("sum", "prod", "max", "min", "any", "all")},
}
STABLE = {"log_expit": "log_sigmoid"} | {
    name: name
    for name in (
        "sigmoid softplus logit logcosh log1mexp logaddexp logsubexp logsumexp softmax log_softmax"
    ).split()
}
HELPED = {"broadcast", "pad", "set_slice", "place", "put", "put_add", "cumsum"}  # see `helpers`


def spelled(node: Node, operands: Sequence[str], params: dict[str, str]) -> str:
    """Return the expression of an operation.

    Parameters
    ----------
    node : Node
    operands : sequence of str
        Names of its operands.
    params : dict
        Its parameters as source.
    """
    if node.name in INFIX:
        return f" {INFIX[node.name]} ".join(operands)
    if node.name in WRITTEN:
        return WRITTEN[node.name](*operands, **node.params)
    arguments = ", ".join([*operands, *(f"{key}={value}" for key, value in params.items())])
    if node.name in HELPED:
        assert hasattr(helpers, node.name)
        return f"{node.name}({arguments})"
    if node.name in STABLE:
        return f"ds.stable.{STABLE[node.name]}({arguments})"
    library = None if params else _library(node.primitive)
    if library is not None:
        return f"{library}({arguments})"
    return f"operation({', '.join([repr(node.name), arguments])})"


def _library(primitive: Primitive) -> str | None:
    """Return the function of NumPy or SciPy that is the operation's value."""
    value = getattr(primitive.value, "__wrapped__", primitive.value)
    if isinstance(value, functools.partial) and value.func.__module__.endswith("scipy_special"):
        return f"special.{value.args[0]}"
    name = getattr(value, "__name__", "")
    return f"np.{name}" if name and getattr(np, name, None) is value else None
