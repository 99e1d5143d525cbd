"""What moves do to terms: coefficients and maps move alike; of entries elsewhere the rows move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.graph import Node
from diffsci.graph.builder import params_key
from diffsci.graph.naming import spoken
from diffsci.sparse.direct.emitting import emit, emit_like, number_of, spread
from diffsci.sparse.direct.terms import Columns, Term
from diffsci.sparse.direct.work import Stop, Work
from diffsci.sparse.maps import moved
from diffsci.transforms.masks import boxed

__all__ = ["assembled", "move", "put_add", "with_rows"]


def move(work: Work, node: Node) -> list[Term]:
    """An operation that moves the elements of one operand."""
    return [
        _moved_box(work, node, term) if term.rows is None else _moved_entries(work, node, term)
        for term in work.of(node.inputs[0])
    ]


def _moved_box(work: Work, node: Node, term: Term) -> Term:
    others = node.inputs[1:]
    columns = _moved_columns(work, node, 0, term.columns)
    if node.name == "take" and number_of(term.value) is not None:
        return Term(spread(work.b, number_of(term.value), node.shape), columns, None, term.clean)
    return Term(emit_like(work.b, node, (term.value, *others)), columns, None, term.clean)


def _moved_columns(work: Work, node: Node, k: int, columns: Columns) -> Columns:
    """Return where the columns of operand k go, if the others have none."""
    beside = tuple(x.shape if x.type.is_float else x for x in node.inputs)
    key = (node.name, params_key(node.params), k, columns, beside)
    return work.maps.made(key, lambda: _moved(work, node, {k: columns}))


def _moved(work: Work, node: Node, columns: dict[int, Columns]) -> np.ndarray:
    maps = [columns[k].index if k in columns else None for k in range(len(node.inputs))]
    return moved(node, maps, lambda x: _index(work, node, x))


def _index(work: Work, node: Node, x: Node) -> np.ndarray:
    value = work.known(x)
    if value is None:
        raise Stop(f"{spoken(node)} by an index that is only known when the program runs", node)
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
    count = np.bincount(source, minlength=size)
    if count.max(initial=0) <= 1:
        target = np.full(size, -1)
        target[source] = to
        at = target[rows]
        kept = np.where(at >= 0, columns, columns.dtype.type(0))
        return Term(term.value, work.maps.share(kept), np.maximum(at, 0), False)
    order = np.argsort(source, kind="stable")
    first = np.searchsorted(source[order], np.arange(size))
    flat = np.where(columns > 0, rows, 0).ravel()
    times = np.where(columns.ravel() > 0, count[flat], 0)
    work.check_size(node, int(times.sum()))
    entries = np.repeat(np.arange(flat.size), times)
    nth = np.arange(len(entries)) - np.repeat(np.cumsum(times) - times, times)
    at = to[order[first[flat[entries]] + nth]]
    value = emit(work.b, "reshape", term.value, shape=(flat.size,))
    value = work.b.take(value, work.b.const(entries), axis=0)
    return Term(value, work.maps.share(columns.ravel()[entries]), at, True)


def assembled(work: Work, node: Node) -> list[Term]:
    """Operations that put several operands side by side: terms of one diagonal become one again."""
    others = {k: _index(work, node, x) for k, x in enumerate(node.inputs) if not x.type.is_float}
    entries: list[Term] = []
    groups: list[tuple[dict[int, Term], dict[int, Columns]]] = []
    for k, x in enumerate(node.inputs):
        boxes = []
        for term in work.of(x):
            if term.rows is None:
                boxes.append((term, _moved_columns(work, node, k, term.columns)))
            else:
                entries += _entries_of_part(work, node, k, term, others)
        _join_groups(groups, k, boxes)
    found = []
    for group, _ in groups:
        operands = [
            x if k in others else group[k].value if k in group else work.b.zeros(x.type)
            for k, x in enumerate(node.inputs)
        ]
        columns = work.maps.share(_moved(work, node, {k: term.columns for k, term in group.items()}))
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
    at = target[term.rows]
    kept = np.where(at >= 0, term.columns.index, term.columns.index.dtype.type(0))
    return [Term(term.value, work.maps.share(kept), np.maximum(at, 0), False)]


def put_add(work: Work, node: Node) -> list[Term]:
    """Values added at places keep their entries, which get the rows of these places."""
    base, index, value = node.inputs
    where = np.arange(base.type.size).reshape(base.shape)
    rows = np.take(where, _index(work, node, index), axis=node.params["axis"])
    return [*work.of(base), *(with_rows(work, term, rows) for term in _absorbed(work, work.of(value)))]


def _absorbed(work: Work, terms: list[Term]) -> list[Term]:
    """Add terms whose entries all lie on those of others to these: fewer entries go to each place.

    The second derivatives of a distance are a multiple of the identity and an outer product, whose entries
    belong to terms of their own, one for every coordinate.
    """
    kept: dict[int, Term] = dict(enumerate(terms))
    for k in range(len(terms)):
        shares = _shares(kept, k)
        if shares is None:
            continue
        term = kept.pop(k)
        zero = work.b.zeros(term.value.type)
        for other, both in shares.items():
            own = emit(work.b, "select", boxed(work.b, both), term.value, zero)
            kept[other] = kept[other].of(emit(work.b, "add", kept[other].value, own))
    return list(kept.values())


def _shares(terms: dict[int, Term], k: int) -> dict[int, np.ndarray] | None:
    """Return where entries of term k lie on those of others, None if some lie on none."""
    if terms[k].rows is not None:
        return None
    index = terms[k].columns.index
    left, found = index > 0, {}
    for j, other in terms.items():
        if j != k and other.rows is None and left.any():
            both = left & (other.columns.index == index)
            if both.any():
                found[j] = both
                left &= ~both
    return None if left.any() else found


def with_rows(work: Work, term: Term, rows: np.ndarray) -> Term:
    """Give entries new rows: by elements of the node that they had before."""
    if term.rows is not None:
        rows = rows.ravel()[term.rows]
    return Term(term.value, term.columns, rows, term.clean)
