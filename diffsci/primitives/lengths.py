"""Euclidean lengths of two numbers and of vectors, with derivatives that neither overflow nor cancel.

Squares of numbers beyond 2**500 or below 2**-500 are taken of scaled numbers (J. L. Blue, ACM TOMS 4 (1978));
scales are powers of two and change no digit. Derivatives are written so that no difference of nearly equal
numbers is formed:

- those of h = hypot(x, y) are sums of x**a y**b / h**c, where 1 - (x / h)**2 is written (y / h)**2;
- those of h = length(x) go through the direction u = x / h and its tangent (t - u (u . t)) / h, where
  1 - u_i**2 is the sum of the other u_j**2 if u_i dominates.

At zero every derivative is 0; at infinity, derivatives have their limits: a direction is that of the infinite
components.
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Labelled
from diffsci.primitives.reductions import spread
from diffsci.primitives.shared import add_tangents, shifted
from diffsci.primitives.special.formulas import by_formula
from diffsci.primitives.special.terms import Term, f, row

__all__ = ["along", "batch_along_axes", "direction", "length", "over", "reduced_type", "register_along_axes"]

BIG, SMALL = 2.0**500, 2.0**-500  # between them squares neither overflow nor lose their digits
HUGE = 2.0**1000  # from here on a length may overflow where its components do not
DOWN, UP = 2.0**-600, 2.0**600
GUARD = 2.0**100  # keeps quotients of small components from becoming subnormal before they grow again


def along(reduced: Term, x: Term, axes: tuple[int, ...]) -> Term:
    """A reduced value, spread over the axes that it lost."""
    return Term(x.b, spread(x.b, reduced.node, x.node, axes))


def over(name: str, x: Term, axes: tuple[int, ...]) -> Term:
    """A reduction, spread over the axes again."""
    return along(x.apply(name, x, axes=axes), x, axes)


def _positive(x: Term) -> Term:
    """X, or 1 where it is 0: what to divide by."""
    return f.where(f.eq(x, 0.0), 1.0, x)


def _chosen(x: Term, size: Term) -> Term:
    """Components, where infinite ones make the others nothing."""
    return f.where(f.isinf(size), f.where(f.isinf(x), f.sign(x), f.like(x, 0.0)), x)


def _factors(size: Term, whole: Term) -> tuple[Term, Term]:
    """Split a factor in two: one before products of small numbers underflow, the rest at the end."""
    early = f.where(size < SMALL, 2.0**200, f.like(size, 1.0))
    return early, whole / early


# hypot: its derivatives are sums of x**a y**b / h**c -------------------------------------------------


def _hypot_term(x: Term, y: Term, *, powers: tuple[int, int, int]) -> Term:
    """X**a y**b / hypot(x, y)**c, of degree a + b - c <= 0."""
    a, c, over_h = powers
    size = f.maximum(f.abs(x), f.abs(y))
    scale = f.where(size > HUGE, 0.25, f.where(size < SMALL, UP, f.like(size, 1.0)))
    first, second = (_chosen(z, size) * scale for z in (x, y))
    h = _positive(f.hypot(first, second))
    divisions = over_h - a - c
    guard = GUARD if a + c == 2 and divisions == 1 else 1.0
    factors = [first * (guard / h)] * a + [second * (guard / h)] * c
    early, late = _factors(size, scale * guard**-2)
    result = factors[0] if factors else f.like(h, 1.0)
    for k in range(max(divisions, len(factors) - 1)):
        if k < divisions:
            result = result / h * early
        if k + 1 < len(factors):
            result = result * factors[k + 1]
    for _ in range(divisions):
        result = result * late
    return f.where(f.isinf(size), 0.0, result) if divisions else result


def _hypot_slope(x: Term, y: Term, a: int, c: int, h: int) -> Term:
    """The derivative of x**a y**c / h**h in x: a x**(a-1) y**(c+2) + (a - h) x**(a+1) y**c, over h**(h+2)."""
    outer = f.hypot_term(x, y, powers=(a + 1, c, h + 2)) * float(a - h) if a != h else None
    if a == 0:
        return outer
    inner = f.hypot_term(x, y, powers=(a - 1, c + 2, h + 2)) * float(a)
    return inner if outer is None else inner + outer


def _continued_term(x, y, *, powers):
    return x ** powers[0] * y ** powers[1] / np.sqrt(x * x + y * y) ** powers[2]


row(
    "hypot_term",
    by_formula("hypot_term", _hypot_term, _continued_term),
    lambda x, y, z, powers: _hypot_slope(x, y, *powers),
    lambda x, y, z, powers: _hypot_slope(y, x, powers[1], powers[0], powers[2]),
    continued=_continued_term,
    params=("powers",),
)


# Vectors ----------------------------------------------------------------------------------------------


def _across(node: Node) -> tuple[list, list, dict]:
    """An element depends on all elements of its vector."""
    x, axes = node.inputs[0], node.params["axes"]
    result = [("result", k) if k in axes else k for k in range(len(x.shape))]
    sizes = {label: x.shape[k] for k, label in enumerate(result)} | dict(enumerate(x.shape))
    return result, [range(len(x.shape))] * len(node.inputs), sizes


across = Labelled(_across)


def _vectors_type(*operands: Type, axes: tuple[int, ...], **options: float) -> Type:
    x = operands[0]
    if any(other != x for other in operands) or not x.is_float:
        raise TypeError(f"expected floats of one type, got {', '.join(map(str, operands))}")
    if list(axes) != sorted(set(axes)) or any(not 0 <= axis < x.ndim for axis in axes):
        raise TypeError(f"axes {axes} are not axes of {x}, sorted")
    return x


def reduced_type(x: Type, *, axes: tuple[int, ...], **options: float) -> Type:
    """The type of a reduction of floats."""
    _vectors_type(x, axes=axes)
    return Type(tuple(n for axis, n in enumerate(x.shape) if axis not in axes), x.dtype)


def batch_along_axes(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    """Batching rule of operations that take several operands of one shape and axes."""
    shape = (size, *node.inputs[0].shape)
    kept = tuple(range(1, len(shape)))
    full = [
        x if has else b.broadcast(x, shape=shape, axes=kept) for x, has in zip(inputs, batched, strict=True)
    ]
    return b.emit(node.primitive, *full, **(node.params | {"axes": shifted(node.params["axes"])}))


def register_along_axes(name: str, formula, continued, jvp, transpose=None, reduces: bool = False) -> None:
    """Register an operation on the vectors along some axes, whose value is a formula."""
    register(
        Primitive(
            name=name,
            type=reduced_type if reduces else _vectors_type,
            value=by_formula(name, formula, continued),
            family="reduction" if reduces else "linalg",
            jvp=jvp,
            transpose=transpose,
            batch=batch_along_axes,
            pattern=None if reduces else across,
        )
    )


def _along(b: Builder, node: Node, slope: Node, tangent: Node) -> Node:
    return b.sum(b.mul(slope, tangent), axes=node.params["axes"])


def _size(x: Term, axes: tuple[int, ...]) -> Term:
    return over("max", f.abs(x), axes)


def length(x: Term, *, axes: tuple[int, ...]) -> Term:
    """The root of the sum of squares."""
    if 0 in x.node.shape:
        return f.sum(x, axes=axes)
    size = f.max(f.abs(x), axes=axes)
    one = f.like(size, 1.0)
    big, small = size > BIG, size < SMALL
    scaled = x * along(f.where(big, DOWN, f.where(small, UP, one)), x, axes)
    return f.sqrt(f.sum(scaled * scaled, axes=axes)) * f.where(big, UP, f.where(small, DOWN, one))


def _divisor(x: Term, axes: tuple[int, ...]) -> Term:
    return _positive(along(length(x, axes=axes), x, axes))


def direction(x: Term, *, axes: tuple[int, ...]) -> Term:
    """The entries over their length."""
    if 0 in x.node.shape:
        return x
    size = _size(x, axes)
    scale = f.where(size > HUGE, 2.0**-30, f.where(size < SMALL, UP, f.like(size, 1.0)))
    scaled = _chosen(x, size) * scale
    return scaled / _divisor(scaled, axes)


def _direction_tangent(x: Term, t: Term, *, axes: tuple[int, ...]) -> Term:
    """(t - u (u . t)) / h: with sums over j != i, t_i (sum of u_j**2) - u_i (sum of u_j t_j) over h."""
    if 0 in x.node.shape:
        return t
    size = _size(x, axes)
    scale = f.where(size > HUGE, 2.0**-30, f.where(size < SMALL, 2.0**500, f.like(size, 1.0)))
    scaled = _chosen(x, size) * scale
    h = _divisor(scaled, axes)
    guarded = scaled * (GUARD / h)
    between = f.logical_and(h > SMALL, h < BIG)
    over_h = f.where(between, scaled / f.where(between, h * h, 1.0), scaled / h / h)
    early, late = _factors(size, scale * (1 / GUARD))
    over_h = over_h * early
    shares = guarded * over_h
    dominates = f.abs(scaled) > 0.75 * h
    others = over("sum", f.where(dominates, 0.0, shares), axes)
    rest = f.where(dominates, others, over("sum", shares, axes) - shares)
    moved = over_h * t
    elsewhere = over("sum", moved, axes) - moved
    result = (rest * t - guarded * elsewhere) * late
    return f.where(f.isinf(size), 0.0, result)


def _length_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    axes = node.params["axes"]
    return _along(b, node, b.direction(node.inputs[0], axes=axes), t[0])


def _direction_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.direction_tangent(node.inputs[0], t[0], axes=node.params["axes"])


def _direction_tangent_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """The differential of D[t] = (t - u (u . t)) / h is -(D[s] (u . t) + u (D[s] . t) + D[t] (u . s)) / h."""
    (x, inner), axes = node.inputs, node.params["axes"]
    if t[0] is None:
        return b.direction_tangent(x, t[1], axes=axes)
    u, seed, along = (Term(b, z) for z in (b.direction(x, axes=axes), t[0], inner))
    turned = Term(b, b.direction_tangent(x, t[0], axes=axes))
    h = _positive(over("length", Term(b, x), axes))
    total = turned * over("sum", u * along, axes) + u * over("sum", turned * along, axes)
    total = total + Term(b, node) * over("sum", u * seed, axes)
    own = None if t[1] is None else b.direction_tangent(x, t[1], axes=axes)
    return add_tangents(b, (-total / h).node, own)


def _direction_tangent_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    """It is symmetric."""
    return [None, b.direction_tangent(node.inputs[0], ct, axes=node.params["axes"])]


def _continued_length(z, *, axes, keepdims=False):
    size = np.max(np.abs(z.real), axis=axes, keepdims=True)
    scaled = z / np.where((size > 0) & np.isfinite(size), size, 1.0)
    root = np.sqrt(np.sum(scaled * scaled, axis=axes, keepdims=True)) * size
    return root if keepdims else np.squeeze(root, axes)


def _continued_direction(z, *, axes):
    h = _continued_length(z, axes=axes, keepdims=True)
    return z / np.where(h == 0, 1.0, h)


def _continued_tangent(z, t, *, axes):
    h, u = _continued_length(z, axes=axes, keepdims=True), _continued_direction(z, axes=axes)
    return (t - u * np.sum(u * t, axis=axes, keepdims=True)) / np.where(h == 0, 1.0, h)


register_along_axes("length", length, _continued_length, _length_jvp, reduces=True)
register_along_axes("direction", direction, _continued_direction, _direction_jvp)
register_along_axes(
    "direction_tangent",
    _direction_tangent,
    _continued_tangent,
    _direction_tangent_jvp,
    _direction_tangent_transpose,
)
