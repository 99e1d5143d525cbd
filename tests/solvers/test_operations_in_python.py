"""Right-hand sides with operations that compiled programs call back, in integrations driven natively."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.tracing.trace import bind
from solvers.ode import solve_ivp
from tests.backends.test_callbacks import STATE, P, Y, entered  # noqa: F401  (the fixture enters primitives)
from tests.kernel.test_custom_loop import looped, plain


def leaves(value):
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (tuple, list)) else [value]


def rhs(cube):
    return lambda t, y, p: -p * cube(y) + np.sin(t)


def end_of(f, **options):
    def objective(y0, p):
        return np.sum(solve_ivp(f, (0.0, 1.0), y0, args=(p,), **options).y[:, -1] ** 2)

    return objective


TRANSFORMS = {
    "value": lambda f: f(Y, P),
    "grad": lambda f: ds.grad(f, (0, 1))(Y, P),
    "jvp": lambda f: ds.jvp(f, (Y, P), (Y * 2, 0.1)),
    "hvp": lambda f: ds.hvp(f, (Y, P), (Y * 2, 0.1)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_right_hand_sides(name):
    transform = TRANSFORMS[name]
    got = transform(end_of(rhs(lambda y: bind("test_cube", y)), rtol=1e-6))
    want = transform(end_of(rhs(lambda y: y * y * y), rtol=1e-6))
    for a, b in zip(leaves(got), leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_host_loops_in_right_hand_sides(name):
    """A loop with a tape inside a loop that is native: each derivative runs it again."""
    transform = TRANSFORMS[name]
    got, want = (
        transform(end_of(lambda t, y, p, f=f: -np.exp(0.1 * y) * f(y, p), rtol=1e-6)) for f in (looped, plain)
    )
    for a, b in zip(leaves(got), leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)


@pytest.mark.parametrize("options", [{}, {"step": np.linspace(0.0, 1.0, 20)}], ids=["adaptive", "fixed"])
def test_exceptions_end_an_integration(options, monkeypatch):
    objective = end_of(lambda t, y, p: -p * bind("test_fails", y), **options)
    expected = objective(Y, P)
    with monkeypatch.context() as patch:
        patch.setitem(STATE, "error", KeyError("table"))
        with pytest.raises(KeyError, match="table"):
            objective(Y, P)
    assert objective(Y, P) == expected
