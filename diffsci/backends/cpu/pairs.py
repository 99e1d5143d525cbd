"""Functions of the same argument that are computed together, such as its sine and its cosine."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from diffsci.backends.vectormath.table import PAIRS

__all__ = ["Pair", "pairs_of"]


class Pair(NamedTuple):
    """What two statements compute (one of `PAIRS`), and the statements."""

    names: tuple[str, str]
    first: int
    second: int


def pairs_of(body, levels: list[list[int]], is_wide: Callable[[int], bool]) -> dict[int, Pair]:
    """Return the vector statements that are computed two at a time, each with its pair.

    Parameters
    ----------
    body : Body
    levels : list of list of int
        Statements by the loop that they stand in.
    is_wide : callable
        Tells whether a statement is computed on vectors.
    """
    found: dict[int, Pair] = {}
    for level in levels:
        wide = {(body.ops[s], *body.args[s]): s for s in level if is_wide(s)}
        for names in PAIRS:
            for (op, *args), first in wide.items():
                second = wide.get((names[1], *args)) if op == names[0] else None
                if second is not None:
                    found[first] = found[second] = Pair(names, first, second)
    return found
