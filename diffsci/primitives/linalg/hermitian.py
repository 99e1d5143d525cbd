"""Eigenvalues and eigenvectors of Hermitian matrices, given by real and imaginary parts."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.linalg.gaps import over_gap, values_moved
from diffsci.primitives.linalg.shared import (
    antisymmetric,
    batch_stack,
    check_square,
    diagonal,
    lower,
    matmul,
    outer_difference,
    over_stack,
    swapped,
    symmetric,
)


def _type(re: Type, im: Type) -> tuple[Type, Type, Type]:
    check_square(re)
    if re != im:
        raise TypeError(f"parts of a matrix differ: {re} and {im}")
    return Type(re.shape[:-1], re.dtype), re, re


def _single(re, im):
    w, v = np.linalg.eigh(re + 1j * im)
    return w, v.real, v.imag


def _of_lower(b: Builder, x: Node) -> Node:
    """Emit the antisymmetric matrix that has the lower triangle of x."""
    below = lower(b, x, -1)
    return b.sub(below, swapped(b, below))


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node]:
    """With M = V^H dH V: dw is its diagonal, and dV = V (M / (w_j - w_i)) off the diagonal.

    So v^H dv = 0: a phase of the vectors, which no result of physics depends on, stays as it is.
    """
    w, x, y = (b.project(node, index=k) for k in range(3))
    if w.shape[-1] == 0:
        return [b.zeros(part.type) for part in (w, x, y)]
    dre, dim = (b.zeros(x.type) if part is None else part for part in t)
    re, im = symmetric(b, dre), _of_lower(b, dim)
    p = b.sub(matmul(b, re, x), matmul(b, im, y))
    q = b.add(matmul(b, re, y), matmul(b, im, x))
    u = b.add(matmul(b, x, p, tx=True), matmul(b, y, q, tx=True))
    v = b.sub(matmul(b, x, q, tx=True), matmul(b, y, p, tx=True))
    gap = outer_difference(b, w)
    u_turn = antisymmetric(b, over_gap(b, u, gap, w, node))
    v_turn = over_gap(b, v, gap, w, node)
    v_turn = b.mul(b.full(v_turn.type, 0.5), b.add(v_turn, swapped(b, v_turn)))
    return [
        values_moved(b, diagonal(b, u), w, node),
        b.sub(matmul(b, x, u_turn), matmul(b, y, v_turn)),
        b.add(matmul(b, x, v_turn), matmul(b, y, u_turn)),
    ]


register(
    Primitive(
        name="hermitian_eigh",
        type=_type,
        value=lambda re, im: over_stack(_single, _type, re, im, cores=(2, 2)),
        family="linalg",
        jvp=_jvp,
        batch=batch_stack,
    )
)
