"""Transformations inside transformations: perturbations are never confused, closures carry derivatives."""

import math

import numpy as np

import diffsci as ds


def test_perturbation_confusion():
    # d/dx [x * d/dy (x + y)] = d/dx [x] = 1; a system that confuses the two perturbations returns 2
    assert float(ds.grad(lambda x: x * ds.grad(lambda y: x + y)(1.0))(1.0)) == 1.0
    forward = ds.jvp(lambda x: x * ds.jvp(lambda y: x + y, (1.0,), (1.0,))[1], (1.0,), (1.0,))[1]
    assert float(forward) == 1.0


def test_mixed_modes_through_a_closure():
    def outer(x):
        return ds.grad(lambda y: np.sin(x * y) * y)(x)

    x = 0.7
    first = np.sin(x * x) + x * x * np.cos(x * x)
    assert np.isclose(float(outer(x)), first, rtol=1e-14)
    slope = 2 * x * np.cos(x * x) + 2 * x * np.cos(x * x) - 2 * x**3 * np.sin(x * x)
    for derivative in (ds.grad(outer)(x), ds.jvp(outer, (x,), (1.0,))[1]):
        assert np.isclose(float(derivative), slope, rtol=1e-13)


def test_derivative_of_an_inner_minimiser():
    # one Newton step from any point minimises a quadratic exactly: argmin_y (y - x**2)**2 is x**2
    def argmin(x):
        def loss(y):
            return (y - x**2) ** 2

        start = 0.3
        return start - ds.grad(loss)(start) / ds.grad(ds.grad(loss))(start)

    assert np.isclose(float(argmin(1.5)), 2.25)
    assert np.isclose(float(ds.grad(argmin)(1.5)), 3.0)


def test_towers_of_derivatives():
    f, x = np.exp, 0.4
    for _ in range(5):
        f = ds.grad(f)
    assert np.isclose(float(f(x)), np.exp(x), rtol=1e-14)

    def g(x):
        return np.sin(2 * x)

    for _ in range(4):
        previous = g

        def g(x, previous=previous):
            return ds.jvp(previous, (x,), (1.0,))[1]

    assert np.isclose(float(g(x)), 16 * np.sin(2 * x), rtol=1e-14)


def test_hessian_vector_products_agree():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((4, 4))

    def f(x):
        return np.sum(np.sin(a @ x)) + np.prod(x)

    x, v = rng.standard_normal(4), rng.standard_normal(4)
    hessian = ds.hessian(f)(x)
    np.testing.assert_allclose(hessian, np.transpose(hessian), rtol=1e-12)
    np.testing.assert_allclose(ds.hvp(f, (x,), (v,)), hessian @ v, rtol=1e-12)
    np.testing.assert_allclose(ds.jacobian(ds.grad(f))(x), hessian, rtol=1e-12)
    exact = -a.T @ np.diag(np.sin(a @ x)) @ a
    exact += np.array([[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)])
    np.testing.assert_allclose(hessian, exact, rtol=1e-12, atol=1e-13)


def test_jacobian_modes_agree():
    def f(x):
        return np.stack([x[0] * x[1], np.exp(x[2]), x[0] ** 2])

    x = np.array([0.3, -1.2, 0.8])
    exact = np.array([[x[1], x[0], 0.0], [0.0, 0.0, np.exp(x[2])], [2 * x[0], 0.0, 0.0]])
    for mode in ("forward", "reverse", "auto"):
        np.testing.assert_allclose(ds.jacobian(f, mode=mode)(x), exact, rtol=1e-15)


def test_linearize_is_reusable():
    def f(x):
        return np.sin(x) * x[0]

    x = np.array([0.5, 1.5])
    value, pushforward = ds.linearize(f, x)
    np.testing.assert_array_equal(value, f(x))
    for v in (np.array([1.0, 0.0]), np.array([-0.3, 2.0])):
        np.testing.assert_allclose(pushforward(v), ds.jvp(f, (x,), (v,))[1], rtol=1e-15)


def test_jit_inside_and_outside():
    def f(x):
        return np.sum(np.tanh(x) ** 2)

    x = np.linspace(-1, 1, 7)
    expected = ds.grad(f)(x)
    np.testing.assert_allclose(ds.grad(ds.jit(f))(x), expected, rtol=1e-13)
    np.testing.assert_allclose(ds.jit(ds.grad(ds.jit(f)))(x), expected, rtol=1e-13)
    second = ds.jvp(ds.jit(ds.grad(f)), (x,), (np.ones(7),))[1]
    np.testing.assert_allclose(second, ds.hvp(f, (x,), (np.ones(7),)), rtol=1e-12)


def test_compiled_function_reads_globals_and_closures_again():
    factor = np.array([2.0])
    compiled = ds.jit(lambda x: np.sum(factor * x))
    assert float(compiled(np.ones(3))) == 6.0
    factor[0] = 5.0
    assert float(compiled(np.ones(3))) == 15.0


def test_value_and_grad_over_containers():
    def f(model, scale):
        return scale * np.sum(model["weights"] ** 2) + model["bias"][0] * model["bias"][1]

    model = {"weights": np.array([1.0, -2.0]), "bias": (3.0, np.float64(0.5))}
    value, (by_model, by_scale) = ds.value_and_grad(f, argnums=(0, 1))(model, 2.0)
    assert float(value) == 11.5
    np.testing.assert_array_equal(by_model["weights"], [4.0, -8.0])
    assert [float(part) for part in by_model["bias"]] == [0.5, 3.0]
    assert float(by_scale) == 5.0


def test_functions_of_math_and_numpy_passed_as_they_are():
    for f in (math.sin, np.sin, math.exp, np.exp):
        assert np.isclose(float(ds.grad(f)(0.5)), float(ds.jvp(f, (0.5,), (1.0,))[1]), rtol=1e-15)
