"""custom_jvp and custom_vjp: rules that give right derivatives must do so everywhere, in every mode."""

import numpy as np
import pytest

import diffsci as ds
from tests.transforms.common import MODES, agree

A = 1.5


@ds.custom_jvp
def by_jvp(x, n, s="unused"):
    return {"y": A * np.exp(x) * n, "k": 3}


@by_jvp.defjvp
def _(primals, tangents):
    out = by_jvp(*primals)  # it calls itself
    return out, {"y": A * (out["y"] / A) * tangents[0], "k": None}


@ds.custom_vjp
def by_vjp(x, n, s="unused"):
    return {"y": A * np.exp(x) * n, "k": 3}


def _fwd(x, n, s):
    out = by_vjp(x, n, s)
    return out, (out["y"], "any residual")


by_vjp.defvjp(_fwd, lambda kept, ct: (kept[0] * ct["y"], None, None))


@ds.custom_jvp
def by_both(x, n, s="unused"):
    return {"y": A * np.exp(x) * n, "k": 3}


by_both.defjvp(lambda p, t: (by_both(*p), {"y": by_both(*p)["y"] * t[0], "k": None}))
by_both.defvjp(lambda *p: (by_both(*p), by_both(*p)["y"]), lambda y, ct: (y * ct["y"], None, None))


def plain(x, n, s="unused"):
    return {"y": A * np.exp(x) * n, "k": 3}


def objective(f):
    return lambda x: np.sum(np.sin(f(x * x, 2)["y"])) * f(x, n=2)["k"] + np.prod(f(x, 1)["y"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", [by_jvp, by_vjp, by_both], ids=["jvp", "vjp", "both"])
def test_every_mode(f, mode):
    x = np.array([0.3, 0.5])
    agree(MODES[mode](objective(f))(x), MODES[mode](objective(plain))(x))


@pytest.mark.parametrize("f", [by_jvp, by_vjp], ids=["jvp", "vjp"])
def test_values_read_from_outside_do_not_go_stale(f):
    global A
    x = np.array([0.3, 0.5])
    compiled = [ds.jit(make(objective(f))) for make in (lambda g: g, ds.grad, ds.hessian)]
    kept = A
    try:
        for A in (1.5, 2.0, 0.7):  # noqa: B007
            for j, make in zip(compiled, (lambda g: g, ds.grad, ds.hessian), strict=True):
                agree(j(x), make(objective(plain))(x))
    finally:
        A = kept


def test_shared_and_mapped_arguments():
    @ds.custom_vjp
    def product(x, w):
        return w @ x

    product.defvjp(lambda x, w: (w @ x, (x, w)), lambda r, ct: (r[1].T @ ct, np.outer(ct, r[0])))
    w, xs = np.arange(6.0).reshape(3, 2) + 0.5, np.array([[1.0, 2.0], [-1.0, 0.5]])

    def total(f):
        return lambda w: np.sum(np.sin(ds.vmap(f, in_axes=(0, None))(xs, w)))

    for make in (ds.grad, ds.hessian, lambda f: ds.jit(ds.hessian(f))):
        agree(make(total(product))(w), make(total(lambda x, w: w @ x))(w))


def test_clipped_gradients():
    @ds.custom_vjp
    def clipped(x):
        return x

    clipped.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1.0, 1.0),))
    x = np.array([0.3, 0.5])

    def f(x):
        return np.sum(5.0 * clipped(x) * x)

    for make in (lambda g: g, ds.jit):
        assert np.array_equal(make(ds.grad(f))(x), 5.0 * x + 1.0)
        for forward in (lambda x: ds.jvp(clipped, (x,), (x,)), ds.hessian(f)):
            with pytest.raises(ds.UnsupportedError, match=r"forward mode.*clipped.*@f\.defjvp"):
                make(forward)(x)
    jacobian = ds.jacobian(ds.grad(lambda x: np.sum(0.5 * clipped(x) * x)), mode="reverse")
    assert np.array_equal(jacobian(x), np.eye(2))
    clipped.defjvp(lambda p, t: (p[0], t[0]))
    assert np.array_equal(ds.jvp(clipped, (x,), (x,))[1], x)
    assert np.array_equal(ds.grad(f)(x), 5.0 * x + 1.0)


@pytest.mark.parametrize(
    "wrong", [lambda x, dx: np.abs(dx), lambda x, dx: dx * dx, lambda x, dx: dx + x, lambda x, dx: x / dx]
)
def test_rules_that_are_not_linear_serve_forward_mode_only(wrong):
    @ds.custom_jvp
    def f(x):
        return x**2

    f.defjvp(lambda p, t: (f(*p), wrong(p[0], t[0])))
    assert ds.jvp(f, (2.0,), (1.0,))[1] == wrong(2.0, 1.0)
    with pytest.raises(ds.UnsupportedError, match=r"reverse mode.*not linear.*defvjp"):
        ds.grad(f)(2.0)


@ds.custom_jvp
def pieces(x):
    return x**2 if x > 0 else x**3


@pieces.defjvp
def _(primals, tangents):
    (x,), (dx,) = primals, tangents
    return pieces(x), (2.0 * x * dx if x > 0 else 3.0 * x**2 * dx)


def test_rules_may_branch_on_primals():
    compiled = ds.jit(ds.grad(pieces))
    assert [float(compiled(x)) for x in (2.0, -2.0, 3.0)] == [4.0, 12.0, 6.0]
    assert np.array_equal(ds.vmap(ds.grad(pieces))(np.array([2.0, -2.0, 3.0])), [4.0, 12.0, 6.0])


def test_inside_integrations():
    from solvers import solve_ivp

    @ds.custom_jvp
    def rate(y, p):
        return -p * y**3

    rate.defjvp(lambda p, t: (rate(*p), -3.0 * p[1] * p[0] ** 2 * t[0] - p[0] ** 3 * t[1]))

    def final(rhs):
        return lambda p: np.sum(
            solve_ivp(rhs, (0, 1), np.array([1.0, 0.7]), args=(p,), rtol=1e-8, atol=1e-8).y[:, -1] ** 2
        )

    for make in (ds.grad, ds.hessian):
        agree(make(final(lambda t, y, p: rate(y, p)))(0.8), make(final(lambda t, y, p: -p * y**3))(0.8))


def test_captured_values():
    def outer(c):
        @ds.custom_jvp
        def scaled(x):
            return c * x

        scaled.defjvp(lambda p, t: (c * p[0], c * t[0]))
        return scaled

    agree(ds.hessian(lambda x: outer(3.0)(x) * x)(1.0), 6.0)
    with pytest.raises(ds.UnsupportedError, match="pass the value as an argument"):
        ds.grad(lambda c: outer(c)(2.0))(3.0)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (lambda p, t: t[0], r"must return \(out, tangent\)"),
        (lambda p, t: (p[0], np.zeros(3)), r"tangent of shape \(3,\), expected \(2,\)"),
        (lambda p, t: (p[0], (t[0], t[0])), "tangent of shape|arranged"),
        (lambda p, t: (p[0], t[0] if t[0][0] > 0 else p[0]), "branches on a tangent.*numpy.where"),
    ],
)
def test_rules_that_do_not_fit(rule, words):
    @ds.custom_jvp
    def f(x):
        return 2.0 * x

    f.defjvp(rule)
    with pytest.raises(ds.TraceError, match=words):
        ds.jvp(f, (np.ones(2),), (np.ones(2),))


def test_backward_rules_that_do_not_fit():
    @ds.custom_vjp
    def f(x, y):
        return x * y

    with pytest.raises(ds.TraceError, match="no derivative rule"):
        ds.grad(f)(1.0, 2.0)
    f.defvjp(lambda x, y: (x * y, (x, y)), lambda r, ct: ct * r[1])
    with pytest.raises(ds.TraceError, match="one cotangent per argument"):
        ds.grad(f)(1.0, 2.0)
    assert f(2.0, 3.0) == 6.0


def test_complex_arguments():
    @ds.custom_jvp
    def square(z):
        return z**2

    square.defjvp(lambda p, t: (square(*p), 2.0 * p[0] * t[0]))

    @ds.custom_vjp
    def square_too(z):
        return z**2

    square_too.defvjp(lambda z: (z**2, z), lambda z, ct: (2.0 * np.conj(z) * ct,))
    x = np.array([0.3, -0.7])

    def f(square):
        return lambda x: np.sum(np.abs(square(1j * x + x**2) + x) ** 2)

    for own in (square, square_too):
        for make in (ds.grad, ds.hessian, lambda f: ds.jit(ds.hessian(f))):
            agree(make(f(own))(x), make(f(lambda z: z**2))(x))
        z = np.array([1.0 + 2.0j, 3.0 - 1.0j])
        agree(ds.jit(ds.vmap(own))(z), z**2)
