"""Patterns given by a user: complete ones pass, others name what they lack."""

import numpy as np
import pytest

from diffsci.sparse.detection import Pattern, check, jacobian_pattern
from diffsci.tracing import trace_function

N = 12


def ring(x):
    return x * np.roll(x, 1)


def entries_by_columns(true, pattern, colors):
    """The entries as compressed products give them: columns of one color are told apart by the pattern."""
    products = true @ (colors[:, None] == np.arange(colors.max() + 1))
    return products[pattern.rows, colors[pattern.indices]]


def problem(f, *args):
    graph = trace_function(f, args).graph
    return graph, jacobian_pattern(graph)


def checked(f, x, pattern, entries, **options):
    graph, _ = problem(f, x)
    check(pattern, entries, graph, [x], **options)


@pytest.fixture
def x():
    return np.random.default_rng(1).uniform(0.5, 1.5, N)


def ring_jacobian(x):
    return np.diag(np.roll(x, 1)) + np.diag(x) @ np.roll(np.eye(N), -1, axis=1)


def test_a_pattern_with_more_than_enough_passes(x):
    whole = Pattern.of(np.ones((N, N)))
    checked(ring, x, whole, ring_jacobian(x).ravel())


def test_what_happens_to_be_zero_may_be_left_out(x):
    graph, structural = problem(lambda x: np.roll(x, 1) + x - np.roll(x, 1), x)
    diagonal = Pattern.of(np.eye(N))
    assert structural.nnz == 2 * N
    check(diagonal, np.ones(N), graph, [x])


@pytest.mark.parametrize("way", ["columns", "rows"])
def test_missing_entries_are_named(x, way):
    true = ring_jacobian(x)
    _, pattern = problem(ring, x)
    keep = ~((pattern.rows == 5) & (pattern.indices == 4))
    fewer = Pattern.at(pattern.rows[keep], pattern.indices[keep], (N, N))
    colors = np.array([0, 1, 2] * (N // 3))
    if way == "columns":
        entries = entries_by_columns(true, fewer, colors)
    else:
        turned = Pattern.at(fewer.indices, fewer.rows, (N, N))
        by_rows = entries_by_columns(true.T, turned, colors)
        entries = turned.csr(by_rows).T.tocsr().data
    with pytest.raises(ValueError, match=r"output\[5\] by argument\[4\] \(row 5, column 4\)"):
        checked(ring, x, fewer, entries)


def test_names_of_arguments_and_many_missing_entries(x):
    diagonal = Pattern.of(np.eye(N))
    with pytest.raises(ValueError, match=r"rate\[0\] by y\[11\] \(row 0, column 11\).* and 7 more"):
        checked(ring, x, diagonal, ring_jacobian(x).sum(axis=1), outputs=["rate"], arguments=["y"])


def test_several_results_and_arguments():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    graph, pattern = problem(lambda a, b: (a * b, np.outer(a, b)), a, b)
    keep = ~((pattern.rows == 4) & (pattern.indices == 3))
    fewer = Pattern.at(pattern.rows[keep], pattern.indices[keep], pattern.shape)
    true = np.array([[3, 0, 1, 0], [0, 4, 0, 2], [3, 0, 1, 0], [4, 0, 0, 1], [0, 3, 2, 0], [0, 4, 0, 2.0]])
    check(pattern, true[pattern.rows, pattern.indices], graph, [a, b])
    assert fewer.nnz == pattern.nnz  # that entry is zero by structure
    keep = ~((pattern.rows == 4) & (pattern.indices == 2))
    fewer = Pattern.at(pattern.rows[keep], pattern.indices[keep], pattern.shape)
    with pytest.raises(ValueError, match=r"output 1\[1, 0\] by argument 1\[0\]"):
        check(fewer, true[fewer.rows, fewer.indices], graph, [a, b])


def test_wrong_shapes(x):
    with pytest.raises(ValueError, match=r"shape \(12, 11\), the Jacobian \(12, 12\)"):
        checked(ring, x, Pattern.of(np.eye(N, N - 1)), np.ones(N - 1))


def test_nothing_at_all():
    graph, pattern = problem(lambda x: x**2, np.zeros(0))
    check(pattern, np.zeros(0), graph, [np.zeros(0)])
