"""Determinants: det with its derivatives of every order at every matrix, singular ones too; slogdet.

The derivative of det(A) is the matrix of cofactors. Cofactors and their derivatives in directions E_1 .. E_m
are one family, ``cofactors(A, E_1, ..., E_m)``: linear in every direction, symmetric, and with

    <G, cofactors(A, E_1, ..., E_m)> = d^(m+1) det(A) [E_1, ..., E_m, G],

so that each is its own transpose. A determinant is a sum over permutations, and so is its derivative in
m + 1 directions: over permutations of m + 1 places, times the product of what is left of a diagonal matrix.
Singular values bring A to that form, and nothing is divided by them.
"""

from __future__ import annotations

import itertools
import string

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Members
from diffsci.primitives.linalg.shared import batch_stack, check_square, identity, over_stack
from diffsci.primitives.shared import add_tangents

# det ------------------------------------------------------------------------------------------------


def _det_type(matrix: Type) -> Type:
    check_square(matrix)
    return Type(matrix.shape[:-2], matrix.dtype)


def _det_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    matrix = node.inputs[0]
    n = matrix.shape[-1]
    if n == 0:
        return b.zeros(node.type)
    entries = _SMALL[n](b, matrix) if n in _SMALL else b.cofactors(matrix)
    stack = string.ascii_lowercase[: len(matrix.shape) - 2]
    return b.contract(entries, t[0], spec=(stack + "YZ", stack + "YZ", stack))


def _cofactors_1(b: Builder, x: Node) -> Node:
    return b.full(x.type, 1.0)


def _cofactors_2(b: Builder, x: Node) -> Node:
    last = len(x.shape) - 1
    signs = b.const(np.array([[1.0, -1.0], [-1.0, 1.0]]), x.dtype)
    spread = b.broadcast(signs, shape=x.shape, axes=(last - 1, last))
    return b.mul(spread, b.flip(x, axes=(last - 1, last)))


def _cofactors_3(b: Builder, x: Node) -> Node:
    """Entry (i, j) is a[i+1, j+1] a[i+2, j+2] - a[i+1, j+2] a[i+2, j+1], indices modulo 3."""

    def moved(rows: int, columns: int) -> Node:
        stack = (0,) * (len(x.shape) - 2)
        return b.roll(x, shift=(*stack, (3 - rows) % 3, (3 - columns) % 3))

    return b.sub(b.mul(moved(1, 1), moved(2, 2)), b.mul(moved(1, 2), moved(2, 1)))


_SMALL = {1: _cofactors_1, 2: _cofactors_2, 3: _cofactors_3}


register(
    Primitive(
        name="det",
        type=_det_type,
        value=np.linalg.det,
        family="linalg",
        jvp=_det_jvp,
        batch=batch_stack,
    )
)


FAR = 1e3  # condition numbers below which the inverse is as good as singular values

# cofactors ------------------------------------------------------------------------------------------


def _cofactors_type(matrix: Type, *directions: Type) -> Type:
    check_square(matrix)
    if any(direction != matrix for direction in directions):
        raise TypeError(f"directions {', '.join(map(str, directions))} do not fit {matrix}")
    return matrix


def _complements(s: np.ndarray, places: int) -> np.ndarray:
    """Products of all entries but those at each tuple of distinct places; 0 for places that repeat.

    Mantissas and exponents are multiplied apart, and zeros counted: no overflow, no division by zero.
    """
    n = s.size
    empty = s == 0
    mantissa, exponent = np.frexp(np.where(empty, 1.0, s))
    mantissa, exponent = np.log(np.abs(mantissa)), exponent.astype(np.int64)
    index = np.indices((n,) * places).reshape(places, -1)
    distinct = np.ones(index.shape[1], bool)
    for i, j in itertools.combinations(range(places), 2):
        distinct &= index[i] != index[j]
    logs = mantissa.sum() - mantissa[index].sum(axis=0)
    powers = exponent.sum() - exponent[index].sum(axis=0)
    there = distinct & (np.count_nonzero(empty) == empty[index].sum(axis=0))
    products = np.ldexp(np.exp(logs), np.clip(powers, -5000, 5000).astype(int))
    return np.where(there, products, 0.0).reshape((n,) * places)


def _cycles_sign(order: tuple[int, ...]) -> float:
    inversions = sum(a > b for a, b in itertools.combinations(order, 2))
    return -1.0 if inversions % 2 else 1.0


def _diagonal_cofactors(s: np.ndarray, directions: list[np.ndarray]) -> np.ndarray:
    """The derivative of the cofactors of diag(s) in directions: a sum over permutations of places."""
    m, n = len(directions), s.size
    if m >= n:
        return np.zeros((n, n))
    products = _complements(s, m + 1)
    letters = string.ascii_letters[: m + 1]
    total = np.zeros((n, n))
    for order in itertools.permutations(range(m + 1)):
        # Direction k stands at (i_k, i_order(k)); the entry asked for at (i_m, i_order(m)).
        terms = ",".join(letters[k] + letters[order[k]] for k in range(m))
        row, column = letters[m], letters[order[m]]
        sign = _cycles_sign(order)
        spec = f"{letters}{',' if m else ''}{terms}->{row}{'' if row == column else column}"
        part = sign * np.einsum(spec, products, *directions, optimize=m > 1)
        total += np.diag(part) if row == column else part
    return total


def _by_inverse(matrix: np.ndarray) -> np.ndarray | None:
    """Cofactors of a matrix that is far from singular; None for others."""
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None
    det = np.linalg.det(matrix)
    condition = np.max(np.abs(matrix), initial=0.0) * np.max(np.abs(inverse), initial=0.0)
    return det * inverse.T if condition < FAR and 0.0 < abs(det) < np.inf else None


def _cofactors_single(matrix, *directions):
    quick = None if directions else _by_inverse(matrix)
    if quick is not None:
        return quick
    u, s, vt = np.linalg.svd(matrix)
    sign = np.linalg.det(u) * np.linalg.det(vt)
    moved = [u.T @ direction @ vt.T for direction in directions]
    return np.rint(sign) * (u @ _diagonal_cofactors(s, moved) @ vt)


def _cofactors_value(matrix, *directions):
    cores = (2,) * (1 + len(directions))
    return over_stack(_cofactors_single, _cofactors_type, matrix, *directions, cores=cores)


def _cofactors_jvp(b: Builder, node: Node, t: list[Node | None]) -> Node | None:
    matrix, *directions = node.inputs
    terms = []
    if t[0] is not None:
        terms.append(b.cofactors(matrix, *directions, t[0]))
    for k, change in enumerate(t[1:]):
        if change is not None:
            terms.append(b.cofactors(matrix, *directions[:k], *directions[k + 1 :], change))
    return add_tangents(b, *terms)


def _cofactors_transpose(b: Builder, node: Node, ct: Node, linear: list[bool]) -> list[Node | None]:
    matrix, *directions = node.inputs
    back: list[Node | None] = [None] * len(node.inputs)
    k = linear.index(True)
    back[k] = b.cofactors(matrix, *directions[: k - 1], *directions[k:], ct)
    return back


register(
    Primitive(
        name="cofactors",
        type=_cofactors_type,
        value=_cofactors_value,
        family="linalg",
        jvp=_cofactors_jvp,
        transpose=_cofactors_transpose,
        batch=batch_stack,
    )
)


# slogdet --------------------------------------------------------------------------------------------


def _slogdet_type(matrix: Type) -> tuple[Type, Type]:
    return _det_type(matrix), _det_type(matrix)


def _slogdet_jvp(b: Builder, node: Node, t: list[Node | None]) -> list[Node | None]:
    """Jacobi's formula: d log|det(A)| = tr(A^-1 dA)."""
    if node.inputs[0].shape[-1] == 0:
        return [None, None]
    inverse = b.solve(node.inputs[0], identity(b, t[0].type), transposed=False)
    stack = string.ascii_lowercase[: len(t[0].shape) - 2]
    return [None, b.contract(inverse, t[0], spec=(stack + "YZ", stack + "ZY", stack))]


register(
    Primitive(
        name="slogdet",
        type=_slogdet_type,
        value=lambda matrix: tuple(np.linalg.slogdet(matrix)),
        family="linalg",
        jvp=_slogdet_jvp,
        batch=batch_stack,
        pattern=Members(2, flat=(0,)),
    )
)
