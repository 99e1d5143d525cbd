"""Affine expressions over loop variables: ``(constant, coefficient of loop 0, of loop 1, ...)``."""

from __future__ import annotations

from math import gcd

__all__ = [
    "Affine",
    "Cut",
    "Index",
    "Residue",
    "Restructure",
    "Unflatten",
    "add_const",
    "bounds",
    "constant",
    "divisible",
    "flatten",
    "identity",
    "inside",
    "row_strides",
    "scale",
    "split_flat",
    "used",
]

Affine = tuple[int, ...]
Index = tuple[Affine, ...]


class Restructure(Exception):
    """The loop nest must be rebuilt before a value has one formula on the whole box."""


class Cut(Restructure):
    """Split loop `loop` in two at `point`."""

    def __init__(self, loop: int, point: int):
        self.loop, self.point = loop, point


class Residue(Restructure):
    """Split loop `loop` into the residue classes modulo `step`."""

    def __init__(self, loop: int, step: int):
        self.loop, self.step = loop, step


class Unflatten(Restructure):
    """Replace loop `loop` by two loops, the inner one of extent `inner`."""

    def __init__(self, loop: int, inner: int):
        self.loop, self.inner = loop, inner


def constant(value: int, rank: int) -> Affine:
    """Return a constant expression."""
    return (value,) + (0,) * rank


def identity(rank: int, total: int | None = None) -> Index:
    """Return the loop variables 0..rank-1 as an index."""
    total = rank if total is None else total
    return tuple((0,) + tuple(int(i == j) for j in range(total)) for i in range(rank))


def add_const(e: Affine, value: int) -> Affine:
    """Return ``e + value``."""
    return (e[0] + value, *e[1:]) if value else e


def scale(e: Affine, factor: int) -> Affine:
    """Return ``factor * e``."""
    return tuple([term * factor for term in e])


def flatten(index: Index, strides: tuple[int, ...], rank: int, offset: int = 0) -> Affine:
    """Return ``offset + sum(index * strides)``."""
    total = [offset] + [0] * rank
    for e, stride in zip(index, strides, strict=True):
        if stride:
            for position, term in enumerate(e):
                if term:
                    total[position] += term * stride
    return tuple(total)


def row_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides, in elements, of a C-contiguous array."""
    strides, step = [], 1
    for extent in reversed(shape):
        strides.append(step)
        step *= extent
    return tuple(reversed(strides))


def used(e: Affine) -> list[int]:
    """Return the loops that `e` depends on."""
    return [loop for loop, term in enumerate(e[1:]) if term]


def bounds(e: Affine, extents: tuple[int, ...]) -> tuple[int, int]:
    """Return the least and greatest value over the box."""
    low = high = e[0]
    for term, extent in zip(e[1:], extents, strict=True):
        if term > 0:
            high += term * (extent - 1)
        elif term < 0:
            low += term * (extent - 1)
    return low, high


def inside(e: Affine, start: int, stop: int, extents: tuple[int, ...]) -> bool | None:
    """Tell whether ``start <= e < stop`` on the whole box (True) or nowhere (False).

    Raises Cut where splitting one loop decides it, returns None where that cannot.
    """
    low, high = bounds(e, extents)
    if start <= low and high < stop:
        return True
    if high < start or low >= stop or start >= stop:
        return False
    loops = used(e)
    if len(loops) != 1:
        return None
    loop = loops[0]
    c, a, n = e[0], e[loop + 1], extents[loop]
    if a > 0:
        points = (-((c - start) // a), -((c - stop) // a))
    else:
        points = ((c - stop) // -a + 1, (c - start) // -a + 1)
    for point in points:
        if 0 < point < n:
            raise Cut(loop, point)
    raise AssertionError("membership undecided without a breakpoint")


def divisible(e: Affine, step: int) -> bool | None:
    """Tell whether `e` is a multiple of `step` everywhere; raises Residue where splitting decides it."""
    rest = [loop for loop in used(e) if e[loop + 1] % step]
    if not rest:
        return e[0] % step == 0
    if len(rest) > 1:
        return None
    loop = rest[0]
    raise Residue(loop, step // gcd(e[loop + 1], step))


def split_flat(e: Affine, inner: int, extents: tuple[int, ...]) -> tuple[Affine, Affine] | None:
    """Return quotient and remainder of a flat index by `inner`, both affine, or None.

    Raises Restructure where cutting or unflattening a loop makes them affine.
    """
    quotient = [term // inner if term % inner == 0 else 0 for term in e]
    quotient[0] = e[0] // inner
    rest = tuple([term if term % inner else 0 for term in e[1:]])
    remainder = (e[0] % inner, *rest)
    low, high = bounds(remainder, extents)
    if low >= 0 and high < inner:
        return tuple(quotient), remainder
    loops = used(remainder)
    if len(loops) != 1 or remainder[loops[0] + 1] != 1:
        return None
    loop = loops[0]
    c, n = remainder[0], extents[loop]
    if c:
        raise Cut(loop, inner - c)
    if n % inner:
        raise Cut(loop, n - n % inner)
    raise Unflatten(loop, inner)
