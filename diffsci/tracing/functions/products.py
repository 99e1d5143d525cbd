"""Products: dot, matmul, einsum and their relatives, all as contractions of two operands."""

from __future__ import annotations

import string

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.protocols import call_function, implements

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


def vecdot(x, y):
    """Sum over the last axis of the product."""
    return ops.reduce("sum", ops.arithmetic("mul", _conjugate(x), y), -1)


def matvec(x, y):
    """Stacks of matrices times stacks of vectors."""
    y = ops.traced(y)
    return _without_axis(matmul(x, ops.expand(y, y.ndim)), -1)


def vecmat(x, y):
    """Stacks of vectors times stacks of matrices."""
    x = ops.traced(x)
    return _without_axis(matmul(ops.expand(_conjugate(x), x.ndim - 1), y), -2)


def _conjugate(x):
    return ops.traced(x).conj()


def _without_axis(x: TracedArray, axis: int) -> TracedArray:
    axis = ops.normal_axis(axis, x.ndim)
    return ops.copy(ops.reshape(x, x.shape[:axis] + x.shape[axis + 1 :]))


@implements(np.dot)
def dot(x, y, out=None):
    if out is not None:
        return call_function(np.dot, (x, y), {"out": out})
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


@implements(np.outer, np.linalg.outer)
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
    """Vector product of vectors with three components (two: the third is zero)."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = (_components(v, where) for v, where in ((x, axisa), (y, axisb)))
    if not {len(a), len(b)} <= {2, 3}:
        raise ValueError(f"cross: expected vectors of 2 or 3 components{at(user_location())}")
    third = a[0] * b[1] - a[1] * b[0]
    if len(a) == len(b) == 2:
        return third
    (a0, a1, a2), (b0, b1, b2) = ((*v, 0.0) if len(v) == 2 else v for v in (a, b))
    parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, third]
    return ops.stack(parts, ops.normal_axis(axisc, third.ndim + 1))


def _components(v, axis: int) -> list[TracedArray]:
    v = ops.traced(v)
    before = (slice(None),) * ops.normal_axis(axis, v.ndim)
    return [v[(*before, k)] for k in range(v.shape[len(before)])]


@implements(np.einsum)
def einsum(subscripts, *operands, optimize=False, dtype=None, order="K", casting="safe"):
    """Einsum of any number of operands, two at a time."""
    if not isinstance(subscripts, str):
        subscripts, operands = _named(subscripts, *operands)
    arrays = [ops.traced(x) if dtype is None else ops.convert(x, dtype) for x in operands]
    terms, out = _subscripts(subscripts, arrays)
    for letters, x in zip(terms, arrays, strict=True):
        if len(letters) != x.ndim:
            raise ValueError(
                f"einsum: {letters!r} names {len(letters)} axes of one with {x.ndim}{at(user_location())}"
            )
    pairs = _stretched([_distinct(x, letters) for x, letters in zip(arrays, terms, strict=True)])
    for first, second in _order(pairs, out, optimize):
        (x, left), (y, right) = pairs.pop(first), pairs.pop(second)
        needed = set(out).union(*(letters for _, letters in pairs))
        kept = "".join(dict.fromkeys(letter for letter in left + right if letter in needed))
        pairs.append((ops.contract(x, y, (left, right, kept)), kept))
    if len(pairs) == 2:
        (x, left), (y, right) = pairs
        return ops.contract(x, y, (left, right, out))
    x, letters = pairs[0]
    x = ops.reduce("sum", x, tuple(k for k, letter in enumerate(letters) if letter not in out) or ())
    left = [letter for letter in letters if letter in out]
    return ops.transpose(x, [left.index(letter) for letter in out]) if left != list(out) else x


def _order(pairs, out: str, optimize) -> list[tuple[int, int]]:
    """Return which two to contract, until two are left: left to right, or by NumPy's search."""
    if len(pairs) < 3:
        return []
    if optimize is False:  # the last result stands at the end: take it, then the next in line
        return [(0, 0)] + [(-1, 0)] * (len(pairs) - 3)
    text = ",".join(letters for _, letters in pairs) + "->" + out
    plan = optimize if isinstance(optimize, (str, list, tuple)) else "greedy"
    path = np.einsum_path(text, *(np.broadcast_to(0.0, x.shape) for x, _ in pairs), optimize=plan)[0]
    steps, count = [], len(pairs)
    for step in path[1:]:
        places = sorted(step, reverse=True)
        while len(places) > 1 and count > 2:  # a step of three or more is several of two
            second, first = places[1], places[0]
            steps.append((first, second))
            count -= 1
            places = [count - 1, *places[2:]]
    return steps


def _stretched(pairs):
    """Drop axes of one whose letter is longer elsewhere: the contraction broadcasts them."""
    sizes: dict[str, int] = {}
    for x, letters in pairs:
        for letter, n in zip(letters, x.shape, strict=True):
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
            if n not in (1, sizes[letter]):
                raise ValueError(f"einsum: axes named {letter!r} differ in length{at(user_location())}")
    made = []
    for x, letters in pairs:
        kept = [k for k, letter in enumerate(letters) if x.shape[k] == sizes[letter]]
        if len(kept) < len(letters):
            x, letters = ops.reshape(x, tuple(x.shape[k] for k in kept)), "".join(letters[k] for k in kept)
        made.append((x, letters))
    return made


def _named(*interleaved) -> tuple[str, tuple]:
    """Write einsum(x, [0, 1], y, [1, 2], [0, 2]) with letters."""

    def letters(axes) -> str:
        return "".join("..." if axis is Ellipsis else LETTERS[axis] for axis in axes)

    operands, lists = interleaved[0::2], interleaved[1::2]
    out = ""
    if len(operands) > len(lists):
        out, operands = "->" + letters(operands[-1]), operands[:-1]
    return ",".join(map(letters, lists)) + out, operands


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
