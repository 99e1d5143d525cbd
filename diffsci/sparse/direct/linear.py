"""What linear operations do to terms: one rule per operation of tangent programs.

``rule(work, node)`` returns the terms of a node by those of its operands. Elementwise operations, here, act
on coefficients; moves on coefficients and maps (`moves`); sums over a few elements are written out, longer
ones keep their entries and give them rows (`sums`).
"""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Node
from diffsci.primitives.special.formulas import FORMULAS
from diffsci.primitives.special.terms import Term as Expression
from diffsci.sparse.direct.emitting import emit, emit_like, number_of, spread
from diffsci.sparse.direct.moves import assembled, move, put_add
from diffsci.sparse.direct.sums import contracted, convolved, reduced
from diffsci.sparse.direct.terms import Columns, Term
from diffsci.sparse.direct.work import Rule, Stop, Work

__all__ = ["RULES"]


def _sum(work: Work, node: Node) -> list[Term]:
    left, right = (work.of(x) for x in node.inputs)
    if node.name == "sub":
        right = [term.of(_negative(work.b, term.value)) for term in right]
    return work.merged([*left, *right])


def _negative(b: Builder, value: Node) -> Node:
    number = number_of(value)
    if number is not None:
        return spread(b, emit(b, "neg", number), value.shape)
    return emit(b, "neg", value)


def _each(work: Work, node: Node) -> list[Term]:
    """An operation that is linear in one operand, whatever the others are."""
    (position,) = (k for k, x in enumerate(node.inputs) if work.of(x))
    found = []
    for term in work.of(node.inputs[position]):
        operands = [
            term.value if k == position else _beside(work, x, term) for k, x in enumerate(node.inputs)
        ]
        clean = term.clean and (term.columns.is_full or node.name in ("neg", "convert"))
        columns = term.columns
        if node.name == "mul":
            columns = _without_zeros(work, term, node.inputs[1 - position])
        found.append(Term(emit_like(work.b, node, operands), columns, term.rows, clean))
    return found


def _beside(work: Work, x: Node, term: Term) -> Node:
    """Return an operand where the entries of a term are."""
    if term.rows is None:
        return x
    shape = term.value.shape
    number = number_of(x)
    if number is not None:
        return spread(work.b, number, shape)
    flat = emit(work.b, "reshape", x, shape=(x.type.size,))
    rows = np.where(term.columns.index > 0, term.rows, 0).astype(np.int64)
    return work.b.take(flat, work.b.const(rows), axis=0)


def _without_zeros(work: Work, term: Term, factor: Node) -> Columns:
    """Return the columns of a product without those that a constant factor of zero takes away."""
    if number_of(factor) is not None or term.rows is not None:
        return term.columns
    value = work.known(factor)
    if value is None or value.all():
        return term.columns
    index = term.columns.index
    return work.maps.share(np.where(value != 0, index, index.dtype.type(0)))


def _quotient(work: Work, node: Node) -> list[Term]:
    if work.of(node.inputs[1]):
        raise Stop("a division is not linear in its divisor", node)
    return _each(work, node)


def _product(work: Work, node: Node) -> list[Term]:
    if all(work.of(x) for x in node.inputs):
        raise Stop("a product of two tangents is not linear", node)
    return _each(work, node)


def _select(work: Work, node: Node) -> list[Term]:
    """Terms of both sides: one coefficient where they are of one diagonal."""
    condition, *sides = node.inputs
    by_place: dict[tuple, dict[int, Term]] = {}
    for side, x in enumerate(sides):
        for term in work.of(x):
            at = by_place.setdefault((term.columns, id(term.rows), term.value.shape), {})
            at[side] = _added(work.b, at[side], term) if side in at else term
    chosen = work.known(condition)
    found = []
    for pair in by_place.values():
        term = next(iter(pair.values()))
        zero = work.b.zeros(term.value.type)
        values = [pair[side].value if side in pair else zero for side in (0, 1)]
        value = emit(work.b, "select", _beside(work, condition, term), *values)
        columns = term.columns
        if chosen is not None and len(pair) == 1 and term.rows is None:
            kept = chosen if 0 in pair else np.logical_not(chosen)
            columns = work.maps.share(np.where(kept, columns.index, columns.index.dtype.type(0)))
        found.append(Term(value, columns, term.rows, all(own.clean for own in pair.values())))
    return work.merged(found)


def _added(b: Builder, one: Term, other: Term) -> Term:
    """Return the sum of terms of equal places: moves make such terms of those that stood apart."""
    return one.of(emit(b, "add", one.value, other.value), one.clean and other.clean)


def _by_formula(work: Work, node: Node) -> list[Term]:
    """An operation that is defined in terms of others: those are followed."""
    b, double = work.b, np.dtype(float)
    operands = [x if x.dtype == double else b.convert(x, dtype=double) for x in node.inputs]
    found = FORMULAS[node.name](*(Expression(b, x) for x in operands), **node.params).node
    found = found if node.dtype == double else b.convert(found, dtype=node.dtype)
    work.follow([found])
    return work.of(found)


RULES: dict[str, Rule] = {
    "add": _sum,
    "sub": _sum,
    "neg": _each,
    "convert": _each,
    "mul": _product,
    "div": _quotient,
    "select": _select,
    "sum": reduced,
    "contract": contracted,
    "convolve": convolved,
    **dict.fromkeys(("direction_tangent", "deviation"), _by_formula),
    "take": move,
    "put": assembled,
    "put_add": put_add,
    **dict.fromkeys(("set_slice", "concatenate", "place"), assembled),
    **dict.fromkeys(("broadcast", "reshape", "transpose", "slice", "pad", "flip", "roll"), move),
}
