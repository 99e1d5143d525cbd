"""Accuracy of the vector functions against 50-digit values, and their special values."""

import mpmath
import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph
from tests.backends.common import one_op, type_of

COUNT = 400
RANGES = {
    "exp": [(-745.0, 709.7), (-1.0, 1.0), (-744.9, -708.0)],
    "expm1": [(-60.0, 709.0), (-1.0, 1.0), (-1e-8, 1e-8)],
    "log": [(1e-3, 1e3), (0.9, 1.1), (0.0, 1e-307)],
    "log1p": [(-0.999999, 10.0), (-1e-3, 1e-3), (1e3, 1e9)],
    "tanh": [(-20.0, 20.0), (-1.0, 1.0), (-1e-6, 1e-6)],
    "sin": [(-10.0, 10.0), (-1e6, 1e6), (-1e-5, 1e-5), (1e8, 1e12)],
    "cos": [(-10.0, 10.0), (-1e6, 1e6), (1.57079, 1.5708), (1e8, 1e12)],
}


@pytest.mark.parametrize("name", RANGES)
def test_within_two_units_in_the_last_place(name):
    rng = np.random.default_rng(3)
    compiled = compile_graph(one_op(name, [type_of((2000,))]))
    exact = getattr(mpmath, name)
    with mpmath.workdps(50):
        for low, high in RANGES[name]:
            x = rng.uniform(low, high, 2000)
            status, (got,) = compiled.run([x])
            assert status == 0
            for a, value in zip(x[:COUNT], got[:COUNT], strict=True):
                want = exact(mpmath.mpf(float(a)))
                spacing = np.spacing(abs(float(want)))
                assert abs(want - mpmath.mpf(float(value))) <= 2 * spacing, (name, a)


@pytest.mark.parametrize("name", RANGES)
def test_special_values_in_any_lane(name):
    special = np.array(
        [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, -2.0, 5e-324, -5e-324, 1e308, -1e308, 1e-320]
    )
    compiled = compile_graph(one_op(name, [type_of((2000,))]))
    x = np.resize(special, 2000)
    x[500:1000] = 0.25
    with np.errstate(all="ignore"):
        want = getattr(np, name)(x)
    (got,) = compiled.run([x])[1]
    np.testing.assert_allclose(got, want, rtol=5e-16, atol=0)
    zeros = want == 0
    np.testing.assert_array_equal(np.signbit(got[zeros]), np.signbit(want[zeros]))
