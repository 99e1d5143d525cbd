"""Second derivatives of sums over pairs: right, and computed once for both particles of a pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.graph import Builder, Graph, Type, interpreter
from diffsci.sparse.direct.signs import Signs
from tests.sparse.direct_cases import check

RNG = np.random.default_rng(3)
X = RNG.random((14, 3))
I, J = np.array([(i, j) for i in range(14) for j in range(i) if np.linalg.norm(X[i] - X[j]) < 0.6]).T


def springs(x):
    d = x[I] - x[J]
    r = np.sqrt(np.sum(d * d, axis=1))
    return np.sum((r - 0.5) ** 2 * np.exp(-r))


def attraction(x):
    d = x[I] - x[J]
    q = 1 / np.sum(d**2, axis=-1) ** 3
    return np.sum(1e-3 * q - q**0.5)


def flat(x):
    """Positions in one vector, as optimisers want them; the second particle first."""
    x = x.reshape(-1, 3)
    return springs(x[::-1])


def lengths(x):
    return np.sum((np.linalg.norm(x[I] - x[J], axis=1) - 0.5) ** 2)


def weighted(x):
    """Not symmetric in the particles of a pair."""
    d = x[I] - 2 * x[J]
    return np.sum(np.cos(x[I]) * d * np.sum(d * d, axis=1)[:, None])


@pytest.mark.parametrize(
    ("f", "x"), [(springs, X), (attraction, X), (flat, X.ravel()), (weighted, X), (lengths, X)]
)
def test_pairs(f, x):
    check(ds.grad(f), x, rtol=1e-12)


@pytest.mark.parametrize("f", [springs, attraction])
def test_what_acts_on_both_particles_is_computed_once(f):
    """Three numbers for each coordinate and pair, and the same negated, are looked up by all entries."""
    found = check(ds.grad(f), X, rtol=1e-12)
    sizes = [node.type.size for node in found.graph.nodes if node.name == "concatenate"]
    assert max(sizes) == 2 * 9 * len(I)


def test_lengths_of_single_precision_and_of_zero():
    """Lengths are formulas of their own, written out in double precision; their derivatives at zero are 0."""
    found = check(ds.grad(lengths), X.astype(np.float32), rtol=2e-5)
    assert found.graph.outputs[0].dtype == np.float32
    together = X.copy()
    together[I[0]] = together[J[0]]
    check(ds.grad(lengths), together, rtol=1e-12)


def test_spreads_of_blocks():
    found = check(lambda x: np.std(x.reshape(-1, 4), axis=1) * x[::4], RNG.normal(size=24), rtol=1e-12)
    assert found.pattern.nnz == 24


NAMES = ("neg", "mul", "div", "add", "sub", "select", "broadcast", "sum", "slice", "const")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 99), st.integers(0, 99)), max_size=12))
def test_an_expression_without_signs_is_the_same_number(steps):
    b = Builder()
    inputs = [b.input(Type((3, 2), np.dtype(float))) for _ in range(2)]
    nodes = list(inputs)
    for name, k, m in steps:
        x, y = nodes[k % len(nodes)], nodes[m % len(nodes)]
        if name == "neg":
            nodes.append(b.neg(x))
        elif name == "select":
            mask = b.const(np.arange(6).reshape(3, 2) % 2 == 0)
            nodes.append(b.select(mask, *([x, b.zeros(x.type)] if m % 2 else [b.zeros(x.type), x])))
        elif name == "broadcast":
            nodes.append(b.broadcast(b.sum(x, axes=(1,)), shape=(3, 2), axes=(0,)))
        elif name == "sum":
            nodes.append(b.broadcast(b.sum(x, axes=(0, 1)), shape=(3, 2), axes=()))
        elif name == "slice":
            row = b.slice(x, start=(1, 0), stop=(2, 2), step=(1, 1))
            nodes.append(b.concatenate(row, row, b.neg(row), axis=0))
        elif name == "const":
            nodes.append(b.mul(x, b.broadcast(b.const(np.asarray(m - 50.0)), shape=(3, 2), axes=())))
        else:
            nodes.append(b.emit(name, x, y))
    signs = Signs(b)
    values = [np.arange(1.0, 7.0).reshape(3, 2) / 7, np.array([[1.5, -2.0], [0.25, 3.0], [-1.0, 0.75]])]
    for node in nodes:
        with np.errstate(all="ignore"):
            one, other = interpreter.run(Graph(inputs, [node, signs.signed(node)]), values)
        np.testing.assert_array_equal(one, other)
