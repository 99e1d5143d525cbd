"""Loops run by a host object: how a time integration becomes one differentiable operation.

A `CustomLoop` F maps arrays x to arrays y and leaves a tape (step sizes, checkpoints, whatever it
needs to repeat exactly the same steps). The kernel asks it for two things only, both on the frozen
tape: J(x) dx and J(x)^T w, for F and for its pushforward F' : (x, dx) -> (y, dy). With

    d  run[F](x)           = jvp[F](x, tape, dx)
    d  jvp[F](x, tape, v)  = second half of jvp[F']((x, v), tape, (dx, dv))
    d  vjp[F](x, tape, w)  = first half of vjp[F']((x, dx), tape, (dw, w)) = hvp[F](x, tape, w, dx, dw)
    jvp[F] and vjp[F] transpose into each other,
    hvp[F], which is linear in (dx, dw), transposes into (hvp[F](x, tape, w, v, 0), jvp[F](x, tape, v)),
    because the Hessian of <w, F> is symmetric,

derivatives of any order and in any mode follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.graph.namespaces import as_array, namespace
from diffsci.primitives.custom_loop import CustomLoop
from diffsci.primitives.shared import to_batch

__all__ = ["TAPE", "contiguous"]

TAPE = Type((), np.dtype(object))


def _floats(types) -> list[int]:
    return [k for k, type_ in enumerate(types) if type_.is_float]


def _run_type(*types: Type, loop: CustomLoop) -> tuple[Type, ...]:
    return (*loop.output_types(list(types)), TAPE)


def _jvp_type(*types: Type, loop: CustomLoop, inputs: int) -> tuple[Type, ...]:
    return tuple(t for t in loop.output_types(list(types[:inputs])) if t.is_float)


def _vjp_type(*types: Type, loop: CustomLoop, inputs: int) -> tuple[Type, ...]:
    return tuple(t for t in types[:inputs] if t.is_float)


def _tape_array(tape: Any) -> np.ndarray:
    boxed = np.empty((), dtype=object)
    boxed[()] = tape
    return boxed


def contiguous(arrays) -> list[np.ndarray]:
    """Return the arrays as a loop takes them; those on a device stay there."""
    found = list(arrays)
    xp = namespace(found)
    return [xp.ascontiguousarray(array).reshape(np.shape(array)) for array in found]


def _run_value(*x, loop: CustomLoop):
    outputs, tape = loop.run(contiguous(x))
    return (*map(as_array, outputs), _tape_array(tape))


def _scatter(values, types) -> list:
    """One entry per type, None where the type is no float."""
    pending = iter(values)
    return [next(pending) if type_.is_float else None for type_ in types]


def _types(values) -> list[Type]:
    """Types of operands; complex numbers stand for real ones when a loop is continued analytically."""
    found = [Type.of(value) for value in values]
    return [Type(t.shape, np.dtype(float)) if t.dtype.kind == "c" else t for t in found]


def _jvp_value(*values, loop: CustomLoop, inputs: int):
    x, tape, dx = contiguous(values[:inputs]), values[inputs][()], contiguous(values[inputs + 1 :])
    types = _types(x)
    out_types = loop.output_types(types)
    dy = loop.tangent(x, tape, _scatter(dx, types))
    return tuple(as_array(v) for v, type_ in zip(dy, out_types, strict=True) if type_.is_float)


def _vjp_value(*values, loop: CustomLoop, inputs: int):
    x, tape, w = contiguous(values[:inputs]), values[inputs][()], contiguous(values[inputs + 1 :])
    types = _types(x)
    out_types = loop.output_types(types)
    pending, xp = iter(w), namespace(w)
    ct = [next(pending) if t.is_float else xp.zeros(t.shape, t.dtype) for t in out_types]
    xbar = loop.pullback(x, tape, ct)
    return tuple(as_array(v) for v, type_ in zip(xbar, types, strict=True) if type_.is_float)


def _run_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node | None]:
    loop, x = node.params["loop"], node.inputs
    tape = b.project(node, index=len(node.type) - 1)
    dx = [_or_zeros(b, t[k], x[k]) for k in _floats([n.type for n in x])]
    moved = b.host_jvp(*x, tape, *dx, loop=loop, inputs=len(x))
    outputs = iter(range(len(moved.type)))
    return [b.project(moved, index=next(outputs)) if type_.is_float else None for type_ in node.type]


def _run_jvp_masked(b: Builder, node: Node, t: list[Node | None], masks: Any) -> list[Node | None]:
    """The tangent of the loop that keeps infinite slopes away from inputs that were selected away."""
    found = [None if tangent is None else masks.of(tangent) for tangent in t]
    flags = tuple(mask is not None for mask in found)
    loop, x = node.params["loop"], node.inputs
    masked = loop.masked(flags, (False,) * (len(node.type) - 1)) if any(flags) else None
    if masked is None:
        return _run_jvp(b, node, t)
    tape = b.project(node, index=len(node.type) - 1)
    dx = [_or_zeros(b, t[k], x[k]) for k in _floats([n.type for n in x])]
    operands = [*x, *(mask for mask in found if mask is not None)]
    moved = b.host_jvp(*operands, tape, *dx, loop=masked, inputs=len(operands))
    outputs = iter(range(len(moved.type)))
    return [b.project(moved, index=next(outputs)) if type_.is_float else None for type_ in node.type]


def _or_zeros(b: Builder, tangent: Node | None, x: Node) -> Node:
    return b.zeros(x.type) if tangent is None else tangent


def _run_taylor(b: Builder, node: Node, series, k: int) -> list[Node | None]:
    order, x = series.reach(node, k), node.inputs
    jet = series.once((node, order), lambda: node.params["loop"].jet(order))
    if jet is None:
        return series.from_tangent(node, k)
    floats = [y for y in x if y.type.is_float]
    coefficients = [series(y, j) or b.zeros(y.type) for j in range(1, order + 1) for y in floats]
    run = b.host_run(*(series(y, 0) for y in x), *coefficients, loop=jet)
    kept = _floats(node.type[:-1])
    out: list[Node | None] = [None] * len(node.type)
    for position, index in enumerate(kept, len(node.type) - 1 + (k - 1) * len(kept)):
        out[index] = b.project(run, index=position)
    return out


def _split(node: Node) -> tuple[list[Node], Node, list[Node]]:
    count = node.params["inputs"]
    return list(node.inputs[:count]), node.inputs[count], list(node.inputs[count + 1 :])


def _split_tangents(node: Node, t: list[Node | None]):
    count = node.params["inputs"]
    return t[:count], t[count + 1 :]


def _jvp_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node | None]:
    x, tape, v = _split(node)
    tx, tv = _split_tangents(node, t)
    if all(tangent is None for tangent in tx):  # linear in v: the same loop, no second derivative
        dv = [_or_zeros(b, tangent, value) for tangent, value in zip(tv, v, strict=True)]
        moved = b.host_jvp(*x, tape, *dv, **node.params)
        return [b.project(moved, index=k) for k in range(len(node.type))]
    dx = [_or_zeros(b, tx[k], x[k]) for k in _floats([n.type for n in x])]
    dv = [_or_zeros(b, tangent, value) for tangent, value in zip(tv, v, strict=True)]
    pushed = node.params["loop"].pushforward()
    moved = b.host_jvp(*x, *v, tape, *dx, *dv, loop=pushed, inputs=len(x) + len(v))
    half = len(node.type)
    return [b.project(moved, index=half + k) for k in range(half)]


def _jvp_transpose(b: Builder, node: Node, cts: list[Node], linear: list[bool]) -> list[Node | None]:
    x, tape, v = _split(node)
    count = len(x)
    if any(linear[: count + 1]):
        raise TypeError("host_jvp is linear in its tangents only")
    pulled = b.host_vjp(*x, tape, *cts, **node.params)
    back = [b.project(pulled, index=k) for k in range(len(v))]
    return [None] * (count + 1) + [
        g if is_lin else None for g, is_lin in zip(back, linear[count + 1 :], strict=True)
    ]


def _jvp_transpose_masked(
    b: Builder, node: Node, cts: list[Node | None], linear: list[bool], masks: Any
) -> list[Node | None]:
    """The adjoint of the loop that keeps infinite slopes away from outputs that were selected away."""
    x, tape, _ = _split(node)
    loop = node.params["loop"]
    filled = [b.zeros(type_) if ct is None else ct for ct, type_ in zip(cts, node.type, strict=True)]
    found = [masks.of(ct) for ct in filled]
    if all(mask is None or masks.is_absent(ct) for mask, ct in zip(found, filled, strict=True)):
        return _jvp_transpose(b, node, filled, linear)
    pending = iter(found)
    types = loop.output_types([n.type for n in x])
    flags = tuple(type_.is_float and next(pending) is not None for type_ in types)
    masked = loop.masked((False,) * len(x), flags)
    if masked is None:
        return _jvp_transpose(b, node, filled, linear)
    operands = [*x, *(mask for mask in found if mask is not None)]
    pulled = b.host_vjp(*operands, tape, *filled, loop=masked, inputs=len(operands))
    back = [b.project(pulled, index=k) if flag else None for k, flag in enumerate(linear[len(x) + 1 :])]
    return [None] * (len(x) + 1) + back


def _vjp_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node | None]:
    x, tape, w = _split(node)
    tx, tw = _split_tangents(node, t)
    dw = [_or_zeros(b, tangent, value) for tangent, value in zip(tw, w, strict=True)]
    if all(tangent is None for tangent in tx):
        moved = b.host_vjp(*x, tape, *dw, **node.params)
    else:
        dx = [_or_zeros(b, tx[k], x[k]) for k in _floats([n.type for n in x])]
        moved = b.host_hvp(*x, tape, *w, *dx, *dw, **node.params)
    return [b.project(moved, index=k) for k in range(len(node.type))]


def _vjp_transpose(b: Builder, node: Node, cts: list[Node], linear: list[bool]) -> list[Node | None]:
    x, tape, w = _split(node)
    count = len(x)
    if any(linear[: count + 1]):
        raise TypeError("host_vjp is linear in its cotangents only")
    pushed = b.host_jvp(*x, tape, *cts, **node.params)
    back = [b.project(pushed, index=k) for k in range(len(w))]
    return [None] * (count + 1) + [
        g if is_lin else None for g, is_lin in zip(back, linear[count + 1 :], strict=True)
    ]


class _Hvp:
    """The operands of a host_hvp node: x, tape, w, dx, dw."""

    def __init__(self, values: Sequence, types: Sequence[Type], inputs: int):
        self.x, self.tape = list(values[:inputs]), values[inputs]
        floats = sum(type_.is_float for type_ in types[:inputs])
        weights = (len(values) - inputs - 1 - floats) // 2
        rest = list(values[inputs + 1 :])
        self.w, self.dx, self.dw = rest[:weights], rest[weights : weights + floats], rest[weights + floats :]


def _hvp_value(*values, loop: CustomLoop, inputs: int):
    types = _types(values)
    own = _Hvp(values, types, inputs)
    pushed = _vjp_value(
        *own.x, *own.dx, own.tape, *own.dw, *own.w, loop=loop.pushforward(), inputs=len(own.x) + len(own.dx)
    )
    return pushed[: len(own.dx)]


def _hvp_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node | None]:
    types, inputs = [n.type for n in node.inputs], node.params["inputs"]
    own, moved = _Hvp(node.inputs, types, inputs), _Hvp(t, types, inputs)
    ddx = [_or_zeros(b, tangent, value) for tangent, value in zip(moved.dx, own.dx, strict=True)]
    ddw = [_or_zeros(b, tangent, value) for tangent, value in zip(moved.dw, own.dw, strict=True)]
    if all(tangent is None for tangent in (*moved.x, *moved.w)):
        found = b.host_hvp(*own.x, own.tape, *own.w, *ddx, *ddw, **node.params)
    else:
        dx = [_or_zeros(b, moved.x[k], own.x[k]) for k in _floats([n.type for n in own.x])]
        dw = [_or_zeros(b, tangent, value) for tangent, value in zip(moved.w, own.w, strict=True)]
        primals, weights = (*own.x, *own.dx), (*own.dw, *own.w)
        pushed = node.params["loop"].pushforward()
        tangents = (*dx, *ddx, *ddw, *dw)
        found = b.host_hvp(*primals, own.tape, *weights, *tangents, loop=pushed, inputs=len(primals))
    return [b.project(found, index=k) for k in range(len(node.type))]


def _hvp_transpose(b: Builder, node: Node, cts: list[Node], linear: list[bool]) -> list[Node | None]:
    types, inputs = [n.type for n in node.inputs], node.params["inputs"]
    own, flags = _Hvp(node.inputs, types, inputs), _Hvp(linear, types, inputs)
    if any(flags.x) or flags.tape or any(flags.w):
        raise TypeError("host_hvp is linear in its tangents only")
    still = [b.zeros(weight.type) for weight in own.w]
    over_dx = b.host_hvp(*own.x, own.tape, *own.w, *cts, *still, **node.params)
    over_dw = b.host_jvp(*own.x, own.tape, *cts, **node.params)
    back: list[Node | None] = [None] * (inputs + 1 + len(own.w))
    for source, marks in ((over_dx, flags.dx), (over_dw, flags.dw)):
        back += [b.project(source, index=k) if mark else None for k, mark in enumerate(marks)]
    return back


def _wide(b: Builder, inputs: list[Node], batched: list[bool], wanted: list[bool], size: int) -> list[Node]:
    """Repeat the inputs that are wanted with the leading axis and have none."""
    return [
        to_batch(b, x, size) if want and not has else x
        for x, has, want in zip(inputs, batched, wanted, strict=True)
    ]


def _run_batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node | None:
    loop = node.params["loop"]
    flags = loop.member_flags(batched)
    many = loop.batched(tuple(flags), size)
    return None if many is None else b.host_run(*_wide(b, inputs, batched, flags, size), loop=many)


def _derivative_batch(
    b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int
) -> Node | None:
    """Members of the derivatives: of the tangent as they come, of cotangents one for every input."""
    loop, count = node.params["loop"], node.params["inputs"]
    own = [True] * count
    rest = [True] * (len(inputs) - count - 1)
    if node.name == "host_jvp":
        reals = _floats([x.type for x in node.inputs[:count]])
        own = batched[:count]
        for place, has in zip(reals, batched[count + 1 :], strict=True):
            own[place] = own[place] or has
        own = loop.member_flags(own)
        rest = [own[place] for place in reals]
    many = loop.batched(tuple(own), size)
    if many is None:
        return None
    operands = _wide(b, inputs, batched, [*own, batched[count], *rest], size)
    if not batched[count]:  # a tape has no axes
        operands[count] = b.host_spread(inputs[count], loop=loop, size=size)
    return b.emit(node.primitive, *operands, loop=many, inputs=count)


def _spread_batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    """A tape of many members spreads like any other: it has no axes."""
    return b.host_spread(inputs[0], **node.params)


def _spread_value(tape: np.ndarray, *, loop: CustomLoop, size: int) -> np.ndarray:
    return _tape_array(loop.spread(tape[()], size))


register(
    Primitive(
        name="host_run",
        type=_run_type,
        value=_run_value,
        family="host",
        jvp=_run_jvp,
        masked_jvp=_run_jvp_masked,
        batch=_run_batch,
        taylor=_run_taylor,
    )
)
register(
    Primitive(
        name="host_spread",
        type=lambda tape, *, loop, size: TAPE,
        value=_spread_value,
        family="host",
        jvp="zero",
        batch=_spread_batch,
    )
)
register(
    Primitive(
        name="host_jvp",
        type=_jvp_type,
        value=_jvp_value,
        family="host",
        jvp=_jvp_jvp,
        transpose=_jvp_transpose,
        masked_transpose=_jvp_transpose_masked,
        batch=_derivative_batch,
    )
)
register(
    Primitive(
        name="host_vjp",
        type=_vjp_type,
        value=_vjp_value,
        family="host",
        jvp=_vjp_jvp,
        transpose=_vjp_transpose,
        batch=_derivative_batch,
    )
)
register(
    Primitive(
        name="host_hvp",
        type=_vjp_type,
        value=_hvp_value,
        family="host",
        jvp=_hvp_jvp,
        transpose=_hvp_transpose,
        batch=_derivative_batch,
    )
)
