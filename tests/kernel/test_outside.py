"""What a function finds outside itself: objects, partials, generators of random numbers, caches."""

import functools
import math
import random
import types
from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest

import diffsci as ds

X = np.array([1.0, 2.0, 3.0])
SCALE = 2.0
TABLE = np.ones(3)
RNG = np.random.default_rng(1)


class Slotted:
    __slots__ = ("k", "table")

    def __init__(self):
        self.k, self.table = 1.0, np.ones(3)


@dataclass
class Noisy:
    rng: np.random.Generator

    def __call__(self, x):
        return np.sum(x) + self.rng.normal()


def weighted(k, w, x):
    return k * w * x


CHANGES = {
    "a set": (set(), lambda s, x: x * (2.0 if "on" in s else 3.0), lambda s: s.add("on")),
    "a deque": (deque([1.0]), lambda q, x: x * q[0], lambda q: q.appendleft(4.0)),
    "a slot": (Slotted(), lambda o, x: x * o.k, lambda o: setattr(o, "k", 4.0)),
    "an array in a slot": (Slotted(), lambda o, x: x * o.table, lambda o: o.table.__setitem__(0, 4.0)),
    "a new attribute": (
        types.SimpleNamespace(),
        lambda o, x: x * getattr(o, "k", 1.0),
        lambda o: setattr(o, "k", 4.0),
    ),
    "a masked array": (
        np.ma.masked_array(np.ones(3)),
        lambda a, x: x * np.asarray(a.data),
        lambda a: a.data.__setitem__(0, 4.0),
    ),
    "an array in a partial": (
        functools.partial(weighted, 2.0, np.ones(3)),
        lambda f, x: f(x),
        lambda f: f.args[1].__setitem__(0, 4.0),
    ),
    "an array among keywords": (
        functools.partial(weighted, 2.0, w=np.ones(3)),
        lambda f, x: f(x=x),
        lambda f: f.keywords["w"].__setitem__(0, 4.0),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_between_calls_is_seen(name):
    held, f, change = CHANGES[name]
    compiled = ds.jit(lambda x: f(held, x))
    assert compiled(X).tolist() == f(held, X).tolist()
    change(held)
    assert compiled(X).tolist() == f(held, X).tolist()


def test_the_function_itself_may_be_a_partial():
    weights = np.ones(3)
    compiled = ds.jit(functools.partial(weighted, 2.0, weights))
    compiled(X)
    weights[0] = 4.0
    assert compiled(X).tolist() == [8.0, 4.0, 6.0]


@pytest.mark.parametrize(
    "draws",
    [
        lambda x: x * np.random.rand(),
        lambda x: x * random.random(),
        lambda x: x * random.gauss(0.0, 1.0),
        lambda x: x * RNG.normal(),
        Noisy(np.random.default_rng(2)),
    ],
)
def test_random_numbers_are_new_at_every_call(draws):
    compiled = ds.jit(draws)
    with pytest.warns(UserWarning, match="draws random numbers"):
        results = [np.sum(compiled(X)) for _ in range(3)]
    assert len(set(results)) == 3


def test_a_generator_with_a_seed_inside_is_compiled():
    def f(x):
        return x * np.random.default_rng(3).normal()

    assert ds.jit(f)(X) == pytest.approx(f(X), rel=1e-15)


class Lazy:
    def __init__(self):
        self.table = None
        self.found = {}

    @functools.cached_property
    def rate(self):
        return math.exp(SCALE) * TABLE

    def __call__(self, x):
        if self.table is None:
            self.table = np.linspace(0.0, 1.0, 3) * SCALE
        if "w" not in self.found:
            self.found["w"] = np.ones(3)
            self.found["w"][0] = 5.0
        return np.sum((self.table + self.found["w"]) * self.rate * x**2)


@pytest.mark.parametrize("transform", [ds.grad, lambda f: ds.jit(ds.grad(f))], ids=["eager", "jit"])
def test_tables_kept_in_an_object_are_plain_afterwards(transform):
    model = Lazy()
    gradient = transform(model)
    expected = 2.0 * X * [5.0, 2.0, 3.0] * math.exp(2.0)
    for _ in range(2):
        np.testing.assert_allclose(gradient(X), expected, rtol=1e-15)
    assert type(model.table) is type(model.rate) is type(model.found["w"]) is np.ndarray
    np.testing.assert_allclose(2.0 * X * (model.table + model.found["w"]) * model.rate, expected, rtol=1e-15)


def test_what_depends_on_an_argument_is_not_kept():
    model = types.SimpleNamespace()

    def f(x):
        model.last = 2.0 * x
        return np.sum(model.last)

    ds.grad(f)(X)
    with pytest.raises(ds.DiffsciError, match="return it"):
        model.last + 1.0


@functools.lru_cache
def cached(t, power=2):
    return math.sin(t) ** power


class WithCache:
    @functools.lru_cache  # noqa: B019
    def rate(self, t):
        return 3.0 * math.sin(t)


def test_cached_functions_take_traced_arguments():
    owner = WithCache()
    expected = (2 * math.sin(0.5) + 3.0) * math.cos(0.5)
    assert ds.grad(lambda t: cached(t) + owner.rate(t))(0.5) == pytest.approx(expected, rel=1e-15)
    assert cached.cache_info().currsize == 0
    assert ds.grad(lambda t: t * cached(0.3))(0.5) == math.sin(0.3) ** 2


def test_functions_of_numba_take_traced_arguments():
    numba = pytest.importorskip("numba")

    @numba.njit
    def energy(x):
        total = 0.0
        for k in range(x.size):
            total += x[k] ** 3 if x[k] > 0 else -x[k]
        return total

    @numba.vectorize
    def square(a):
        return a * a

    for transform in (ds.grad, lambda f: ds.jit(ds.grad(f))):
        gradient = transform(lambda x: energy(x) + np.sum(square(x)) + square(3.0))
        for x in (X, -X):
            np.testing.assert_allclose(gradient(x), np.where(x > 0, 3 * x**2, -1.0) + 2 * x, rtol=1e-15)
