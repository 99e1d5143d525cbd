"""Plans of eliminations against elimination itself: what fills, how much, and where it lies."""

import itertools
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsci.elimination import elimination_of, fronts_of
from diffsci.elimination.dissection import separated
from diffsci.elimination.graphs import graph_of
from diffsci.elimination.loops import LOOPS
from diffsci.elimination.orders import by_degree, by_dissection
from diffsci.elimination.trees import tree_of
from tests.elimination import patterns

ORDERS = {"minimum degree": by_degree, "nested dissection": partial(by_dissection, leaf=5)}


def _filled(pattern, order):
    """The lower triangle that elimination in this order fills, by its definition."""
    full = (pattern + pattern.T).toarray()[np.ix_(order, order)] != 0
    np.fill_diagonal(full, True)
    for k in range(full.shape[0]):
        below = np.flatnonzero(full[k + 1 :, k]) + k + 1
        full[np.ix_(below, below)] = True
    return np.tril(full)


@st.composite
def _patterns(draw):
    n, seed = draw(st.integers(1, 60)), draw(st.integers(0, 2**31))
    return draw(
        st.sampled_from(
            [
                patterns.scattered(n, draw(st.integers(0, 4)), seed),
                patterns.hubs(n, min(n, 3), seed),
                patterns.arrow(n, seed % n),
                patterns.bordered(1 + n // 4, 1 + seed % 3, 1 + seed % 2),
                patterns.grid(1 + n // 8, 7),
            ]
        )
    )


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@settings(max_examples=40, deadline=None)
@given(pattern=_patterns())
def test_fronts_hold_the_fill_and_orders_are_permutations(order, pattern):
    graph = graph_of(pattern.indices, pattern.indptr)
    proposed = order(graph)
    assert np.array_equal(np.sort(proposed), np.arange(graph.size))
    tree = tree_of(graph, proposed)
    assert np.array_equal(tree.order[tree.position], np.arange(graph.size))
    filled = _filled(pattern, tree.order)
    assert filled.sum() == _filled(pattern, proposed).sum()
    ends = tree.first + tree.own
    assert np.array_equal(ends, np.append(tree.first[1:], graph.size))
    for first, end, rest in zip(tree.first, ends, tree.rest, strict=True):
        assert np.flatnonzero(filled[end:, first:end].any(axis=1)).size == rest


@settings(max_examples=40, deadline=None)
@given(pattern=_patterns())
def test_tables_name_the_rows_that_fronts_reach(pattern):
    fronts = fronts_of(pattern.indices, pattern.indptr)
    n, heads, rows = fronts.n, fronts.heads(), fronts.part("rows")
    order = fronts.part("order")[:n]
    filled = _filled(pattern, order)
    permuted = pattern.tocsc()[order][:, order].toarray()
    entries = np.zeros((n, n))
    for here, after in itertools.pairwise(heads):
        own, _, first, _, start, entry, child, _ = here.tolist()
        reached = rows[start : after[4]]
        assert np.array_equal(
            reached, np.flatnonzero(filled[first + own :, first : first + own].any(axis=1)) + first + own
        )
        members = np.concatenate([np.arange(first, first + own), reached])
        places = fronts.part("places")[entry : after[5]]
        sources = fronts.part("sources")[entry : after[5]]
        np.add.at(
            entries, (members[places % members.size], members[places // members.size]), pattern.data[sources]
        )
        for front, map_start in fronts.part("children")[2 * child : 2 * after[6]].reshape(-1, 2):
            of_child = rows[heads[front, 4] : heads[front + 1, 4]]
            assert np.array_equal(
                members[fronts.part("maps")[map_start : map_start + of_child.size]], of_child
            )
    assert np.array_equal(entries, permuted)


def _in_python(family, name, *arguments):
    return getattr(import_module(family.modules[name]), name)(*arguments)


@pytest.mark.parametrize(
    "pattern", [patterns.grid(9, 8), patterns.hubs(80, 3, 0), patterns.scattered(90, 3, 1)]
)
def test_loops_do_the_same_in_python_and_compiled(pattern, monkeypatch):
    graph = graph_of(pattern.indices, pattern.indptr)

    def plan():
        return [tree_of(graph, order(graph)) for order in ORDERS.values()]

    compiled = plan()
    monkeypatch.setattr(type(LOOPS), "run", _in_python)
    for one, other in zip(compiled, plan(), strict=True):
        assert np.array_equal(one.order, other.order)
        assert np.array_equal(one.own, other.own)
        assert (one.cost, one.flops, one.factors) == (other.cost, other.flops, other.factors)


def test_separators_separate_and_are_small():
    pattern = patterns.grid(31, 33)
    graph = graph_of(pattern.indices, pattern.indptr)
    where = separated(graph)
    left, right, between = (np.flatnonzero(where == side) for side in range(3))
    assert pattern[left][:, right].nnz == 0
    assert between.size <= 33
    assert max(left.size, right.size) <= 0.6 * graph.size


def test_large_boxes_are_cut():
    """Nested dissection takes far fewer operations in three dimensions; it is what is planned."""
    pattern = patterns.grid(20, 20, 20)
    graph = graph_of(pattern.indices, pattern.indptr)
    by_degrees, by_cuts = (tree_of(graph, order(graph)) for order in (by_degree, by_dissection))
    assert by_cuts.flops < 0.8 * by_degrees.flops
    assert elimination_of(pattern.indices, pattern.indptr).cost == by_cuts.cost


@pytest.mark.parametrize("hub", [0, 700, 1999])
def test_an_arrow_does_not_fill(hub):
    pattern = patterns.arrow(2000, hub)
    tree = elimination_of(pattern.indices, pattern.indptr)
    assert tree.order[-1] == hub or tree.position[hub] >= 1900
    assert tree.rest.max() == 1
    assert tree.own.size < 400  # columns that reach the same share fronts


def test_a_tree_does_not_fill():
    n = 500
    parents = np.random.default_rng(0).integers(0, np.arange(1, n))
    rows, columns = np.concatenate([[np.arange(1, n), parents], [parents, np.arange(1, n)]], axis=1)
    starts = np.searchsorted(np.sort(columns), np.arange(n + 1))
    tree = elimination_of(rows[np.argsort(columns, kind="stable")], starts)
    assert tree.rest.max() == 1


def test_an_empty_matrix_has_an_empty_plan():
    fronts = fronts_of(np.zeros(0, np.int64), np.zeros(1, np.int64))
    assert (fronts.n, fronts.largest, fronts.factors, fronts.stack) == (0, 0, 0, 0)


def test_columns_without_entries_are_fronts():
    fronts = fronts_of(np.zeros(0, np.int64), np.zeros(4, np.int64))
    assert fronts.heads()[:-1, 0].sum() == 3
