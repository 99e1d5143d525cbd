"""A jump of the right-hand side is announced when a derivative is asked for; a kink is not."""

import warnings

import numpy as np
import pytest

import diffsci as ds
from solvers import solve_ivp
from solvers.ode.jumps import JumpWarning


def jump(t, y, k):
    if y[0] > 0.5:
        return -k * y
    return -2 * k * y


def kink(t, y, k):
    if y[0] > 0.5:
        return -k * y
    return -k * y - 3 * (y - 0.5)


def clock(t, y, k):
    if t < 1.0:
        return -k * y
    return -2 * k * y


def end_value(rhs, method):
    def value(k):
        return solve_ivp(rhs, (0, 2), np.array([1.0]), args=(k,), rtol=1e-8, atol=1e-10, method=method).y[
            0, -1
        ]

    return value


DERIVATIVES = {
    "reverse": lambda f: ds.grad(f)(1.0),
    "forward": lambda f: ds.jvp(f, (1.0,), (1.0,))[1],
}


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
@pytest.mark.parametrize("mode", DERIVATIVES)
def test_a_jump_that_moves_is_announced(method, mode):
    with pytest.warns(JumpWarning, match=r"test_jumps\.py:\d+"):
        DERIVATIVES[mode](end_value(jump, method))


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
@pytest.mark.parametrize("mode", DERIVATIVES)
def test_a_jump_at_a_fixed_time_is_right(method, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        derivative = DERIVATIVES[mode](end_value(clock, method))
    assert derivative == pytest.approx(-3 * np.exp(-3), rel=1e-6)


@pytest.mark.parametrize("method", ["Tsit5", "Rodas5P"])
@pytest.mark.parametrize("mode", DERIVATIVES)
def test_a_kink_is_right(method, mode):
    """Exact: y = exp(-k t) down to 1/2, then y' = -(k + 3) y + 3/2."""

    def exact(k):
        crossing = np.log(2.0) / k
        rest = 1.5 / (k + 3)
        return rest + (0.5 - rest) * np.exp(-(k + 3) * (2 - crossing))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        derivative = DERIVATIVES[mode](end_value(kink, method))
    assert derivative == pytest.approx(ds.complex_step(exact, 1.0), rel=1e-4)


def test_values_alone_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        end_value(jump, "Tsit5")(1.0)
