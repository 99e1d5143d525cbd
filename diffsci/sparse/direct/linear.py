"""What linear operations do to terms: one rule per operation of tangent programs.

``rule(work, node)`` returns the terms of a node by those of its operands. Elementwise operations act on
coefficients, moves on coefficients and maps; sums over a few elements are written out, longer ones keep
their entries and give them rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from diffsci.graph import Builder, Node
from diffsci.graph.builder import params_key
from diffsci.graph.interpreter import evaluate
from diffsci.sparse.direct.emitting import emit, emit_like, is_nothing, number_of, spread
from diffsci.sparse.direct.terms import Columns, Maps, Term
from diffsci.transforms.masks import boxed

__all__ = ["RULES", "Stop", "Work"]

MOST_SUMMED = 16  # terms of a sum that are written out
MOST_TERMS = 128
MOST_KNOWN = 1 << 24  # elements of indices and factors that are looked at


class Stop(Exception):
    """An operation has no structure that terms can follow."""

    def __init__(self, reason: str, node: Node):
        super().__init__(reason)
        self.reason, self.location = reason, node.location


class Work:
    """Terms of the nodes of one program, and what emits their coefficients.

    Parameters
    ----------
    b : Builder
    known : dict
        Values of integer inputs.
    """

    def __init__(self, b: Builder, known: dict[Node, np.ndarray]):
        self.b = b
        self.maps = Maps()
        self.terms: dict[Node, list[Term]] = {}
        self._known: dict[Node, np.ndarray | None] = dict(known)

    def of(self, node: Node) -> list[Term]:
        """Return the terms of a node; those of what does not depend on the inputs are none."""
        return self.terms.get(node, [])

    def known(self, node: Node) -> np.ndarray | None:
        """Return the value of a node that depends on constants and integer inputs alone."""
        stack = [node]
        while stack:
            last = stack[-1]
            if last in self._known:
                stack.pop()
                continue
            missing = [x for x in last.inputs if x not in self._known]
            if missing:
                stack += missing
                continue
            stack.pop()
            self._known[last] = self._evaluated(last)
        return self._known[node]

    def _evaluated(self, node: Node) -> np.ndarray | None:
        if node.is_const:
            return node.params["value"]
        operands = [self._known[x] for x in node.inputs]
        if not operands or isinstance(node.type, tuple) or node.type.size > MOST_KNOWN:
            return None
        if any(value is None for value in operands) or node.primitive.family in ("host", "call", "implicit"):
            return None
        with np.errstate(all="ignore"):
            return evaluate(node, operands)

    def enter(self, node: Node) -> None:
        """Find the terms of a node whose operands have theirs."""
        if not any(self.of(x) for x in node.inputs):
            return
        rule = RULES.get(node.name)
        if rule is None:
            raise Stop(f"{node.name} has entries that follow no fixed pattern of few terms", node)
        self.b.location = node.location
        found = [term for term in rule(self, node) if not is_nothing(term.value)]
        if len(found) > MOST_TERMS:
            raise Stop(f"{node.name} depends on more than {MOST_TERMS} elements by element", node)
        self.terms[node] = found

    def cleaned(self, term: Term) -> Node:
        """Return coefficients that are zero where there is nothing."""
        if term.clean or term.columns.is_full:
            return term.value
        mask = boxed(self.b, term.columns.index > 0)
        return emit(self.b, "select", mask, term.value, self.b.zeros(term.value.type))

    def merged(self, terms: Sequence[Term]) -> list[Term]:
        """Add terms up that belong to one diagonal."""
        found: list[Term] = []
        for term in terms:
            for k, other in enumerate(found):
                columns = None if term.rows is not other.rows else self._common(term, other)
                if columns is not None:
                    if columns is term.columns is other.columns:
                        parts, clean = (other.value, term.value), other.clean and term.clean
                    else:
                        parts, clean = (self.cleaned(other), self.cleaned(term)), True
                    found[k] = Term(emit(self.b, "add", *parts), columns, term.rows, clean)
                    break
            else:
                found.append(term)
        return found

    def _common(self, one: Term, other: Term) -> Columns | None:
        if one.rows is not None:
            return one.columns if one.columns is other.columns else None
        return self.maps.joined(one.columns, other.columns)


# elementwise ------------------------------------------------------------------------------------------


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
        clean = term.clean and (term.columns.is_full or node.name in ("neg", "convert", "checked"))
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
            by_place.setdefault((term.columns, id(term.rows), term.value.shape), {})[side] = term
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


# moves ------------------------------------------------------------------------------------------------


def _move(work: Work, node: Node) -> list[Term]:
    """An operation that moves the elements of one operand."""
    return [
        _moved_box(work, node, term) if term.rows is None else _moved_entries(work, node, term)
        for term in work.of(node.inputs[0])
    ]


def _moved_box(work: Work, node: Node, term: Term) -> Term:
    others = node.inputs[1:]
    columns = _moved_columns(work, node, term.columns, [_index(work, node, x) for x in others])
    if node.name == "take" and number_of(term.value) is not None:
        return Term(spread(work.b, number_of(term.value), node.shape), columns, None, term.clean)
    return Term(emit_like(work.b, node, (term.value, *others)), columns, None, term.clean)


def _moved_columns(work: Work, node: Node, columns: Columns, others: Sequence[np.ndarray]) -> Columns:
    key = (node.name, params_key(node.params), columns, tuple(node.inputs[1:]))
    return work.maps.made(key, lambda: node.primitive.value(columns.index, *others, **node.params))


def _index(work: Work, node: Node, x: Node) -> np.ndarray:
    value = work.known(x)
    if value is None:
        raise Stop(f"{node.name} by an index that is only known when the program runs", node)
    return value


def _moved_entries(work: Work, node: Node, term: Term) -> Term:
    """Follow the rows of entries; those that go to several places are repeated."""
    size = node.inputs[0].type.size
    numbers = np.arange(1, size + 1).reshape(node.inputs[0].shape)
    others = [_index(work, node, x) for x in node.inputs[1:]]
    source = np.ravel(node.primitive.value(numbers, *others, **node.params))
    to = np.flatnonzero(source)
    source = source[to] - 1
    rows, columns = term.rows, term.columns.index
    if len(np.unique(source)) == len(source):
        target = np.full(size, -1)
        target[source] = to
        moved = target[rows]
        kept = np.where(moved >= 0, columns, columns.dtype.type(0))
        return Term(term.value, work.maps.share(kept), np.maximum(moved, 0), False)
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(size))
    count = np.bincount(source, minlength=size)
    flat = np.where(columns > 0, rows, 0).ravel()
    times = np.where(columns.ravel() > 0, count[flat], 0)
    entries = np.repeat(np.arange(flat.size), times)
    nth = np.arange(len(entries)) - np.repeat(np.cumsum(times) - times, times)
    moved = to[order[first[flat[entries]] + nth]]
    value = emit(work.b, "reshape", term.value, shape=(flat.size,))
    value = work.b.take(value, work.b.const(entries), axis=0)
    return Term(value, work.maps.share(columns.ravel()[entries]), moved, True)


def _assembled(work: Work, node: Node) -> list[Term]:
    """Operations that put several operands side by side: terms of one diagonal become one again."""
    linear = [x for x in node.inputs if x.type.is_float]
    others = {k: _index(work, node, x) for k, x in enumerate(node.inputs) if not x.type.is_float}
    entries: list[Term] = []
    groups: list[tuple[dict[int, Term], dict[int, Columns]]] = []
    for k, x in enumerate(node.inputs):
        boxes = []
        for term in work.of(x):
            if term.rows is None:
                boxes.append((term, _alone(work, node, k, term, others)))
            else:
                entries += _entries_of_part(work, node, k, term, others)
        _join_groups(groups, k, boxes)
    found = []
    for group, _ in groups:
        operands, maps = list(node.inputs), list(others.get(k) for k in range(len(node.inputs)))
        dtype = next(iter(group.values())).columns.index.dtype
        for k, x in enumerate(node.inputs):
            if x in linear:
                operands[k] = group[k].value if k in group else work.b.zeros(x.type)
                maps[k] = group[k].columns.index if k in group else np.broadcast_to(dtype.type(0), x.shape)
        columns = work.maps.share(node.primitive.value(*maps, **node.params))
        clean = all(term.clean for term in group.values())
        value = emit(work.b, node.name, *operands, **node.params)
        found.append(Term(_one_number(work, node, group, value), columns, None, clean))
    return [*found, *entries]


def _one_number(work: Work, node: Node, group: dict[int, Term], value: Node) -> Node:
    """Return a repeated number for operands that all repeat it and leave nothing out."""
    numbers = {number_of(term.value) for term in group.values()}
    every = len(group) == sum(x.type.is_float for x in node.inputs)
    if every and len(numbers) == 1 and None not in numbers:
        return spread(work.b, numbers.pop(), node.shape)
    return value


def _alone(work: Work, node: Node, k: int, term: Term, others: dict[int, np.ndarray]) -> Columns:
    """Return where the columns of one operand go."""

    def make() -> np.ndarray:
        zero = term.columns.index.dtype.type(0)
        operands = [
            term.columns.index if j == k else others[j] if j in others else np.broadcast_to(zero, x.shape)
            for j, x in enumerate(node.inputs)
        ]
        return node.primitive.value(*operands, **node.params)

    return work.maps.made((node, k, term.columns), make)


def _join_groups(groups: list, k: int, boxes: list[tuple[Term, Columns]]) -> None:
    """Give each box a group without one of operand k: of the same map, of the same diagonal, or any."""
    rest = boxes
    fits: list[Callable[[Term, Columns, Any], bool]] = [
        lambda term, _, group: any(own.columns is term.columns for own in group[0].values()),
        lambda _, placed, group: any(own.shift == placed.shift for own in group[1].values()),
        lambda _, __, group: True,
    ]
    for fit in fits:
        left = []
        for term, placed in rest:
            group = next((g for g in groups if k not in g[0] and fit(term, placed, g)), None)
            if group is None:
                left.append((term, placed))
            else:
                group[0][k], group[1][k] = term, placed
        rest = left
    groups += [({k: term}, {k: placed}) for term, placed in rest]


def _entries_of_part(work: Work, node: Node, k: int, term: Term, others: dict) -> list[Term]:
    """Follow the rows of the entries of one operand of several."""
    sizes = [x.type.size if x.type.is_float else 0 for x in node.inputs]
    starts = np.cumsum([1, *sizes])
    numbers = [
        others[j] if j in others else np.arange(start, start + size).reshape(x.shape)
        for j, (x, start, size) in enumerate(zip(node.inputs, starts[:-1], sizes, strict=True))
    ]
    out = np.ravel(node.primitive.value(*numbers, **node.params))
    mine = np.flatnonzero((out >= starts[k]) & (out < starts[k] + sizes[k]))
    target = np.full(sizes[k], -1)
    target[out[mine] - starts[k]] = mine
    moved = target[term.rows]
    kept = np.where(moved >= 0, term.columns.index, term.columns.index.dtype.type(0))
    return [Term(term.value, work.maps.share(kept), np.maximum(moved, 0), False)]


def _put_add(work: Work, node: Node) -> list[Term]:
    base, index, value = node.inputs
    where = np.arange(base.type.size).reshape(base.shape)
    rows = np.take(where, _index(work, node, index), axis=node.params["axis"])
    return [*work.of(base), *(_with_rows(work, term, rows) for term in work.of(value))]


def _with_rows(work: Work, term: Term, rows: np.ndarray) -> Term:
    """Give entries new rows: by elements of the node that they had before."""
    if term.rows is not None:
        rows = rows.ravel()[term.rows]
    return Term(term.value, term.columns, rows, term.clean)


# sums -------------------------------------------------------------------------------------------------


def _reduced(work: Work, node: Node) -> list[Term]:
    x, axes = node.inputs[0], node.params["axes"]
    labels = tuple(range(len(x.shape)))
    kept = tuple(axis for axis in labels if axis not in axes)
    sizes = dict(zip(labels, x.shape, strict=True))
    found: list[Term] = []
    for term in work.of(x):
        if term.rows is not None:
            numbers = np.arange(node.type.size).reshape(node.shape)
            rows = np.broadcast_to(np.expand_dims(numbers, axes), x.shape)
            found.append(_with_rows(work, term, rows))
        else:
            found += _summed(work, term, None, (labels, (), kept), sizes)
    return work.merged(found)


def _contracted(work: Work, node: Node) -> list[Term]:
    if all(work.of(x) for x in node.inputs):
        raise Stop("a contraction of two tangents is not linear", node)
    position = 0 if work.of(node.inputs[0]) else 1
    own, other, out = node.params["spec"][position], node.params["spec"][1 - position], node.params["spec"][2]
    factor = node.inputs[1 - position]
    sizes = dict(zip(own, node.inputs[position].shape, strict=True)) | dict(
        zip(other, factor.shape, strict=True)
    )
    alone = tuple(k for k, letter in enumerate(other) if letter not in own and letter not in out)
    if alone:
        factor = emit(work.b, "sum", factor, axes=alone)
        other = "".join(letter for letter in other if letter in own or letter in out)
    found: list[Term] = []
    for term in work.of(node.inputs[position]):
        if term.rows is not None:
            raise Stop("a contraction of sums has no structure of few terms", node)
        found += _summed(work, term, factor, (tuple(own), tuple(other), tuple(out)), sizes)
    return work.merged(found)


def _summed(work: Work, term: Term, factor: Node | None, labels: tuple, sizes: dict) -> list[Term]:
    """Return the terms of a sum of products: one for every place that is summed over, or entries with rows.

    `labels` are those of the axes of the term, of the factor and of the result.
    """
    own, other, out = labels
    gone = tuple(label for label in own if label not in out)
    many = math.prod(sizes[label] for label in gone)
    if many > MOST_SUMMED:
        box = (*out, *gone)
        value, columns = _spread_over(work, term, factor, (own, other, box), sizes)
        shape = tuple(sizes[label] for label in out)
        numbers = np.arange(math.prod(shape)).reshape(shape + (1,) * len(gone))
        rows = np.broadcast_to(numbers, columns.index.shape)
        return [Term(value, columns, rows, False)]
    found = []
    for place in product(*(range(sizes[label]) for label in gone)):
        at = dict(zip(gone, place, strict=True))
        value, mine = _cut(work, term.value, own, at)
        index = term.columns.index[tuple(at.get(label, slice(None)) for label in own)]
        part = Term(value, work.maps.share(index), None, term.clean)
        beside, theirs = (None, ()) if factor is None else _cut(work, factor, other, at)
        value, columns = _spread_over(work, part, beside, (mine, theirs, out), sizes)
        found.append(Term(value, columns, None, term.clean and (factor is None or columns.is_full)))
    return found


def _cut(work: Work, x: Node, labels: tuple, at: dict) -> tuple[Node, tuple]:
    """Return an array at fixed places of some axes, and the labels of the others."""
    kept = tuple(label for label in labels if label not in at)
    if len(kept) == len(labels):
        return x, labels
    shape = tuple(n for n, label in zip(x.shape, labels, strict=True) if label not in at)
    number = number_of(x)
    if number is not None:
        return spread(work.b, number, shape), kept
    start = tuple(at.get(label, 0) for label in labels)
    stop = tuple(at[label] + 1 if label in at else n for n, label in zip(x.shape, labels, strict=True))
    piece = emit(work.b, "slice", x, start=start, stop=stop, step=(1,) * len(labels))
    return emit(work.b, "reshape", piece, shape=shape), kept


def _spread_over(
    work: Work, term: Term, factor: Node | None, labels: tuple, sizes: dict
) -> tuple[Node, Columns]:
    """Return the coefficients times a factor, and the columns, over the box of some labels."""
    own, other, box = labels
    shape = tuple(sizes[label] for label in box)
    columns = _aligned_index(term.columns.index, own, box, shape)
    value = _aligned(work, term.value, own, box, shape)
    if factor is not None:
        beside = _aligned(work, factor, other, box, shape)
        known = None if number_of(factor) is not None else work.known(factor)
        if known is not None and not known.all():
            there = _aligned_index(known != 0, other, box, shape)
            columns = np.where(there, columns, columns.dtype.type(0))
        numbers = [number_of(x) for x in (value, beside)]
        if None not in numbers:
            value = spread(work.b, emit(work.b, "mul", *numbers), shape)
        else:
            value = emit(work.b, "mul", value, beside)
    return value, work.maps.share(columns)


def _order(labels: tuple, box: tuple) -> tuple[int, ...]:
    return tuple(sorted(range(len(labels)), key=lambda k: box.index(labels[k])))


def _aligned_index(index: np.ndarray, labels: tuple, box: tuple, shape: tuple[int, ...]) -> np.ndarray:
    index = index.transpose(_order(labels, box))
    full = tuple(n if label in labels else 1 for n, label in zip(shape, box, strict=True))
    return np.broadcast_to(index.reshape(full), shape)


def _aligned(work: Work, x: Node, labels: tuple, box: tuple, shape: tuple[int, ...]) -> Node:
    number = number_of(x)
    if number is not None:
        return spread(work.b, number, shape)
    x = emit(work.b, "transpose", x, perm=_order(labels, box))
    axes = tuple(k for k, label in enumerate(box) if label in labels)
    return emit(work.b, "broadcast", x, shape=shape, axes=axes)


RULES: dict[str, Callable[[Work, Node], list[Term]]] = {
    "add": _sum,
    "sub": _sum,
    "neg": _each,
    "convert": _each,
    "mul": _product,
    "div": _quotient,
    "select": _select,
    "sum": _reduced,
    "contract": _contracted,
    "take": _move,
    "put": _assembled,
    "put_add": _put_add,
    **dict.fromkeys(("set_slice", "concatenate", "place"), _assembled),
    **dict.fromkeys(("broadcast", "reshape", "transpose", "slice", "pad", "flip", "roll"), _move),
}
