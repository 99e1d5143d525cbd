"""Every coefficient is checked: row sums, order conditions over rooted trees, interpolants at many theta."""

from functools import cache
from itertools import combinations_with_replacement
from math import prod

import numpy as np
import pytest

from solvers.ode.tableaus import DOP853, RK4, RODAS5P, TSIT5
from solvers.ode.tableaus.records import basis, in_basis

EXPLICIT = [RK4, TSIT5, DOP853]
THETA = np.linspace(0, 1, 7)


@cache
def trees(order):
    """All rooted trees with `order` vertices; a tree is the sorted tuple of its root's subtrees."""
    if order == 1:
        return [()]
    found = set()
    for parts in partitions(order - 1):
        choices = [list(combinations_with_replacement(trees(size), parts.count(size))) for size in set(parts)]
        forests = [()]
        for options in choices:
            forests = [forest + option for forest in forests for option in options]
        found.update(tuple(sorted(forest)) for forest in forests)
    return sorted(found)


def partitions(n, largest=None):
    largest = largest or n
    if n == 0:
        return [()]
    return [(k, *rest) for k in range(min(n, largest), 0, -1) for rest in partitions(n - k, k)]


def size(tree):
    return 1 + sum(size(child) for child in tree)


def density(tree):
    return size(tree) * prod(density(child) for child in tree)


def stage_weights(tree, many, single):
    """Product over the root's children; `single` is the matrix for a vertex with exactly one child."""
    matrix = single if len(tree) == 1 else many
    result = np.ones(len(matrix))
    for child in tree:
        result = result * (matrix @ stage_weights(child, many, single))
    return result


def conditions(weights, many, single, order):
    """Largest violation of the order conditions up to `order`."""
    worst = 0.0
    for n in range(1, order + 1):
        for tree in trees(n):
            worst = max(worst, np.abs(weights @ stage_weights(tree, many, single) - 1 / density(tree)).max())
    return worst


def interpolant_conditions(dense, many, single, order):
    worst = 0.0
    weights = basis(THETA, len(dense)).T @ dense
    for n in range(1, order + 1):
        for tree in trees(n):
            expected = THETA**n / density(tree)
            worst = max(worst, np.abs(weights @ stage_weights(tree, many, single) - expected).max())
    return worst


def test_numbers_of_rooted_trees():
    assert [len(trees(n)) for n in range(1, 9)] == [1, 1, 2, 4, 9, 20, 48, 115]


@pytest.mark.parametrize("tableau", EXPLICIT, ids=lambda t: t.name)
def test_row_sums_and_shapes(tableau):
    np.testing.assert_allclose(tableau.a.sum(axis=1), tableau.c, atol=2e-15)
    np.testing.assert_array_equal(np.triu(tableau.a), 0)
    np.testing.assert_array_equal(tableau.a[tableau.stages, : tableau.stages], tableau.b)
    np.testing.assert_array_equal(tableau.dense[0, : tableau.stages], tableau.b)
    np.testing.assert_allclose(tableau.error.sum(axis=1), 0, atol=1e-15)


@pytest.mark.parametrize("tableau", EXPLICIT, ids=lambda t: t.name)
def test_order_conditions_of_the_result(tableau):
    s = tableau.stages
    a = tableau.a[:s, :s]
    assert conditions(tableau.b, a, a, tableau.order) < 1e-13
    if tableau.order < 8:
        assert conditions(tableau.b, a, a, tableau.order + 1) > 1e-5, "the order is higher than declared"


@pytest.mark.parametrize(("row", "order"), [(0, 5), (1, 3)])
def test_dop853_companions_have_their_orders(row, order):
    a = DOP853.a[:12, :12]
    companion = DOP853.b - DOP853.error[row]
    assert conditions(companion, a, a, order) < 1e-13
    assert conditions(companion, a, a, order + 1) > 1e-5


def test_tsit5_companion_has_order_4():
    b = np.append(TSIT5.b, 0.0)
    assert conditions(b - TSIT5.error[0], TSIT5.a, TSIT5.a, 4) < 1e-13


@pytest.mark.parametrize("tableau", EXPLICIT, ids=lambda t: t.name)
def test_order_conditions_of_the_interpolant(tableau):
    a = np.zeros((len(tableau.a),) * 2)
    a[:, : tableau.a.shape[1]] = tableau.a
    assert interpolant_conditions(tableau.dense, a, a, tableau.dense_order) < 1e-13
    assert interpolant_conditions(tableau.dense, a, a, tableau.dense_order + 1) > 1e-5


def rosenbrock_matrices(tableau):
    """The classical coefficients (alpha, Gamma) behind the form without Jacobian products."""
    gamma = np.linalg.inv(np.eye(8) / tableau.gamma - tableau.C)
    return tableau.a @ gamma, gamma


def test_rosenbrock_nodes():
    alpha, gamma = rosenbrock_matrices(RODAS5P)
    np.testing.assert_allclose(alpha.sum(axis=1), RODAS5P.c, atol=1e-13)
    np.testing.assert_allclose(gamma.sum(axis=1), RODAS5P.d, atol=1e-13)
    np.testing.assert_allclose(np.diag(gamma), RODAS5P.gamma, atol=1e-15)


def test_rosenbrock_order_conditions():
    """With the exact Jacobian a vertex with one child takes alpha + Gamma, any other takes alpha."""
    alpha, gamma = rosenbrock_matrices(RODAS5P)
    assert conditions(RODAS5P.b @ gamma, alpha, alpha + gamma, 5) < 1e-12
    assert conditions(RODAS5P.b @ gamma, alpha, alpha + gamma, 6) > 1e-5
    companion = (RODAS5P.b - RODAS5P.error) @ gamma
    assert conditions(companion, alpha, alpha + gamma, 4) < 1e-12
    assert conditions(companion, alpha, alpha + gamma, 5) > 1e-5
    assert interpolant_conditions(RODAS5P.dense @ gamma, alpha, alpha + gamma, 4) < 1e-12


def test_rosenbrock_is_stiffly_accurate():
    """The stability function vanishes at infinity: R = 1 - b Gamma beta^-1 1."""
    alpha, gamma = rosenbrock_matrices(RODAS5P)
    at_infinity = 1 - (RODAS5P.b @ gamma) @ np.linalg.solve(alpha + gamma, np.ones(8))
    assert abs(at_infinity) < 1e-12


def test_basis_represents_polynomials_without_constant_term():
    powers = np.random.default_rng(3).normal(size=(7, 2))
    values = sum(powers[k][:, None] * THETA ** (k + 1) for k in range(7))
    np.testing.assert_allclose(in_basis(powers).T @ basis(THETA, 7), values, atol=1e-12)
