"""checkpoint: the same numbers, fewer of them kept. stop_gradient: a constant for every derivative."""

import numpy as np
import pytest

import diffsci as ds
from tests.transforms.common import MODES, agree

N = 500


def stage(x):
    for _ in range(4):
        x = np.cumsum(np.sin(x)) / N + x
    return x


def chain(wrap):
    def f(x):
        for _ in range(4):
            x = wrap(stage)(x)
        return np.sum(x * x)

    return f


def nested(x):
    half = ds.checkpoint(lambda x: ds.checkpoint(stage)(ds.checkpoint(stage)(x)))
    return np.sum(half(half(x)) ** 2)


def kept_values(f, x):
    """Arrays in the workspace of the compiled gradient."""
    compiled = ds.jit(ds.grad(f))
    gradient = compiled(x)
    return gradient, compiled.lower(x).executable.workspace_bytes / x.nbytes


def test_intermediate_values_are_not_kept():
    x = np.linspace(0.0, 1.0, N)
    gradient, plain = kept_values(chain(lambda f: f), x)
    assert plain >= 16  # one array per step
    for f in (chain(ds.checkpoint), nested):
        found, kept = kept_values(f, x)
        agree(found, gradient, 1e-13)
        assert kept <= 11  # the states between stages and the steps of one stage


def test_second_derivatives_do_not_keep_them_either():
    x = np.linspace(0.0, 1.0, N)

    def workspace(f):
        compiled = ds.jit(lambda x: ds.hvp(f, (x,), (np.ones(N),)))
        compiled(x)
        return compiled.lower(x).executable.workspace_bytes

    assert workspace(chain(ds.checkpoint)) < 0.8 * workspace(chain(lambda f: f))


OFFSET = 2.0


def with_closure(wrap):
    def f(x):
        inner = wrap(lambda y: {"a": np.sin(y) * x * OFFSET, "n": 3})
        found = inner(x * x)
        return np.sum(found["a"]) * found["n"] + np.zeros(5)[found["n"]]

    return f


@pytest.mark.parametrize("mode", MODES)
def test_containers_closures_and_static_results(mode):
    x = np.array([0.3, 0.5])
    agree(MODES[mode](with_closure(ds.checkpoint))(x), MODES[mode](with_closure(lambda f: f))(x), 1e-13)


def test_branches_are_guards_of_the_caller():
    piece = ds.checkpoint(lambda x: x**2 if x > 0 else -(x**3))

    def f(x):
        return piece(piece(x) * x)

    compiled = ds.jit(ds.grad(f))
    for x in (2.0, -2.0, 3.0):
        agree(compiled(x), 6.0 * x**5 if x > 0 else 12.0 * x**11)
        agree(compiled(x), ds.grad(f)(x))


def test_guards_of_jitted_callees_hold_the_caller():
    piece = ds.jit(lambda x: x**2 if x > 0 else -(x**3))
    outer = ds.jit(lambda x: piece(x) * 2.0)
    for make in (lambda f: f, lambda f: ds.jit(f, backend="numpy"), ds.jit):
        slope = make(ds.grad(lambda x: outer(x) + 1.0))
        assert [float(slope(x)) for x in (2.0, -2.0, 2.0)] == [8.0, -24.0, 8.0]


def test_stop_gradient():
    def f(p):
        held = ds.stop_gradient({"a": p["a"] * 2.0, "n": 3})
        return held["a"] * p["a"] * held["n"]

    assert float(ds.grad(f)({"a": 2.0})["a"]) == 12.0
    assert ds.jvp(ds.stop_gradient, (2.0,), (1.0,))[1] == 0.0
    assert ds.stop_gradient([1.0, "name"]) == [1.0, "name"]
    assert float(ds.jit(ds.hessian(lambda x: x**2 * ds.stop_gradient(x)))(3.0)) == 6.0


def test_writes_into_arguments_are_refused():
    """In plain NumPy the caller would see them."""

    def fill(x):
        x[0] = 3.0
        return np.sum(x**2)

    def f(x):
        y = x * 1.0
        total = ds.checkpoint(fill)(y)
        return total + np.sum(y)

    for make in (ds.grad, lambda f: ds.jit(ds.grad(f))):
        with pytest.raises(ds.UnsupportedError, match=r"a write into an argument.*in fill.*copy"):
            make(f)(np.ones(2))

    def copied(x):
        x = x.copy()
        return fill(x)

    assert np.array_equal(ds.grad(ds.checkpoint(copied))(np.ones(2)), [0.0, 2.0])
