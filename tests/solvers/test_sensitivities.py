"""Derivatives of integrations: closed forms, published values, tangent = adjoint, second order, Taylor."""

import numpy as np
import pytest
import scipy.linalg

import diffsci as ds
from solvers import solve_ivp

ADAPTIVE = ["Tsit5", "DOP853", "Rodas5P"]
TIGHT = {"rtol": 1e-10, "atol": 1e-12}


def settings_of(method):
    return {"n_steps": 400} if method == "RK4" else TIGHT


def decay(t, y, rate):
    return -rate * y


@pytest.mark.parametrize("method", ["RK4", *ADAPTIVE])
def test_exponential_decay(method):
    def end(y0, rate):
        return solve_ivp(decay, (0, 2), y0, method, args=(rate,), **settings_of(method)).y[0, -1]

    y0, rate = np.array([1.5]), 0.7
    exact = np.exp(-2 * rate)
    value, (dy0, drate) = ds.value_and_grad(end, argnums=(0, 1))(y0, rate)
    np.testing.assert_allclose(value, 1.5 * exact, rtol=1e-8)
    np.testing.assert_allclose(dy0, [exact], rtol=1e-8)
    np.testing.assert_allclose(drate, -3.0 * exact, rtol=1e-8)
    np.testing.assert_allclose(ds.hessian(lambda r: end(y0, r))(rate), 6.0 * exact, rtol=1e-7)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_linear_system_against_the_matrix_exponential(method):
    rng = np.random.default_rng(1)
    matrix, direction = rng.normal(size=(2, 3, 3))
    y0 = rng.normal(size=3)

    def linear(t, y, a):
        return a @ y

    def end(y0, a):
        return solve_ivp(linear, (0, 1), y0, method, args=(a,), **TIGHT).y[:, -1]

    propagator, moved = scipy.linalg.expm_frechet(matrix, direction)
    np.testing.assert_allclose(ds.jacobian(end)(y0, matrix), propagator, rtol=1e-7, atol=1e-8)
    _, tangent = ds.jvp(lambda a: end(y0, a), (matrix,), (direction,))
    np.testing.assert_allclose(tangent, moved @ y0, rtol=1e-7)
    _, pullback = ds.vjp(lambda a: end(y0, a), matrix)
    w = rng.normal(size=3)
    np.testing.assert_allclose(np.sum(pullback(w)[0] * direction), w @ tangent, rtol=1e-11)


# Problems and reference values of SUNDIALS' sensitivity examples (github.com/LLNL/sundials, release 7.5.0,
# commit c8dabcea; BSD-3): the printed ones have 4 to 6 digits; those here were computed to 11 and more with
# the forward augmented system (Radau at rtol 5e-13 for the stiff one, else DOP853 at rtol 2.3e-14).
def roberts(t, y, p):
    slow, fast = p[0] * y[0] - p[1] * y[1] * y[2], p[2] * y[1] ** 2
    return [-slow, slow - fast, fast]


ROBERTS = {  # cvsRoberts_ASAi_dns: G = integral of y3, dG/dp, dG/dy(0)
    50.0: (
        10.94864848057512,
        [173.4140891449792, -0.0005059191405586296, 8.432346465422784e-08],
        [8.41916101461552, 16.09702330482326, 16.097150882128314],
    ),
    4e7: (
        39982528.20913632,
        [768377.3266019265, -3.0689209200071716, 0.0005114889978830389],
        [39967183.66987292, 39967208.668572105, 39967208.666928135],
    ),
}


@pytest.mark.parametrize("end", ROBERTS)
def test_roberts_gradient_of_an_integral(end):
    def cost(y0, p):
        sol = solve_ivp(
            roberts, (0, end), y0, "Rodas5P", args=(p,), t_eval=[end], quadrature=lambda t, y, p: y[2],
            rtol=1e-8, atol=[1e-10, 1e-14, 1e-10, 1e-8],
        )  # fmt: skip
        return sol.q[-1]

    y0, p = np.array([1.0, 0.0, 0.0]), np.array([0.04, 1e4, 3e7])
    value, (dy0, dp) = ds.value_and_grad(cost, argnums=(0, 1))(y0, p)
    expected = ROBERTS[end]
    np.testing.assert_allclose(value, expected[0], rtol=1e-6)
    np.testing.assert_allclose(dp, expected[1], rtol=1e-6)
    np.testing.assert_allclose(dy0, expected[2], rtol=1e-6)


@pytest.mark.parametrize("end", [50.0, 4e7])
def test_roberts_gradient_has_good_evidence(end):
    """An independent witness: finite differences on free steps, both modes, at two points."""

    def integral(p):
        sol = solve_ivp(
            roberts, (0, end), [1.0, 0.0, 0.0], "Rodas5P", args=(p,), rtol=1e-8,
            atol=[1e-12, 1e-16, 1e-12], quadrature=lambda t, y, p: y[2],
        )  # fmt: skip
        return sol.q[-1]

    evidence = ds.check_grad(integral, np.array([0.04, 1e4, 3e7]))
    assert evidence.verdict == "good", str(evidence)


def lotka_volterra(t, u, p):
    return [p[0] * u[0] - p[1] * u[0] * u[1], -p[2] * u[1] + p[3] * u[0] * u[1]]


LOTKA_VOLTERRA = {  # cvsLotkaVolterra_ASA: g = |1 - u(T)|^2 / 2, dg/du0, dg/dp
    10.0: (
        0.004424874073408567,
        [0.2995995083036989, -0.014151816344854335],
        [0.6219615855513142, 0.06800140415087785, 0.16917646399590314, 0.27256069395002025],
    ),
    1.0: (
        1.8462549411715048,
        [3.520256895266151, -2.192713376465071],
        [4.341147542533403, -2.0009338167918047, 1.0101206767629058, -1.395594326733803],
    ),
}


@pytest.mark.parametrize("end", LOTKA_VOLTERRA)
@pytest.mark.parametrize("method", ADAPTIVE)
def test_lotka_volterra_adjoint(method, end):
    def cost(u0, p):
        u = solve_ivp(lotka_volterra, (0, end), u0, method, args=(p,), **TIGHT).y[:, -1]
        return 0.5 * np.sum((1 - u) ** 2)

    value, (du0, dp) = ds.value_and_grad(cost, argnums=(0, 1))(np.ones(2), np.array([1.5, 1.0, 3.0, 1.0]))
    expected = LOTKA_VOLTERRA[end]
    np.testing.assert_allclose(value, expected[0], rtol=1e-7)
    np.testing.assert_allclose(du0, expected[1], rtol=1e-7)
    np.testing.assert_allclose(dp, expected[2], rtol=1e-7)


@pytest.mark.parametrize("method", ADAPTIVE)
def test_hessian_of_an_integral(method):
    """cvsHessian_ASA_FSA: G = integral of |y|^2 / 2 over (0, 2)."""

    def model(t, y, p):
        return [-p[0] * y[0] ** 2 - y[2], -y[1], -(p[1] ** 2) * y[1] * y[2]]

    def cost(p):
        sol = solve_ivp(
            model, (0, 2), np.ones(3), method, args=(p,), t_eval=[2.0],
            quadrature=lambda t, y, p: 0.5 * np.sum(y**2), **TIGHT,
        )  # fmt: skip
        return sol.q[-1]

    p = np.array([1.0, 2.0])
    np.testing.assert_allclose(cost(p), 0.5308785906295457, rtol=1e-9)
    np.testing.assert_allclose(ds.grad(cost)(p), [-0.1283786546563507, 0.018036760854797145], rtol=1e-7)
    hessian = [[0.15628043082054058, -0.07867780659754105], [-0.07867780659754105, 0.08981434362919742]]
    np.testing.assert_allclose(ds.hessian(cost)(p), hessian, rtol=1e-7)
    np.testing.assert_allclose(ds.hvp(cost, (p,), (np.array([1.0, 0.0]),)), hessian[0], rtol=1e-7)


def outputs_inside(method):
    """A map with outputs inside steps, at step ends, at the start, and integrals."""

    def everything(u0, p, k):
        def driven(t, u, p, k):
            return [p[0] * u[0] - p[1] * u[0] * u[1], -p[2] * u[1] + k["gain"] * u[0] * u[1] * np.cos(t)]

        sol = solve_ivp(
            driven, (0, 3), u0, method, args=(p, k), t_eval=[0.0, 0.4, 1.1, 1.2, 3.0],
            quadrature=lambda t, u, p, k: [u[0] * p[0], u[1]],
            **({"n_steps": 30} if method == "RK4" else {"rtol": 1e-6, "atol": 1e-8}),
        )  # fmt: skip
        return np.concatenate([sol.y.ravel(), sol.q.ravel()])

    return everything


@pytest.mark.parametrize("method", ["RK4", *ADAPTIVE])
def test_tangent_equals_adjoint_at_first_and_second_order(method):
    f = outputs_inside(method)
    rng = np.random.default_rng(5)
    x = (np.array([1.0, 1.2]), np.array([1.5, 1.0, 3.0]), {"gain": 0.9})
    dx, ex = ((rng.normal(size=2), rng.normal(size=3), {"gain": rng.normal()}) for _ in range(2))
    out, tangent = ds.jvp(f, x, dx)
    w = rng.normal(size=out.shape)
    _, pullback = ds.vjp(f, *x)
    back = pullback(w)
    along = back[0] @ dx[0] + back[1] @ dx[1] + back[2]["gain"] * dx[2]["gain"]
    assert along == pytest.approx(w @ tangent, rel=1e-12)

    def adjoint(u0, p, k):
        return ds.vjp(f, u0, p, k)[1](w)

    def forward(u0, p, k):
        return w @ ds.jvp(f, (u0, p, k), dx)[1]

    second = ds.jvp(forward, x, ex)[1]
    mixed = ds.jvp(adjoint, x, ex)[1]
    reverse = ds.vjp(forward, *x)[1](1.0)
    mixed = mixed[0] @ dx[0] + mixed[1] @ dx[1] + mixed[2]["gain"] * dx[2]["gain"]
    reverse = reverse[0] @ ex[0] + reverse[1] @ ex[1] + reverse[2]["gain"] * ex[2]["gain"]
    assert mixed == pytest.approx(second, rel=1e-11)
    assert reverse == pytest.approx(second, rel=1e-11)


def test_taylor_remainders_with_fixed_steps():
    """Steps do not move, so f(x + e v) - f - e g - e^2/2 h falls with e^3."""

    def cost(p):
        sol = solve_ivp(lotka_volterra, (0, 2), np.ones(2), "Tsit5", args=(p,), t_eval=[0.7, 2.0], n_steps=40)
        return np.sum(sol.y**2)

    p, v = np.array([1.5, 1.0, 3.0, 1.0]), np.array([0.3, -0.2, 0.5, 0.1])
    value, gradient = ds.value_and_grad(cost)(p)
    curvature = v @ ds.hvp(cost, (p,), (v,))
    steps = np.array([4e-2, 2e-2, 1e-2])
    first = [abs(cost(p + e * v) - value - e * gradient @ v) for e in steps]
    second = [abs(cost(p + e * v) - value - e * gradient @ v - e**2 / 2 * curvature) for e in steps]
    assert np.log2(first[1] / first[2]) == pytest.approx(2, abs=0.15)
    assert np.log2(second[1] / second[2]) == pytest.approx(3, abs=0.15)


def test_closed_over_values_are_differentiated():
    def end(rate, y0):
        def model(t, y):
            return -rate * y

        return solve_ivp(model, (0, 1), y0, **TIGHT).y[0, -1]

    for rate in (0.7, 1.3):
        gradient = ds.grad(end)(rate, np.array([2.0]))
        assert gradient == pytest.approx(-2 * np.exp(-rate), rel=1e-8)


SCALE = 2.0


def scaled_decay(t, y, rate):
    return -rate * SCALE * y


def test_globals_are_read_again_by_compiled_programs(monkeypatch):
    gradient = ds.jit(ds.grad(lambda r: solve_ivp(scaled_decay, (0, 1), [1.0], args=(r,), **TIGHT).y[0, -1]))
    assert gradient(0.5) == pytest.approx(-2 * np.exp(-1), rel=1e-8)
    monkeypatch.setitem(globals(), "SCALE", 1.0)
    assert gradient(0.5) == pytest.approx(-np.exp(-0.5), rel=1e-8)


def test_compiled_gradients_follow_their_arguments():
    def cost(p, y0):
        sol = solve_ivp(lotka_volterra, (0, 2), y0, args=(p,), t_eval=[1.0, 2.0], **TIGHT)
        return np.sum(sol.y[0] ** 2)

    compiled = ds.jit(ds.value_and_grad(cost))
    for scale in (1.0, 0.8, 1.0):
        p = scale * np.array([1.5, 1.0, 3.0, 1.0])
        value, gradient = compiled(p, np.ones(2))
        expected_value, expected = ds.value_and_grad(cost)(p, np.ones(2))
        assert value == expected_value
        np.testing.assert_allclose(gradient, expected, rtol=1e-14)


def test_trajectories_without_t_eval():
    def uses_all(p):
        sol = solve_ivp(lotka_volterra, (0, 1), np.ones(2), args=(p,), rtol=1e-6)
        return np.sum(sol.y[0] ** 2) / len(sol.t) + sol.y[1][-1]

    p, v = np.array([1.5, 1.0, 3.0, 1.0]), np.array([0.3, -0.2, 0.5, 0.1])
    _, tangent = ds.jvp(uses_all, (p,), (v,))
    assert ds.grad(uses_all)(p) @ v == pytest.approx(tangent, rel=1e-12)
    plain = solve_ivp(lotka_volterra, (0, 1), np.ones(2), args=(p,), rtol=1e-6)
    assert ds.value_and_grad(uses_all)(p)[0] == pytest.approx(
        np.sum(plain.y[0] ** 2) / len(plain.t) + plain.y[1, -1], rel=1e-14
    )


USES = {
    "sum": lambda y: np.sum(y),
    "mean of a row": lambda y: np.mean(y[0]),
    "largest": lambda y: np.max(y[0]),
    "transposed": lambda y: np.sum(y.T[-1]),
    "method": lambda y: y.sum(),
    "final state": lambda y: y[0][-1] + y[1, -1] + np.sum(y[:, -1]) + np.sum(y[..., -1]),
    "unpacked": lambda y: sum(row[-1] for row in y),
    "joined": lambda y: np.sum(np.concatenate([y[0], y[1]])),
    "product": lambda y: y[0] @ y[0] / y.shape[1],
    "slice": lambda y: np.sum(y[:, 1:]),
}


@pytest.mark.parametrize("use", USES)
def test_uses_of_a_trajectory(use):
    def value(p):
        return USES[use](solve_ivp(lotka_volterra, (0, 1), np.ones(2), args=(p,)).y)

    p = np.array([1.5, 1.0, 3.0, 1.0])
    plain = solve_ivp(lotka_volterra, (0, 1), np.ones(2), args=(p,)).y
    found, gradient = ds.value_and_grad(value)(p)
    assert found == pytest.approx(USES[use](plain), rel=1e-13)
    assert gradient[0] == pytest.approx(ds.jvp(value, (p,), (np.eye(4)[0],))[1], rel=1e-11)
    np.testing.assert_allclose(ds.jit(ds.grad(value))(p), gradient, rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (2, 3)])
def test_states_of_any_shape_are_differentiated(shape):
    def total(y0, rates):
        return np.sum(solve_ivp(decay, (0, 1), y0, args=(rates,), **TIGHT).y[..., -1])

    y0 = 1.0 + np.arange(np.prod(shape, dtype=int)).reshape(shape)
    rates = 0.5 + 0.1 * y0
    dy0, drates = ds.grad(total, argnums=(0, 1))(y0, rates)
    np.testing.assert_allclose(dy0, np.exp(-rates), rtol=1e-8)
    np.testing.assert_allclose(drates, -y0 * np.exp(-rates), rtol=1e-8)


def test_integer_arguments_are_data():
    def model(t, y, rates, index):
        return -rates[index] * y

    def end(rates):
        return np.sum(solve_ivp(model, (0, 1), np.ones(2), args=(rates, np.array([2, 0])), **TIGHT).y[:, -1])

    gradient = ds.grad(end)(np.array([1.0, 5.0, 2.0]))
    np.testing.assert_allclose(gradient, [-np.exp(-1), 0, -np.exp(-2)], rtol=1e-8)


def test_times_are_not_differentiated_silently():
    def end(t1):
        return solve_ivp(decay, (0, t1), [1.0], args=(1.0,)).y[0, -1]

    assert np.isnan(ds.grad(end)(1.0))
    with pytest.raises(ds.UnsupportedError, match="t_span and t_eval"):
        ds.jvp(end, (1.0,), (1.0,))
    compiled = ds.jit(end)
    assert compiled(1.0) == pytest.approx(np.exp(-1), rel=1e-3)
    assert compiled(2.0) == pytest.approx(np.exp(-2), rel=1e-3)


def test_branches_are_differentiated():
    def model(t, y, k):
        if y[0] > 0:
            return [y[1], -1.0]
        return [y[1], -1.0 - k * y[0]]

    def end(k):
        return solve_ivp(model, (0, 3), np.array([1.0, 0.0]), args=(k,), n_steps=600, method="RK4").y[0, -1]

    difference = (end(20.0 + 1e-5) - end(20.0 - 1e-5)) / 2e-5
    assert ds.grad(end)(20.0) == pytest.approx(difference, rel=1e-6)
    assert ds.jvp(end, (20.0,), (1.0,))[1] == pytest.approx(difference, rel=1e-6)
