"""Zeros of the user are numbers; structural zeros stand for nothing. Compiled code tells them apart."""

import numpy as np
import pytest

import diffsci as ds

PROGRAMS = {
    "a literal zero": lambda x: 0.0 * x,
    "a zero array": lambda x: np.sum(np.zeros(3) * x),
    "a constant mask": lambda x: np.sum(np.array([0.0, 1.0]) * x),
    "a selected zero": lambda x: np.where(x > 0, 0.0, 1.0) * x,
    "zero over": lambda x: np.divide(0.0, x),
    "a padded rim": lambda x: np.sum(np.pad(np.array([x, x]), 1) * np.inf),
    "a matrix with zeros": lambda x: np.sum(np.diag(np.ones(2)) @ np.array([x, x])),
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 0.0, 2.0])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_zero_times_nan_is_nan(name, x):
    f = PROGRAMS[name]
    np.testing.assert_equal(ds.jit(f)(x), f(x))
    np.testing.assert_equal(ds.value_and_grad(f)(x)[0], f(x))


def test_absent_derivatives_stay_absent():
    """A component that does not depend on x has derivative 0, whatever stands beside it."""

    def f(x):
        return np.array([x[0] * 3.0, x[1] * np.inf])

    jacobian = ds.jit(ds.jacobian(f))(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(jacobian, [[3.0, 0.0], [0.0, np.inf]])


def test_a_sparse_jacobian_stays_sparse():
    def robertson(y, k):
        slow, fast, back = k[0] * y[0], k[1] * y[1] * y[1], k[2] * y[1] * y[2]
        return np.array([back - slow, slow - back - fast, fast])

    for f in (robertson, ds.jit(robertson)):
        jacobian = ds.jit(ds.jacobian(lambda y, k, f=f: f(y, k)))
        jacobian(np.ones(3), np.ones(3))
        assert jacobian.source().count(" fmul ") <= 4
