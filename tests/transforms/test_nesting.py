"""Transformations inside each other: no perturbation is ever taken for another one.

The composed transformations are compared with numerical derivatives in many digits (mpmath), which share
nothing with the program.
"""

import itertools

import mpmath as mp
import numpy as np
import pytest

import diffsci as ds
from tests.transforms.common import agree

# ---- shared closure variables -------------------------------------------------------------------------


def by_jvp(f):
    return lambda x: ds.jvp(f, (x,), (1.0,))[1]


def by_linearize(f):
    return lambda x: ds.linearize(f, x)[1](1.0)


def by_vjp(f):
    return lambda x: ds.vjp(f, x)[1](1.0)[0]


def by_taylor(f):
    return lambda x: ds.taylor(f, (x,), (1.0,), 1)[1]


def by_vmap(f):
    return lambda x: np.sum(ds.vmap(ds.grad(f))(np.reshape(x, (1,))))


def by_jit(f):
    return ds.jit(ds.grad(f))


DERIVATIVES = [ds.grad, by_jvp, by_linearize, by_vjp, ds.jacobian, by_taylor, by_vmap, by_jit]
PAIRS_OF_DERIVATIVES = list(itertools.product(DERIVATIVES, repeat=2))
pairs = pytest.mark.parametrize(
    ("outer", "inner"), PAIRS_OF_DERIVATIVES, ids=lambda d: d.__name__.removeprefix("by_")
)


@pairs
def test_siskind_pearlmutter(outer, inner):
    """Siskind and Pearlmutter, Perturbation confusion and referential transparency (2005): 1, not 2."""

    def f(x):
        return x * inner(lambda y: x + y)(1.0)

    assert float(outer(f)(1.0)) == 1.0


@pairs
def test_the_inner_point_depends_on_the_outer_variable(outer, inner):
    """d/dx [x d/dy (x y**2) at y = x] = d/dx 2 x**3."""
    assert float(outer(lambda x: x * inner(lambda y: x * y**2)(x))(3.0)) == 54.0


@pairs
def test_shifted_functions(outer, inner):
    """Manzyuk et al., Perturbation confusion in forward AD of higher-order functions (2019)."""

    def derivative(d, f):
        return lambda x: d(lambda u: f(x + u))(0.0)

    agree(derivative(outer, derivative(inner, np.exp))(1.0), np.e, 1e-15)


def test_three_levels_share_a_variable():
    def f(x):
        def g(y):
            return x * y * ds.grad(lambda z: x * y * z**2)(y)

        return x * by_jvp(g)(x)

    # x d/dy [x y . 2 x y y] at y = x, that is 6 x**5
    assert float(ds.grad(f)(2.0)) == 30.0 * 2.0**4
    assert float(ds.hessian(f)(2.0)) == 120.0 * 2.0**3


def test_members_and_perturbations():
    xs = np.array([1.0, 2.0, 3.0])

    def f(x):
        return x * np.sum(ds.vmap(ds.grad(lambda y: x * y**2))(x * xs))

    agree(ds.grad(f)(2.0), 3 * 2.0 * np.sum(xs) * 2.0**2)
    agree(ds.vmap(ds.grad(f))(xs), 6.0 * np.sum(xs) * xs**2)


def test_a_pullback_belongs_to_its_own_point():
    pullbacks = [ds.vjp(lambda y, x=x: x * y**2, 3.0)[1] for x in (1.0, 2.0)]
    assert [float(pull(1.0)[0]) for pull in pullbacks] == [6.0, 12.0]

    def f(x):
        _, pull = ds.vjp(lambda y: np.sin(x * y), x)
        return pull(x)[0]  # x . x cos(x x)

    agree(ds.grad(f)(0.7), 2 * 0.7 * np.cos(0.49) - 0.7**2 * np.sin(0.49) * 1.4)


# ---- compositions -------------------------------------------------------------------------------------

V = np.array([0.6, -0.8])
POINT = np.array([0.4, 0.7])


def model(x):
    return np.exp(0.5 * x[0]) * np.sin(x[1]) + x[0] * x[1] ** 2


def model_mp(x):
    return mp.exp(x[0] / 2) * mp.sin(x[1]) + x[0] * x[1] ** 2


def curve(f, x):
    """The function along the direction `V`."""
    return lambda t: f([a + t * mp.mpf(float(v)) for a, v in zip(x, V, strict=True)])


def slope(f, n=1):
    return lambda x: mp.diff(curve(f, x), 0, n)


def own_rule(f):
    custom = ds.custom_jvp(f)
    custom.defjvp(lambda p, t: (f(*p), ds.jvp(f, p, t)[1]))
    return custom


def own_pullback(f):
    custom = ds.custom_vjp(f)
    custom.defvjp(lambda x: (f(x), x), lambda x, ct: (ct * ds.grad(f)(x),))
    return custom


def cardano(c):
    """The real z with z**3 + z = c."""
    s = mp.sqrt(c**2 / 4 + mp.mpf(1) / 27)
    p, q = c / 2 + s, s - c / 2
    return mp.cbrt(p) - mp.cbrt(q)


# Name -> the transformation of a scalar function of two variables, and its meaning in mpmath.
STEPS = {
    "grad": (lambda f: lambda x: ds.grad(f)(x) @ V, slope),
    "jvp": (lambda f: lambda x: ds.jvp(f, (x,), (V,))[1], slope),
    "vjp": (lambda f: lambda x: ds.vjp(f, x)[1](2.0)[0] @ V, lambda f: lambda x: 2 * slope(f)(x)),
    "jacobian": (lambda f: lambda x: ds.jacobian(lambda x: f(x) * x)(x)[1] @ V, None),
    "hessian": (lambda f: lambda x: V @ ds.hessian(f)(x) @ V, lambda f: slope(f, 2)),
    "taylor": (lambda f: lambda x: ds.taylor(f, (x,), (V,), 2)[2], lambda f: lambda x: slope(f, 2)(x) / 2),
    "vmap": (
        lambda f: lambda x: np.sum(ds.vmap(f)(np.stack([x, 2.0 * x]))),
        lambda f: lambda x: f(x) + f([2 * a for a in x]),
    ),
    "jit": (ds.jit, lambda f: f),
    "checkpoint": (ds.checkpoint, lambda f: f),
    "custom_jvp": (own_rule, lambda f: f),
    "custom_vjp": (own_pullback, lambda f: f),
    "root": (
        lambda f: lambda x: ds.root(lambda z: z**3 + z - f(x), 0.1),
        lambda f: lambda x: cardano(f(x)),
    ),
}
STEPS["jacobian"] = (STEPS["jacobian"][0], lambda f: slope(lambda x: f(x) * x[1]))

NAMES = sorted(STEPS)
PAIRS = list(itertools.product(NAMES, repeat=2))
RNG = np.random.default_rng(20261122)
TRIPLES = [tuple(RNG.choice(NAMES, 3)) for _ in range(40)]


@pytest.mark.parametrize("names", PAIRS + TRIPLES, ids="-".join)
def test_composed(names):
    f, exact = model, model_mp
    for name in names:
        transform, meaning = STEPS[name]
        f, exact = transform(f), meaning(exact)
    with mp.workdps(30):
        expected = float(exact([mp.mpf(float(a)) for a in POINT]))
    agree(f(POINT), expected, 1e-10)


def _overwritten(b, x):
    v = b * 1.0
    y = v * x**2  # of what v holds now
    v[0] = 100.0
    v[1:] *= 2.0
    return y + v * x


def _assembled(b, x):
    v = b.copy()
    np.add.at(v, np.array([0, 1, 1]), x[:3] ** 2)
    v[2:] += x[:2]
    return v * x


@pytest.mark.parametrize("model", [_overwritten, _assembled])
@pytest.mark.parametrize(
    "derivative",
    [
        lambda f: ds.grad(lambda x: np.sum(f(x) ** 2)),
        lambda f: lambda x: ds.jvp(f, (x,), (np.ones(4),))[1],
        lambda f: ds.jacobian(f),
        lambda f: lambda x: ds.sparse_jacobian(f)(x).toarray(),
        lambda f: lambda x: ds.vmap(f)(x[None]),
        lambda f: ds.hessian(lambda x: np.sum(f(x) ** 2)),
        lambda f: lambda x: ds.fori_loop(0, 2, lambda i, c: c + 0.01 * f(c), x),
    ],
)
def test_arrays_of_the_function_around_are_copied_and_written(model, derivative):
    b, x = np.arange(1.0, 5.0), np.arange(2.0, 6.0)
    expected = derivative(lambda x: model(b, x))(x)
    found = ds.jit(lambda b, x: derivative(lambda x: model(b, x))(x))(b, x)
    np.testing.assert_allclose(found, expected, rtol=1e-13)
