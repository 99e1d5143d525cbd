"""Objects made of objects: what an instance holds computes under a trace as it does in plain NumPy."""

import math

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

import diffsci as ds

KNOTS = np.arange(5.0)
X = np.array([0.3, 0.4])


class Spring:
    """Kept by a model: a rate, weights, a method that computes with plain floats."""

    def __init__(self, rate=2.0):
        self.rate = rate
        self.weights = np.array([1.0, 2.0])

    def force(self, x):
        return np.array([math.exp(x[0] * self.rate), self.weights[1] * x[1]])

    def __call__(self, x):
        return self.force(x).sum()


class Model:
    """Holds functions, objects, tables of them, and a spline."""

    def __init__(self):
        self.law = lambda x: math.exp(x[0]) + np.array([x[0], x[1]])[1]
        self.spring = Spring()
        self.curve = CubicSpline(KNOTS, np.sin(KNOTS))
        self.laws = {"sine": lambda x: math.sin(x[0]), "none": None}
        self.springs = [Spring(), Spring(1.0)]
        self.count = 0

    def by_function(self, x):
        return self.law(x)

    def by_object(self, x):
        return self.spring.force(x).sum() + self.spring(x)

    def by_spline(self, x):
        return self.curve(x[0])

    def by_table(self, x):
        return self.laws["sine"](x)

    def by_list(self, x):
        return sum(spring.force(x)[0] for spring in self.springs)


METHODS = ["by_function", "by_object", "by_spline", "by_table", "by_list"]


@pytest.mark.parametrize("name", METHODS)
def test_what_an_object_holds_computes(name):
    result = ds.check_all(getattr(Model(), name), X)
    assert result.passed, str(result)


CHANGES = {
    "by_function": lambda m: setattr(m, "law", lambda x: 5.0 * x[0]),
    "by_object": lambda m: setattr(m.spring, "rate", 3.0),
    "by_spline": lambda m: setattr(m, "curve", CubicSpline(KNOTS, np.cos(KNOTS))),
    "by_table": lambda m: m.laws.update(sine=lambda x: x[1] * x[0]),
    "by_list": lambda m: m.springs.append(Spring(0.5)),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_compiled_method_follows_what_is_bound_anew(name):
    model = Model()
    compiled = ds.jit(ds.grad(getattr(model, name)))
    before = compiled(X)
    CHANGES[name](model)
    after = ds.grad(getattr(model, name))(X)
    assert not np.allclose(before, after)
    np.testing.assert_allclose(compiled(X), after, rtol=1e-13)


def test_the_users_objects_stay_as_they_are():
    model = Model()
    held = dict(vars(model))
    ds.grad(model.by_list)(X)
    ds.grad(model.by_object)(X)
    assert vars(model) == held
    assert type(model.springs[0]) is Spring


def test_a_list_of_objects_may_grow_inside():
    model = Model()

    def grow(x):
        model.springs.append(Spring(3.0))
        return model.by_list(x)

    expected = sum(r * math.exp(r * 0.3) for r in (2.0, 1.0, 3.0))
    assert ds.grad(grow)(X)[0] == pytest.approx(expected, rel=1e-13)
    assert len(model.springs) == 3


CORNERS = np.array([[0, 1], [2, 0]])
FLAGS = np.array([True, False, True])
PLACES = {
    "order": lambda x: np.sum(x[:3] * np.array([2, 3, 0])[np.argsort(x[:3])]),
    "best": lambda x: np.array([4, 5, 6])[np.argmax(x[:3])] * x[0] ** 2,
    "loop": lambda x: ds.fori_loop(0, 2, lambda e, c: c + (x[CORNERS[e, 0]] - x[CORNERS[e, 1]]) ** 2, 0.0),
    "flags": lambda x: np.where(FLAGS[np.argsort(x[:3])], x[:3], 0.0).sum() ** 2,
    "digit": lambda x: x[CORNERS[int(x[0] * 3) % 2, 0]] ** 2,
    "plain": lambda x: (x[CORNERS] ** 2).sum() + len(CORNERS) * x[0] + CORNERS.max() * x[1],
}


@pytest.mark.parametrize("name", PLACES)
def test_traced_indices_into_known_tables(name):
    f = PLACES[name]
    compiled = ds.jit(ds.grad(f))
    for x in (np.array([0.3, 0.9, 0.5, 0.7]), np.array([0.7, 0.5, 0.9, 0.3])):
        gradient = ds.grad(f)(x)
        np.testing.assert_allclose(compiled(x), gradient, rtol=1e-13)
        steps = 1e-6 * np.eye(4)
        differences = [(f(x + h) - f(x - h)) / 2e-6 for h in steps]
        np.testing.assert_allclose(gradient, differences, atol=1e-8)
