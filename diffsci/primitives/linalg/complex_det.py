"""Determinants of complex matrices; complex numbers are pairs along the last axis."""

from __future__ import annotations

import string

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Members


def _type(x: Type) -> Type:
    if x.ndim < 3 or x.shape[-1] != 2 or x.shape[-2] != x.shape[-3] or not x.is_float:
        raise TypeError(f"expected square matrices of pairs, got {x}")
    return Type((*x.shape[:-3], 2), x.dtype)


def _value(x):
    whole = np.linalg.det(x[..., 0] + 1j * x[..., 1])
    return np.stack([whole.real, whole.imag], -1).astype(x.dtype, copy=False)


def _part(b: Builder, x: Node, k: int) -> Node:
    last = len(x.shape) - 1
    cut = b.slice(x, start=(0,) * last + (k,), stop=(*x.shape[:-1], k + 1), step=(1,) * (last + 1))
    return b.reshape(cut, shape=x.shape[:-1])


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    """Jacobi's formula, d det(A) = det(A) tr(A^-1 dA), the inverse from the real system of twice the size."""
    re, im = (_part(b, node.inputs[0], k) for k in (0, 1))
    dre, dim = (_part(b, t[0], k) for k in (0, 1))
    n, rows, columns = re.shape[-1], len(re.shape) - 2, len(re.shape) - 1
    top = b.concatenate(re, b.neg(im), axis=columns)
    block = b.concatenate(top, b.concatenate(im, re, axis=columns), axis=rows)
    solved = b.solve(block, b.concatenate(dre, dim, axis=rows), transposed=False)
    stack = string.ascii_lowercase[:rows]

    def trace(start: int) -> Node:
        first = (*(0,) * rows, start, 0)
        half = b.slice(solved, start=first, stop=(*re.shape[:-2], start + n, n), step=(1,) * (rows + 2))
        return b.contract(half, b.const(np.eye(n), half.dtype), spec=(stack + "YZ", "YZ", stack))

    u, v = _part(b, node, 0), _part(b, node, 1)
    p, q = trace(0), trace(n)
    parts = (b.sub(b.mul(u, p), b.mul(v, q)), b.add(b.mul(u, q), b.mul(v, p)))
    return b.concatenate(*(b.reshape(x, shape=(*x.shape, 1)) for x in parts), axis=rows)


register(
    Primitive(
        name="complex_det",
        type=_type,
        value=_value,
        family="linalg",
        jvp=_jvp,
        batch=lambda b, node, inputs, batched, size: b.complex_det(inputs[0]),
        pattern=Members(3),
    )
)
