"""The linear systems of implicit steps: dense and sparse give the same solutions, and the choice is told."""

import numpy as np
import pytest

import diffsci as ds
from solvers import solve_ivp
from solvers.ode import ivp
from solvers.ode.systems import Systems


def brusselator(n):
    """Two species on a periodic n x n grid, with parameters A, B, a1, a2 at every point."""
    line = np.linspace(0.0, 1.0, n)
    x, y = np.meshgrid(line, line)
    spot = (x - 0.3) ** 2 + (y - 0.6) ** 2 <= 0.1**2

    def diffusion(u):
        neighbours = np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
        return (neighbours - 4 * u) * (n - 1) ** 2

    def rhs(t, state, p):
        a, b, a1, a2 = p.reshape(4, n, n)
        u, v = state.reshape(2, n, n)
        feed = np.where(t >= 1.1, 5.0, 0.0) * spot
        du = a1 * diffusion(u) + b + u**2 * v - (a + 1) * u + feed
        dv = a2 * diffusion(v) + a * u - u**2 * v
        return np.stack([du, dv]).ravel()

    start = np.stack([22 * (y * (1 - y)) ** 1.5, 27 * (x * (1 - x)) ** 1.5]).ravel()
    return rhs, start, np.repeat([3.4, 1.0, 10.0, 10.0], n * n)


def misfit(n, rtol, atol):
    rhs, start, parameters = brusselator(n)

    def loss(p):
        times = np.linspace(0.0, 1.0, 11)
        sol = solve_ivp(rhs, (0, 1), start, args=(p,), t_eval=times, method="Rodas5P", rtol=rtol, atol=atol)
        return np.sum((1 - sol.y) ** 2) / 2

    return loss, parameters


# The workload of SciMLBenchmarks.jl, AutomaticDifferentiation/BrussScaling (arXiv:1812.01892). True values by
# the discrete adjoint of Radau IIA of order 9; half the mesh size changes the gradient by 2e-11. The loss; of
# its gradient over A, B, a1 and a2 the sums and the products with cos(0), cos(1), ...; the gradient's norm.
TRUE = {
    10: (
        1303.9621843372329,
        [836.7450141910876, -219.1805886214748, 0.3439842233297211, 0.004570530615407131],
        [-3.2779629327950595, 0.32486587193956495, -0.14444055935414746, 0.5717237189853606],
        87.00115973143157,
    ),
    17: (
        3736.2732995040906,
        [2783.4819565978787, -934.9833429484498, 0.9165788917702713, 0.011206166598537681],
        [-0.23072226665275153, 0.07675545449582355, 0.0637449184707981, -0.0175256637714839],
        173.51435750888913,
    ),
}


@pytest.mark.parametrize("n", [10, 17])
def test_gradient_of_the_brusselator_is_the_published_one(n):
    loss, parameters = misfit(n, 1e-8, 1e-6)
    value, gradient = ds.value_and_grad(loss)(parameters)
    expected, sums, waves, norm = TRUE[n]
    assert value == pytest.approx(expected, rel=1e-6)
    assert np.linalg.norm(gradient) == pytest.approx(norm, rel=1e-5)
    for weights, products in ((np.ones(gradient.size), sums), (np.cos(np.arange(gradient.size)), waves)):
        found = (gradient * weights).reshape(4, -1).sum(axis=1)
        # 1e-5 of the norm per unit of weight, by Cauchy and Schwarz.
        assert np.all(np.abs(found - products) < 1e-5 * norm * n)


def stretched(n):
    """Diffusion along a line, with a reaction that is stiff."""

    def rhs(t, u, k):
        padded = np.concatenate([u[:1], u, u[-1:]])
        return k * (padded[2:] - 2 * u + padded[:-2]) + 50.0 * u * (1 - u) * (u - 0.3)

    return rhs, 0.5 + 0.4 * np.cos(np.arange(n))


def final(n, **options):
    rhs, start = stretched(n)
    sol = solve_ivp(rhs, (0, 0.5), start, args=(30.0,), method="Rodas5P", rtol=1e-7, atol=1e-9, **options)
    assert sol.success
    return sol


def test_the_choice_and_its_reason_are_told():
    small, large = final(20), final(400)
    assert small.systems.structure == "dense"
    assert large.systems.structure == "sparse"
    assert "1198 of 160000 entries" in large.systems.reason
    rhs, start = stretched(20)
    assert solve_ivp(rhs, (0, 0.1), start, args=(1.0,), method="Tsit5").systems is None


def test_full_jacobians_stay_dense():
    weights = np.random.default_rng(0).standard_normal((60, 60)) / 60
    sol = solve_ivp(lambda t, y: weights @ np.tanh(y) - y, (0, 1), np.ones(60), method="Rodas5P")
    assert sol.systems.structure == "dense"
    assert "3600 of 3600" in sol.systems.reason


@pytest.fixture
def forced(monkeypatch):
    """Make all systems dense."""

    def dense(self, f, y):
        self.structure, self.reason = "dense", "by the test"

    def force():
        monkeypatch.setattr(Systems, "_choose", dense)
        monkeypatch.setattr(ivp, "_programs", ivp._Recent(4))  # nothing made before is used again

    return force


def derivatives():
    """Value, gradient, tangent and second derivative of a functional, and the structures used."""
    rhs, start = stretched(61)
    structures = []

    def energy(k, scale):
        sol = solve_ivp(rhs, (0, 0.3), scale * start, args=(k,), method="Rodas5P", rtol=1e-6, atol=1e-8)
        structures.append(sol.systems)
        return np.sum(sol.y[:, -1] ** 3)

    value, gradient = ds.value_and_grad(energy, (0, 1))(20.0, 1.1)
    tangent = ds.jvp(energy, (20.0, 1.1), (1.0, -0.5))[1]
    curved = ds.hvp(lambda k: energy(k, 1.1), (20.0,), (1.0,))
    return np.array([value, *gradient, tangent, curved]), {systems.structure for systems in structures}


def test_dense_and_sparse_systems_give_the_same_steps_and_derivatives(forced):
    sparse, used = derivatives()
    assert used == {"sparse"}
    forced()
    dense, used = derivatives()
    assert used == {"dense"}
    assert np.allclose(sparse, dense, rtol=1e-8)
    assert sparse[3] == pytest.approx(sparse[1] - 0.5 * sparse[2], rel=1e-9)


def test_single_precision_stays_single():
    rhs, start = stretched(200)
    sol = solve_ivp(
        rhs,
        (0, 0.1),
        start.astype(np.float32),
        args=(np.float32(5.0),),
        method="Rodas5P",
        rtol=1e-4,
        atol=1e-5,
    )
    assert sol.success
    assert sol.y.dtype == np.float32
    assert sol.systems.structure == "sparse"
