"""Observed orders of the methods and their interpolants, published end values, agreement with SciPy."""

import numpy as np
import pytest
import scipy.integrate

from solvers import solve_ivp

METHODS = ["RK4", "Tsit5", "DOP853", "Rodas5P"]
ORDERS = {"RK4": 4, "Tsit5": 5, "DOP853": 8, "Rodas5P": 5}
DENSE_ORDERS = {"RK4": 3, "Tsit5": 4, "DOP853": 7, "Rodas5P": 4}
STEPS = {"RK4": (40, 80), "Tsit5": (40, 80), "DOP853": (10, 20), "Rodas5P": (40, 80)}


def nonautonomous(t, y):
    """y' = -y tan(t) - sin(2 t)/2 and a rotation driven by t: solutions below."""
    return np.array([-y[0] * np.tan(t) - np.sin(2 * t) / 2, t * y[2], -t * y[1]])


def nonautonomous_solution(t):
    t = np.asarray(t)
    return np.array([np.cos(t) ** 2, np.sin(t**2 / 2), np.cos(t**2 / 2)])


def observed_order(method, inside):
    errors = []
    for n in STEPS[method]:
        h = 1.2 / n
        points = (np.arange(n)[:, None] + [0.27, 0.63]).ravel() * h if inside else [1.2]
        sol = solve_ivp(nonautonomous, (0, 1.2), [1.0, 0.0, 1.0], method, t_eval=points, n_steps=n)
        errors.append(np.abs(sol.y - nonautonomous_solution(sol.t)).max())
    return np.log2(errors[0] / errors[1])


@pytest.mark.parametrize("method", METHODS)
def test_order_of_the_method(method):
    assert observed_order(method, inside=False) == pytest.approx(ORDERS[method], abs=0.4)


@pytest.mark.parametrize("method", METHODS)
def test_order_of_the_interpolant(method):
    """The error of one step has one order more than the interpolant; the global error bounds it too."""
    order = observed_order(method, inside=True)
    assert order == pytest.approx(min(DENSE_ORDERS[method] + 1, ORDERS[method]), abs=0.6)


def test_rosenbrock_order_on_a_stiff_nonautonomous_problem():
    """The problem of Prothero and Robinson; Rodas5P is built to keep an order there."""

    def rhs(t, y):
        return [-1e4 * (y[0] - np.cos(t)) - np.sin(t)]

    errors = []
    for n in (20, 40):
        sol = solve_ivp(rhs, (0, 2), [1.0], "Rodas5P", n_steps=n)
        errors.append(abs(sol.y[0, -1] - np.cos(2.0)))
    assert errors[0] < 1e-7
    assert np.log2(errors[0] / errors[1]) > 2.7


@pytest.mark.parametrize("method", ["Tsit5", "DOP853", "Rodas5P"])
def test_error_follows_the_tolerance(method):
    errors = []
    for rtol in (1e-4, 1e-6, 1e-8, 1e-10):
        sol = solve_ivp(nonautonomous, (0, 1.2), [1.0, 0.0, 1.0], method, rtol=rtol, atol=rtol)
        errors.append(np.abs(sol.y[:, -1] - nonautonomous_solution(1.2)).max())
        assert errors[-1] < 20 * rtol
    assert errors == sorted(errors, reverse=True)


# End values of the Bari/CWI "Test Set for IVP Solvers" (Mazzia, Cash, Soetaert 2012,
# doi:10.1016/j.cam.2012.03.014), as carried by the CRAN package deTestSet 1.1.7.4.
def robertson(t, y):
    slow, fast = 0.04 * y[0] - 1e4 * y[1] * y[2], 3e7 * y[1] ** 2
    return [-slow, slow - fast, fast]


def oregonator(t, y):
    return [
        77.27 * (y[1] + y[0] * (1 - 8.375e-6 * y[0] - y[1])),
        (y[2] - (1 + y[0]) * y[1]) / 77.27,
        0.161 * (y[0] - y[2]),
    ]


def van_der_pol(t, y):
    return [y[1], ((1 - y[0] ** 2) * y[1] - y[0]) / 1e-6]


PUBLISHED = {
    "rober": (
        robertson,
        (0, 1e11),
        [1.0, 0.0, 0.0],
        [0.2083340149701255e-07, 0.8333360770334713e-13, 0.9999999791665050],
        [1e-14, 1e-20, 1e-14],
    ),
    "orego": (
        oregonator,
        (0, 360),
        [1.0, 2.0, 3.0],
        [0.1000814870318523e1, 0.1228178521549917e4, 0.1320554942846706e3],
        1e-9,
    ),
    "vdpol": (van_der_pol, (0, 2), [2.0, 0.0], [0.1706167732170483e1, -0.8928097010247975e0], 1e-9),
}


@pytest.mark.parametrize("problem", PUBLISHED)
def test_published_end_values(problem):
    fun, span, y0, end, atol = PUBLISHED[problem]
    sol = solve_ivp(fun, span, y0, "Rodas5P", rtol=1e-9, atol=atol)
    assert sol.success, sol.message
    np.testing.assert_allclose(sol.y[:, -1], end, rtol=1e-6)
    if problem == "rober":
        np.testing.assert_allclose(sol.y.sum(axis=0), 1, atol=1e-12)


@pytest.mark.parametrize("method", ["Tsit5", "DOP853", "Rodas5P"])
@pytest.mark.parametrize("span", [(0.0, 3.0), (3.0, -1.0)])
def test_agrees_with_scipy_in_both_directions(method, span):
    def pendulum(t, y, damping):
        return [y[1], -np.sin(y[0]) - damping * y[1] + 0.1 * np.cos(t)]

    points = np.linspace(*span, 9)
    ours = solve_ivp(pendulum, span, [1.0, 0.2], method, points, True, args=(0.3,), rtol=1e-9, atol=1e-9)
    theirs = scipy.integrate.solve_ivp(
        pendulum, span, [1.0, 0.2], "DOP853", points, args=(0.3,), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(ours.y, theirs.y, atol=2e-7)
    np.testing.assert_array_equal(ours.t, points)
    np.testing.assert_allclose(ours.sol(points), theirs.y, atol=2e-7)
    np.testing.assert_allclose(ours.sol(span[1]), theirs.y[:, -1], atol=2e-7)
    assert ours.sol(points.reshape(3, 3)).shape == (2, 3, 3)
