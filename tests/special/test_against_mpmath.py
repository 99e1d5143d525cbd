"""First and second derivatives of special functions at hard points, in every nesting, to 1e-12 relative."""

import mpmath as mp
import numpy as np
import pytest

import diffsci as ds
from tests.special.table import ONE, TWO

TOLERANCE = 1e-12


def named(rows):
    return [pytest.param(*row[1:], id=row[0]) for row in rows]


def agree(found, expected):
    gap = abs(mp.mpf(float(found)) - expected)
    return gap <= TOLERANCE * abs(expected) + mp.mpf("1e-300")


@pytest.mark.parametrize(("function", "judge", "points"), named(ONE))
def test_one_argument(function, judge, points):
    x = np.array(points)
    ones = np.ones_like(x)

    def tangent(x):
        return ds.jvp(function, (x,), (ones,))[1]

    def gradient(x):
        return ds.vjp(function, x)[1](ones)[0]

    value, first = ds.jvp(function, (x,), (ones,))
    np.testing.assert_allclose(gradient(x), first, rtol=1e-15)
    second = ds.jvp(tangent, (x,), (ones,))[1]
    for k, point in enumerate(points):
        assert agree(value[k], judge((0,), mp.mpf(point))), point
        assert agree(first[k], judge((1,), mp.mpf(point))), point
        assert agree(second[k], judge((2,), mp.mpf(point))), point
    for nesting in (ds.vjp(tangent, x)[1](ones)[0], ds.jvp(gradient, (x,), (ones,))[1]):
        np.testing.assert_allclose(nesting, second, rtol=1e-12)


@pytest.mark.parametrize(("function", "judge", "points"), named(TWO))
def test_two_arguments(function, judge, points):
    for point in points:
        x = np.array(point)
        gradient = ds.grad(lambda x: function(x[0], x[1]))(x)
        curvature = ds.hessian(lambda x: function(x[0], x[1]))(x)
        numbers = list(map(mp.mpf, point))
        assert agree(gradient[0], judge((1, 0), *numbers)), point
        assert agree(gradient[1], judge((0, 1), *numbers)), point
        mixed = judge((1, 1), *numbers)
        for found, expected in ((curvature[0, 1], mixed), (curvature[1, 0], mixed)):
            assert agree(found, expected), point
        assert agree(curvature[0, 0], judge((2, 0), *numbers)), point
        assert agree(curvature[1, 1], judge((0, 2), *numbers)), point
