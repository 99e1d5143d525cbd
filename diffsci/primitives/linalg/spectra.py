"""Eigenvalues, eigenvectors and singular values.

The rules are those of M. B. Giles, "Collected matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008). Vectors of equal values are not differentiable: they span a space, and
which basis of it LAPACK returns is arbitrary. But questions that do not depend on that basis are, as ``V
diag(w) V^T``, though what its derivative needs, (w[j] - w[i]) / (w[j] - w[i]), is 0 / 0. Such quotients are
`gap_quotient`: where there is something to divide by no gap, the limit is taken in the whole program
(`diffsci.degenerate`), or an error says why there is none.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.linalg.gaps import apart, largest, over_gap, values_moved
from diffsci.primitives.linalg.shared import (
    antisymmetric,
    batch_stack,
    check_matrix,
    check_square,
    diagonal,
    matmul,
    outer_difference,
    outer_sum,
    over_stack,
    scaled_columns,
    swapped,
    symmetric,
)
from diffsci.primitives.shared import full_like

# eigh: symmetric matrices, of the lower triangle ----------------------------------------------------


def _eigh_type(matrix: Type, *, driver) -> tuple[Type, Type]:
    check_square(matrix)
    return Type(matrix.shape[:-1], matrix.dtype), matrix


def _eigh_value(matrix, *, driver):
    """NumPy's driver is "evd", SciPy's "evr": they differ in the signs of vectors."""
    if driver == "evd":
        try:
            return tuple(np.linalg.eigh(matrix))
        except np.linalg.LinAlgError:  # one of the stack has not converged; the others have
            return _eigh_one_by_one(matrix, driver)
    return _eigh_one_by_one(matrix, driver)


def _eigh_one_by_one(matrix, driver):
    from scipy.linalg import eigh

    single = partial(eigh, driver=driver)
    return over_stack(single, partial(_eigh_type, driver=driver), matrix, cores=(2,))


def _eigh_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node]:
    w, v = b.project(node, index=0), b.project(node, index=1)
    n = w.shape[-1]
    if n == 0:
        return [b.zeros(w.type), b.zeros(v.type)]
    moved = matmul(b, v, matmul(b, symmetric(b, t[0]), v), tx=True)
    turn = over_gap(b, moved, outer_difference(b, w), w, node)
    return [values_moved(b, diagonal(b, moved), w, node), matmul(b, v, antisymmetric(b, turn))]


register(
    Primitive(
        name="eigh",
        type=_eigh_type,
        value=_eigh_value,
        family="linalg",
        jvp=_eigh_jvp,
        batch=batch_stack,
    )
)


# svd: thin ------------------------------------------------------------------------------------------


def _svd_type(matrix: Type) -> tuple[Type, Type, Type]:
    check_matrix(matrix)
    *stack, m, n = matrix.shape
    k, dtype = min(m, n), matrix.dtype
    return Type((*stack, m, k), dtype), Type((*stack, k), dtype), Type((*stack, k, n), dtype)


def _svd_single(matrix):
    return tuple(np.linalg.svd(matrix, full_matrices=False))


def _svd_value(matrix):
    try:
        return _svd_single(matrix)
    except np.linalg.LinAlgError:
        return over_stack(_svd_single, _svd_type, matrix, cores=(2,))


def _svd_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node]:
    """With M = U^T dA V, the vectors turn by P / (s_j - s_i) +- D / (s_j + s_i), P and D the symmetric and
    antisymmetric half of M; and by the part of dA outside of their span, over s.
    """
    u, s, vt = (b.project(node, index=k) for k in range(3))
    k = s.shape[-1]
    if k == 0:
        return [b.zeros(x.type) for x in (u, s, vt)]
    toward_u = matmul(b, t[0], vt, ty=True)
    toward_v = matmul(b, t[0], u, tx=True)
    inside = matmul(b, u, toward_u, tx=True)
    half = full_like(b, inside, 0.5)
    across = swapped(b, inside)
    even, odd = b.mul(half, b.add(inside, across)), b.mul(half, b.sub(inside, across))
    by_gap = antisymmetric(b, over_gap(b, even, outer_difference(b, s), s, node))
    by_sum = antisymmetric(b, over_gap(b, odd, outer_sum(b, s), s, node))
    over_u = matmul(b, u, b.add(by_gap, by_sum))
    over_v = matmul(b, vt, b.sub(by_gap, by_sum), tx=True)
    over_u = _with_outside(b, over_u, u, s, toward_u, node)
    over_v = _with_outside(b, over_v, swapped(b, vt), s, toward_v, node)
    return [over_u, values_moved(b, diagonal(b, inside), s, node), swapped(b, over_v)]


def _with_outside(b: Builder, moved: Node, u: Node, s: Node, toward: Node, factor: Node) -> Node:
    """Add what moves the vectors out of their span, where there is an outside."""
    m, k = u.shape[-2:]
    if m == k:
        return moved
    outside = b.sub(toward, matmul(b, u, matmul(b, u, toward, tx=True)))
    axes = (*range(len(u.shape) - 2), len(u.shape) - 1)
    spread = b.broadcast(s, shape=u.shape, axes=axes)
    return b.add(moved, over_gap(b, outside, spread, s, factor))


register(
    Primitive(
        name="svd",
        type=_svd_type,
        value=_svd_value,
        family="linalg",
        jvp=_svd_jvp,
        batch=batch_stack,
    )
)


# eig: general matrices; complex results as real and imaginary parts ----------------------------------


def _eig_type(matrix: Type) -> tuple[Type, Type, Type, Type]:
    check_square(matrix)
    values = Type(matrix.shape[:-1], matrix.dtype)
    return values, values, matrix, matrix


def _eig_single(matrix):
    w, v = np.linalg.eig(matrix)
    return w.real, w.imag, v.real, v.imag


def _eig_value(matrix):
    try:
        return _eig_single(matrix)
    except np.linalg.LinAlgError:
        return over_stack(_eig_single, _eig_type, matrix, cores=(2,))


def _eig_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node]:
    """X = V^-1 dA V: its diagonal moves the values; off the diagonal, over the gaps, it mixes the vectors."""
    wr, wi, vr, vi = (b.project(node, index=k) for k in range(4))
    n, last = wr.shape[-1], len(vr.shape) - 1
    if n == 0:
        return [b.zeros(x.type) for x in (wr, wi, vr, vi)]
    right = b.concatenate(matmul(b, t[0], vr), matmul(b, t[0], vi), axis=last - 1)
    xr, xi = _halves(b, b.solve(_real_form(b, vr, vi), right, transposed=False), n)
    gr, gi = outer_difference(b, wr), outer_difference(b, wi)
    size = largest(b, wr, wi)
    square = b.add(b.mul(gr, gr), b.mul(gi, gi))
    unit = full_like(b, size, n * float(np.finfo(wr.dtype).eps))
    least = b.mul(unit, size)
    even = b.add(b.mul(xr, gr), b.mul(xi, gi))
    odd = b.sub(b.mul(xi, gr), b.mul(xr, gi))
    mix_r, mix_i = (apart(b, x, square, b.mul(least, least), node) for x in (even, odd))
    ur = b.sub(matmul(b, vr, mix_r), matmul(b, vi, mix_i))
    ui = b.add(matmul(b, vr, mix_i), matmul(b, vi, mix_r))
    return [diagonal(b, xr), diagonal(b, xi), *_normalised(b, vr, vi, ur, ui)]


def _real_form(b: Builder, re: Node, im: Node) -> Node:
    """Emit the real matrix that acts on (real part, imaginary part) as re + i im acts."""
    last = len(re.shape) - 1
    top = b.concatenate(re, b.neg(im), axis=last)
    return b.concatenate(top, b.concatenate(im, re, axis=last), axis=last - 1)


def _halves(b: Builder, x: Node, n: int) -> tuple[Node, Node]:
    shape = x.shape
    stack, ones = (0,) * (len(shape) - 2), (1,) * len(shape)
    upper = b.slice(x, start=(*stack, 0, 0), stop=(*shape[:-2], n, shape[-1]), step=ones)
    return upper, b.slice(x, start=(*stack, n, 0), stop=shape, step=ones)


def _normalised(b: Builder, vr: Node, vi: Node, ur: Node, ui: Node) -> tuple[Node, Node]:
    """Add the multiple of v that keeps LAPACK's normalisation: unit length, the largest entry real."""
    rows = len(vr.shape) - 2

    def along(x: Node) -> Node:
        return b.sum(x, axes=(rows,))

    real = b.eq(vi, full_like(b, vi, 0.0))
    size = b.select(real, b.abs(vr), full_like(b, vr, -1.0))
    place = b.argmax(size, axis=rows)
    axes = tuple(axis for axis in range(len(vr.shape)) if axis != rows)
    chosen = b.eq(
        b.broadcast(place, shape=vr.shape, axes=axes),
        b.broadcast(b.const(np.arange(vr.shape[-1])), shape=vr.shape, axes=(rows,)),
    )
    pick = [along(b.select(chosen, x, b.zeros(x.type))) for x in (vr, ui)]
    cr = b.neg(along(b.add(b.mul(vr, ur), b.mul(vi, ui))))
    ci = b.neg(b.div(pick[1], pick[0]))
    over_r = b.add(ur, b.sub(scaled_columns(b, vr, cr), scaled_columns(b, vi, ci)))
    over_i = b.add(ui, b.add(scaled_columns(b, vi, cr), scaled_columns(b, vr, ci)))
    return over_r, over_i


register(
    Primitive(
        name="eig",
        type=_eig_type,
        value=_eig_value,
        family="linalg",
        jvp=_eig_jvp,
        batch=batch_stack,
    )
)
