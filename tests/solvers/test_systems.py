"""The linear systems of implicit steps: dense and sparse give the same solutions, and the choice is told."""

import numpy as np
import pytest

import diffsci as ds
from benchmarks.brusselator import ATOL, KNOWN, RTOL, SIDE, TIMES, workload
from solvers import solve_ivp
from solvers.ode import ivp
from solvers.ode.systems import Systems


def test_gradient_of_the_brusselator_is_the_published_one():
    rhs, start, parameters = workload(SIDE)

    def loss(p):
        options = {"args": (p,), "t_eval": TIMES, "method": "Rodas5P", "rtol": RTOL, "atol": ATOL}
        return np.sum((1 - solve_ivp(rhs, (0, 1), start, **options).y) ** 2) / 2

    value, gradient = ds.value_and_grad(loss)(parameters)
    known = np.array(KNOWN["gradient"])
    assert value == pytest.approx(KNOWN["loss"], rel=1e-6)
    assert np.linalg.norm(gradient - known) < 1e-5 * np.linalg.norm(known)


def stretched(n):
    """Diffusion along a line, with a reaction that is stiff."""

    def rhs(t, u, k):
        padded = np.concatenate([u[:1], u, u[-1:]])
        return k * (padded[2:] - 2 * u + padded[:-2]) + 50.0 * u * (1 - u) * (u - 0.3)

    return rhs, 0.5 + 0.4 * np.cos(np.arange(n))


def two_species(n):
    """Two quantities along a line, one behind the other, as one stacks them."""

    def rhs(t, y, k):
        u, v = y[:n], y[n:]
        padded = np.concatenate([u[:1], u, u[-1:]])
        return np.concatenate([k * (padded[2:] - 2 * u + padded[:-2]) + 9 * u * (1 - u) - v, u - 0.5 * v])

    return rhs, 0.5 + 0.4 * np.cos(np.arange(2 * n))


def plane(n):
    """Diffusion on a periodic square, with the reaction of `stretched`."""

    def rhs(t, y, k):
        u = np.reshape(y, (n, n))
        flow = sum(np.roll(u, step, axis) for step in (1, -1) for axis in (0, 1)) - 4 * u
        return np.ravel(k * flow + 50.0 * u * (1 - u) * (u - 0.3))

    return rhs, 0.5 + 0.4 * np.cos(np.arange(n * n))


def final(n, model=stretched, **options):
    rhs, start = model(n)
    sol = solve_ivp(rhs, (0, 0.5), start, args=(30.0,), method="Rodas5P", rtol=1e-7, atol=1e-9, **options)
    assert sol.success
    return sol


def test_the_choice_and_its_reason_are_told():
    assert final(20).systems.structure == "dense"
    line, pair, square = final(400), final(50, two_species), final(16, plane)
    assert line.systems.structure == pair.systems.structure == "banded"
    assert "1198 of 160000 entries" in line.systems.reason
    assert "diagonals -1 to 1: banded factors" in line.systems.reason
    assert ", rows reordered: banded" in pair.systems.reason
    assert square.systems.structure == "sparse"
    assert "fronts: sparse factors" in square.systems.reason
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


def derivatives(model, n):
    """Value, gradient, tangent and second derivative of a functional, and the structures used."""
    rhs, start = model(n)
    structures = []

    def energy(k, scale):
        sol = solve_ivp(rhs, (0, 0.3), scale * start, args=(k,), method="Rodas5P", rtol=1e-6, atol=1e-8)
        structures.append(sol.systems)
        return np.sum(sol.y[:, -1] ** 3)

    value, gradient = ds.value_and_grad(energy, (0, 1))(20.0, 1.1)
    tangent = ds.jvp(energy, (20.0, 1.1), (1.0, -0.5))[1]
    curved = ds.hvp(lambda k: energy(k, 1.1), (20.0,), (1.0,))
    return np.array([value, *gradient, tangent, curved]), {systems.structure for systems in structures}


@pytest.mark.parametrize(
    ("model", "n", "structure"),
    [(stretched, 61, "banded"), (two_species, 25, "banded"), (plane, 12, "sparse")],
)
def test_all_kinds_of_systems_give_the_same_steps_and_derivatives(model, n, structure, forced):
    found, used = derivatives(model, n)
    assert used == {structure}
    forced()
    dense, used = derivatives(model, n)
    assert used == {"dense"}
    assert np.allclose(found, dense, rtol=1e-8)
    assert found[3] == pytest.approx(found[1] - 0.5 * found[2], rel=1e-9)


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
    assert sol.systems.structure == "banded"
