"""`cond`: one branch is run and differentiated; everything else is as with Python's own choice."""

import math

import numpy as np
import pytest

import diffsci as ds

BOUND = 0.5


def piecewise(x):
    return ds.cond(np.sum(x) > BOUND, lambda x: (np.sqrt(x), x[0]), lambda x: (x * x, 2.0 * x[1]), x)


def plain(x):
    return (np.sqrt(x), x[0]) if np.sum(x) > BOUND else (x * x, 2.0 * x[1])


POINTS = [np.array([0.4, 0.9]), np.array([-0.4, 0.3])]


@pytest.mark.parametrize("point", POINTS, ids=["true", "false"])
def test_every_law(point):
    for f in (piecewise, lambda x: ds.cond(x[0] > 0, lambda: np.log(x), lambda: x**3)):
        result = ds.check_all(f, point)
        assert result.passed, result


def test_values_and_derivatives_of_both_branches_in_one_program():
    fast = ds.jit(lambda x: (piecewise(x), ds.jacobian(lambda x: piecewise(x)[0])(x)))
    for point in (*POINTS, POINTS[0]):
        value, slope = fast(point)
        for a, b in zip(value, plain(point), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-15)
        np.testing.assert_allclose(slope, ds.jacobian(lambda x: plain(x)[0])(point), rtol=1e-14)
    assert sum(map(len, fast._paths.values())) == 1


def test_members_choose_for_themselves():
    many = np.stack(POINTS)
    found = ds.vmap(piecewise)(many)
    for k, point in enumerate(POINTS):
        np.testing.assert_allclose(found[0][k], plain(point)[0], rtol=1e-15)
    rows = ds.vmap(ds.grad(lambda x: np.sum(piecewise(x)[0])))(many)
    assert np.all(np.isfinite(rows))
    for row, point in zip(rows, POINTS, strict=True):
        np.testing.assert_allclose(row, ds.grad(lambda x: np.sum(plain(x)[0]))(point), rtol=1e-14)


def test_taylor():
    found = ds.taylor(piecewise, (POINTS[0],), (np.ones(2),), 3)
    expected = ds.taylor(plain, (POINTS[0],), (np.ones(2),), 3)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-12)


def test_a_branch_that_cannot_be_traced_here_is_left_for_later():
    f = ds.jit(lambda x: ds.cond(x > 0, lambda x: math.sqrt(x) * 2, lambda x: -x, x))
    assert f(4.0) == 4.0
    assert f(-3.0) == 3.0

    def strict(x):
        if x < 0:
            raise ArithmeticError("negative")
        return np.sqrt(x)

    g = ds.jit(lambda x: ds.cond(x > 1, strict, lambda x: x, x))
    assert g(0.5) == 0.5
    assert g(4.0) == 2.0
    assert g(-4.0) == -4.0
    with pytest.raises(ArithmeticError, match="negative"):
        ds.jit(lambda x: ds.cond(x < 1, strict, lambda x: x, x))(-1.0)


def test_dtypes_are_promoted_and_kinds_compared():
    assert ds.jit(lambda x: ds.cond(x > 0, lambda: 1, lambda: 2.5))(1.0) == 1.0
    with pytest.raises(ds.TraceError, match=r"(?s)test_cond.py.*same\s+structure"):
        ds.jit(lambda x: ds.cond(x > 0, lambda: x, lambda: (x, x)))(1.0)
    with pytest.raises(TypeError, match="2 elements"):
        ds.grad(lambda x: ds.cond(x > 0, lambda: x[0], lambda: x[1]))(np.ones(2))


def test_without_a_trace():
    assert ds.cond(True, lambda x: x + 1, lambda x: x - 1, 2) == 3
    assert ds.cond(np.array([0.0]), lambda: "yes", lambda: "no") == "no"
