"""Every form of dependences gives the same patterns: wide random programs against products of matrices."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from diffsci.graph import interpreter
from diffsci.sparse.detection import Pattern, jacobian_pattern
from diffsci.sparse.detection.algebra import product, taken, union
from diffsci.sparse.detection.forms import Maps, Rows, finished, rows_of, words_of
from diffsci.sparse.detection.rules import places_of
from diffsci.sparse.maps import identity
from diffsci.tracing import trace_function

N = 240
PICK = np.random.default_rng(0).integers(0, N, N)
TABLE = np.random.default_rng(1).standard_normal((12, 20))
THIN = np.where(np.random.default_rng(2).random((N, N)) < 0.01, 1.0, 0.0)

STEPS = {
    "stencil": lambda x: np.roll(x, 1) * x - np.roll(x, -1),
    "wide": lambda x: sum(np.roll(x, 3 * k) for k in range(12)),
    "open": lambda x: np.concatenate([[0.0], x[2:] - x[:-2], [1.0]]) * x,
    "gather": lambda x: x[PICK] + x,
    "scatter": lambda x: scattered(x * x),
    "grid": lambda x: (x.reshape(12, 20).T + x[:12]).T.ravel(),
    "rows": lambda x: np.repeat(np.sum(x.reshape(12, 20), axis=1), 20) + x,
    "head": lambda x: np.concatenate([[np.sum(x)], x[1:]]),
    "norm": lambda x: x / np.sqrt(np.sum(x * x)),
    "few": lambda x: np.concatenate([x[:40] * np.sum(x[40:80]), x[40:]]),
    "matrix": lambda x: (TABLE @ x.reshape(20, 12)).repeat(20, axis=0).ravel()[:N] + x,
    "thin": lambda x: THIN @ x,
    "cumsum": lambda x: np.cumsum(x.reshape(12, 20), axis=1).ravel(),
    "flip": lambda x: x[::-1] * np.sin(x),
    "store": lambda x: stored(x),
    "apart": lambda x: np.pad(sums(x)[:90], (0, N - 90)) + np.pad(sums(x[::-1])[:70], (N - 70, 0)),
    "overlapping": lambda x: np.pad(sums(x)[:190], (0, N - 190)) + np.pad(sums(x)[:70], (N - 70, 0)),
    "maximum": lambda x: np.full(N, np.max(x[:7])) * x,
}


def sums(x):
    return x + np.roll(x, 2) * np.roll(x, 5) + np.roll(x, 11) + np.roll(x, 19) * np.roll(x, 33)


def scattered(x):
    out = np.zeros(N)
    np.add.at(out, PICK // 2, x)
    return out + x


def stored(x):
    out = np.array(x)
    out[10:20] = x[30:40] * x[:10]
    return out


class Constants:
    """Values that depend on constants alone; what is zero at a point taken at random is always zero."""

    def __init__(self, graph):
        self.fixed, self.values = set(), interpreter.Values()
        rng = np.random.default_rng(7)
        self.values.update({x: rng.uniform(1.0, 2.0, x.shape) for x in graph.inputs})

    def __call__(self, x):
        return self.values[x] if x in self.fixed else None

    def nonzero(self, x):
        return self.values[x] != 0


@pytest.mark.parametrize("wide", [5, 100])
def test_additions_at_different_places(wide):
    """What is added depends on few inputs, or on many."""
    order = np.array([3, 0, 2])

    def f(x):
        sums = np.array([np.sum(x[k : k + wide] ** 2) for k in range(3)])
        out = np.zeros(4)
        np.add.at(out, order, sums)
        return out

    traced = trace_function(f, (np.ones(120),))
    values = [traced.values[x] for x in traced.graph.inputs]
    active = [k == 0 for k in range(len(values))]
    found = jacobian_pattern(traced.graph, active, known=dict(enumerate(values[1:], start=1)))
    starts = [found.indices[first:last].tolist() for first, last in pairwise(found.indptr)]
    assert starts == [list(range(k, k + wide)) if k < 3 else [] for k in (1, 3, 2, 0)]


def by_products(graph):
    """The pattern by products of boolean matrices, node by node, as the rules of the registry name places."""
    found = {graph.inputs[0]: csr_array(np.eye(N, dtype=bool))}
    known = Constants(graph)
    for node in graph.nodes:
        if node.is_const or (node.inputs and all(x in known.fixed for x in node.inputs)):
            known.fixed.add(node)
        if node in found or not any(x in found for x in node.inputs):
            continue
        total = csr_array((node.type.size, N), dtype=bool)
        for x, own in zip(node.inputs, places_of(node.primitive)(node, known), strict=True):
            if x in found and own is not None:
                ones = np.ones(own[0].size, dtype=bool)
                total = total + csr_array((ones, own), shape=(node.type.size, x.type.size)) @ found[x]
        found[node] = total
    return Pattern.of(found[graph.outputs[0]])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6))
def test_wide_programs(names):
    def f(x):
        for name in names:
            x = STEPS[name](x)
        return x

    graph = trace_function(f, (np.linspace(1.0, 2.0, N),)).graph
    active = [k == 0 for k in range(len(graph.inputs))]
    assert jacobian_pattern(graph, active) == by_products(graph)


def all_forms(maps):
    """The same dependences in every form."""
    width = 70
    found = Maps(tuple(maps))
    return [found, Rows(rows_of(found, width), found.shape), words_of(found, width)]


@pytest.fixture
def some():
    rng = np.random.default_rng(4)
    return [rng.integers(0, 71, (3, 4)).astype(np.int32) for _ in range(5)]


def test_forms_are_the_same(some):
    patterns = [finished(form, 12, 70) for form in all_forms(some)]
    assert patterns[0] == patterns[1] == patterns[2]
    expected = np.zeros((12, 71), bool)
    for index in some:
        expected[np.arange(12), index.ravel()] = True
    assert np.array_equal(patterns[0].csr().toarray(), expected[:, 1:])


def test_operations_agree(some):
    source = np.array([4, -1, 0, 11, 4, 7])
    places = np.array([0, 0, 1, 3]), np.array([2, 5, 5, 11])
    one, other = all_forms(some[:2]), all_forms(some[2:])
    for operation in (
        lambda a, b: union([a, b], 70),
        lambda a, b: taken(a, source, (2, 3), 70),
        lambda a, b: product(places, a, (4,), 70),
    ):
        results = [operation(a, b) for a in one for b in other]
        patterns = [finished(found, math.prod(found.shape), 70) for found in results]
        assert all(found == patterns[0] for found in patterns)


def test_many_maps_are_put_in_order():
    many = [np.roll(identity((500,)), k) for k in range(40)]
    found = finished(Maps(tuple(many)), 500, 500)
    i, j = np.indices((500, 500))
    assert np.array_equal(found.csr().toarray(), (i - j) % 500 < 40)
