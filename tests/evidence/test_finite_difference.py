"""Finite differences find derivatives of any program, and know how wrong they may be."""

import numpy as np
import pytest

from diffsci.evidence import complex_step, finite_difference, scan

ACCURACY = {"forward": 1e-7, "central": 1e-9, "central4": 1e-11, "central6": 1e-12, "ridders": 1e-11}


@pytest.mark.parametrize("method", ACCURACY)
@pytest.mark.parametrize(
    ("f", "slope"), [(np.exp, np.exp), (np.sin, np.cos), (lambda x: 1 / x, lambda x: -1 / x**2)]
)
def test_accuracy_of_each_method(method, f, slope):
    value, error = finite_difference(f, 1.3, method=method, return_error=True)
    assert abs(value - slope(1.3)) <= ACCURACY[method]
    assert abs(value - slope(1.3)) <= 10 * error


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_steps_follow_the_size_of_the_parameter(scale):
    slope = finite_difference(lambda x: np.log(x), scale)
    assert abs(slope * scale - 1.0) < 1e-10


def test_gradient_jacobian_and_containers():
    gradient = finite_difference(
        lambda m: m["k"][0] * m["k"][1] ** 2 + m["c"], {"k": np.array([2.0, 3.0]), "c": 1.0}
    )
    np.testing.assert_allclose(gradient["k"], [9.0, 12.0], rtol=1e-11)
    assert abs(gradient["c"] - 1.0) < 1e-11
    jacobian = finite_difference(lambda x: np.outer(x, x), np.array([1.0, 2.0]))
    assert jacobian.shape == (2, 2, 2)
    np.testing.assert_allclose(jacobian[:, :, 1], [[0.0, 1.0], [1.0, 4.0]], atol=1e-11)
    by_both = finite_difference(lambda x, n, y: x**n * y, 2.0, 3, 5.0, argnums=(0, 2))
    np.testing.assert_allclose(by_both, [60.0, 8.0], rtol=1e-11)


def test_direction_costs_one_line():
    calls = []

    def f(x):
        calls.append(1)
        return np.sum(x**2)

    x = np.linspace(1, 2, 1000)
    slope = finite_difference(f, x, direction=np.ones(1000))
    assert abs(slope - 2 * x.sum()) < 1e-8 * abs(slope)
    assert len(calls) < 60


def test_large_steps_may_leave_the_domain():
    slope = finite_difference(lambda x: np.sqrt(x - 1.0), 1.0 + 1e-4)
    assert abs(slope - 50.0) < 1e-6


def test_noise_shows_in_the_error():
    rng = np.random.default_rng(0)
    value, error = finite_difference(
        lambda x: np.sin(x) + 1e-6 * rng.standard_normal(), 1.0, return_error=True
    )
    assert abs(value - np.cos(1.0)) < 10 * error
    assert error > 1e-8


def test_unknown_method_names_the_known_ones():
    with pytest.raises(ValueError, match=r"centrall.*ridders.*central"):
        finite_difference(np.sin, 1.0, method="centrall")


def test_nothing_to_differentiate():
    with pytest.raises(ValueError, match="no float"):
        finite_difference(lambda n: n * 2, 3)
    with pytest.raises(ValueError, match="argnums"):
        finite_difference(np.sin, 1.0, argnums=1)


def test_scan_sees_order_kink_and_noise():
    smooth = scan(lambda t: np.exp(t))
    assert abs(smooth.taylor_rate(1.0) - 2.0) < 0.05
    assert abs(smooth.taylor_rate(1.1) - 1.0) < 0.05
    assert smooth.one_sided() is None
    left, right = scan(lambda t: abs(t) + t**2).one_sided()
    assert (left, right) == (pytest.approx(-1.0, abs=1e-6), pytest.approx(1.0, abs=1e-6))
    assert scan(lambda t: 3.0 * t + 1.0).taylor_rate(3.0) is None
    assert scan(lambda t: abs(t - 0.02)).one_sided() is None


def test_a_root_is_not_a_kink():
    assert scan(lambda t: np.sign(t) * abs(t) ** 1.5).one_sided() is None


def test_wrong_questions_are_told():
    with pytest.raises(TypeError, match="must be a function"):
        finite_difference(3, 1.0)
    for step in (0.0, -1e-3, np.nan):
        with pytest.raises(ValueError, match="expected a positive number"):
            finite_difference(np.sin, 1.0, step=step)
    with pytest.raises(TypeError, match="returns a str"):
        finite_difference(lambda x: "a", 1.0)
    with pytest.raises(ZeroDivisionError):  # the function's own error, where it is asked for
        finite_difference(lambda x: 1 / 0, 1.0)


def test_no_entries_at_all():
    assert finite_difference(np.sum, np.zeros(0)).shape == (0,)
    assert complex_step(np.sum, np.zeros(0)).shape == (0,)
