"""Products: dot, matmul, einsum and their relatives, all as contractions of two operands."""

from __future__ import annotations

import string

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import implements

LETTERS = string.ascii_letters


def _mismatch(name: str, x: TracedArray, y: TracedArray) -> ValueError:
    return ValueError(f"{name}: shapes {x.shape} and {y.shape} do not fit{at(user_location())}")


def matmul(x, y):
    """X @ y with NumPy's stacking rules."""
    x, y = ops.traced(x), ops.traced(y)
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError(f"matmul: scalars are not allowed, use *{at(user_location())}")
    rows = "" if x.ndim == 1 else "m"
    columns = "" if y.ndim == 1 else "n"
    if x.shape[-1] != y.shape[0 if y.ndim == 1 else -2]:
        raise _mismatch("matmul", x, y)
    stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    x, left = _stacked(x, stack, 1 if x.ndim == 1 else 2)
    y, right = _stacked(y, stack, 1 if y.ndim == 1 else 2)
    both = "".join(letter for letter in LETTERS[: len(stack)] if letter in left or letter in right)
    return ops.contract(x, y, (left + rows + "k", right + "k" + columns, both + rows + columns))


def _stacked(x: TracedArray, stack: tuple[int, ...], core: int) -> tuple[TracedArray, str]:
    """Name the stacking axes; axes of one that must stretch are dropped and broadcast by the contraction."""
    own = x.shape[: x.ndim - core] if core == 2 else ()
    offset = len(stack) - len(own)
    letters, shape = "", []
    for axis, n in enumerate(own):
        if n == stack[offset + axis]:
            letters += LETTERS[offset + axis]
            shape.append(n)
    if len(shape) != len(own):
        x = ops.reshape(x, (*shape, *x.shape[x.ndim - core :]))
    return x, letters


@implements(np.matmul)
def _matmul(x, y):
    return matmul(x, y)


@implements(np.dot)
def dot(x, y):
    x, y = ops.traced(x), ops.traced(y)
    if x.ndim == 0 or y.ndim == 0:
        return ops.arithmetic("mul", x, y)
    summed = 0 if y.ndim == 1 else y.ndim - 2
    if x.shape[-1] != y.shape[summed]:
        raise _mismatch("dot", x, y)
    left = LETTERS[: x.ndim - 1] + "Z"
    free = LETTERS[x.ndim - 1 : x.ndim + y.ndim - 2]
    right = free[:summed] + "Z" + free[summed:]
    return ops.contract(x, y, (left, right, left[:-1] + free))


@implements(np.vdot)
def vdot(x, y):
    return dot(ops.reshape(x, -1), ops.reshape(y, -1))


@implements(np.inner)
def inner(x, y):
    x, y = ops.traced(x), ops.traced(y)
    if x.ndim == 0 or y.ndim == 0:
        return ops.arithmetic("mul", x, y)
    if x.shape[-1] != y.shape[-1]:
        raise _mismatch("inner", x, y)
    left, right = LETTERS[: x.ndim - 1], LETTERS[x.ndim - 1 : x.ndim + y.ndim - 2]
    return ops.contract(x, y, (left + "Z", right + "Z", left + right))


@implements(np.outer)
def outer(x, y):
    return ops.contract(ops.reshape(x, -1), ops.reshape(y, -1), ("a", "b", "ab"))


@implements(np.tensordot)
def tensordot(x, y, axes=2):
    x, y = ops.traced(x), ops.traced(y)
    if isinstance(axes, (int, np.integer)):
        over_x, over_y = list(range(x.ndim - axes, x.ndim)), list(range(axes))
    else:
        over_x, over_y = (np.atleast_1d(a).tolist() for a in axes)
    over_x = [ops.normal_axis(a, x.ndim) for a in over_x]
    over_y = [ops.normal_axis(a, y.ndim) for a in over_y]
    left = LETTERS[: x.ndim]
    right = list(LETTERS[x.ndim : x.ndim + y.ndim])
    for a, b in zip(over_x, over_y, strict=True):
        if x.shape[a] != y.shape[b]:
            raise _mismatch("tensordot", x, y)
        right[b] = left[a]
    kept = [left[a] for a in range(x.ndim) if a not in over_x] + [
        right[b] for b in range(y.ndim) if b not in over_y
    ]
    return ops.contract(x, y, (left, "".join(right), "".join(kept)))


@implements(np.kron)
def kron(x, y):
    x, y = ops.traced(x), ops.traced(y)
    ndim = max(x.ndim, y.ndim)
    x, y = (ops.reshape(v, (1,) * (ndim - v.ndim) + v.shape) for v in (x, y))
    left, right = LETTERS[:ndim], LETTERS[ndim : 2 * ndim]
    woven = "".join(a + b for a, b in zip(left, right, strict=True))
    product = ops.contract(x, y, (left, right, woven))
    return ops.reshape(product, tuple(n * m for n, m in zip(x.shape, y.shape, strict=True)))


@implements(np.cross)
def cross(x, y, axisa=-1, axisb=-1, axisc=-1, axis=None):
    x, y = ops.traced(x), ops.traced(y)
    if axis is not None or (axisa, axisb, axisc) != (-1, -1, -1):
        raise ops.unsupported("numpy.cross with axes", "bring the vectors to the last axis")
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        raise ops.unsupported(
            "numpy.cross of vectors that are not three-dimensional", "write the product out"
        )
    a, b = ([v[..., k] for k in range(3)] for v in (x, y))
    parts = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return ops.stack(parts, -1)


@implements(np.einsum)
def einsum(subscripts, *operands, optimize=False, **options):
    """Einsum of any number of operands, two at a time."""
    if options or not isinstance(subscripts, str):
        raise ops.unsupported("this form of numpy.einsum", "use a string of subscripts and no options")
    arrays = [ops.traced(x) for x in operands]
    terms, out = _subscripts(subscripts, arrays)
    for letters, x in zip(terms, arrays, strict=True):
        if len(letters) != x.ndim:
            raise ValueError(
                f"einsum: {letters!r} names {len(letters)} axes of one with {x.ndim}{at(user_location())}"
            )
    pairs = [_distinct(x, letters) for x, letters in zip(arrays, terms, strict=True)]
    while len(pairs) > 2:
        (x, left), (y, right) = pairs.pop(0), pairs.pop(0)
        needed = set(out).union(*(letters for _, letters in pairs))
        kept = "".join(dict.fromkeys(letter for letter in left + right if letter in needed))
        pairs.insert(0, (ops.contract(x, y, (left, right, kept)), kept))
    if len(pairs) == 2:
        (x, left), (y, right) = pairs
        return ops.contract(x, y, (left, right, out))
    x, letters = pairs[0]
    x = ops.reduce("sum", x, tuple(k for k, letter in enumerate(letters) if letter not in out) or ())
    left = [letter for letter in letters if letter in out]
    return ops.transpose(x, [left.index(letter) for letter in out]) if left != list(out) else x


def _subscripts(subscripts: str, arrays) -> tuple[list[str], str]:
    text = subscripts.replace(" ", "")
    inputs, arrow, out = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(arrays):
        raise ValueError(f"einsum: {len(terms)} terms for {len(arrays)} operands{at(user_location())}")
    if "..." in text:
        terms, out = _ellipsis(terms, out, arrow, arrays)
        arrow = "->"
    if not arrow:
        joined = "".join(terms)
        out = "".join(sorted(letter for letter in set(joined) if joined.count(letter) == 1))
    return terms, out


def _ellipsis(terms, out, arrow, arrays):
    """Write '...' out as letters of its own."""
    used = set("".join(terms) + out)
    counts = [
        x.ndim - len(term.replace("...", "")) if "..." in term else 0
        for term, x in zip(terms, arrays, strict=True)
    ]
    fresh = "".join(letter for letter in reversed(LETTERS) if letter not in used)[: max(counts)]
    named = [term.replace("...", fresh[len(fresh) - n :]) for term, n in zip(terms, counts, strict=True)]
    if arrow:
        return named, out.replace("...", fresh)
    joined = "".join(terms).replace("...", "")
    return named, fresh + "".join(sorted(c for c in set(joined) if joined.count(c) == 1))


def _distinct(x: TracedArray, letters: str) -> tuple[TracedArray, str]:
    """Take diagonals until no letter stands twice."""
    from diffsci.tracing.functions.shapes import diagonal

    for letter in dict.fromkeys(letters):
        while letters.count(letter) > 1:
            first = letters.index(letter)
            second = letters.index(letter, first + 1)
            x = diagonal(x, 0, first, second)
            rest = letters[:first] + letters[first + 1 : second] + letters[second + 1 :]
            letters = rest + letter
    return x, letters
