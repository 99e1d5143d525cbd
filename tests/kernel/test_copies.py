"""Private traced copies: names, modules, classes, closures; and what still escapes is an error."""

import functools
import math
import sys
import types

import numpy as np
import pytest

import diffsci as ds
from tests.kernel import user_module
from tests.kernel.user_module import Net, Plate, factorial_power, helper

X = np.array([0.3, 0.7])
NET = Net(user_module.MATRIX)


def self_referring(x):
    def f(n, v):
        return v if n == 0 else math.sin(f(n - 1, v))

    return f(3, x[0])


def nonlocal_sum(x):
    total = 0.0

    def add(v):
        nonlocal total
        total = total + v * v

    for v in x:
        add(v)
    return total


def import_in_body(x):
    from math import cos

    import numpy as xp

    z = xp.zeros(2)
    z[1] = cos(x[0])
    return z.sum()


def newton(x):
    z = x[0]
    for _ in range(50):
        new = z - (z * z - x[0]) / (2 * z)
        if abs(new - z) < 1e-14:
            break
        z = new
    return new


MODELS = {
    "a helper in another module": (lambda x: user_module.helper(x).sum(), X),
    "an imported helper": (lambda x: helper(x).sum(), X),
    "a method of a dataclass argument": (lambda p: p.area(), Plate(1.0, 2.0)),
    "an instance made inside": (lambda x: Plate(x[0], x[1]).area(), X),
    "an object with __call__": (lambda x: NET(x), X),
    "an object itself": (NET, X),
    "recursion": (lambda x: factorial_power(3, x[0]), X),
    "a partial": (functools.partial(factorial_power, 3), 2.0),
    "a builtin": (math.sin, 0.5),
    "a closure that names itself": (self_referring, X),
    "nonlocal": (nonlocal_sum, X),
    "an import in the body": (import_in_body, X),
    "a generator": (lambda x: sum(math.exp(v) for v in x), X),
    "reduce": (lambda x: functools.reduce(lambda a, b: a * b, x), X),
    "r_": (lambda x: np.sum(np.r_[x, 1.0, x[0]] ** 2), X),
    "c_": (lambda x: np.sum(np.c_[x, x] ** 3), X),
    "fromiter": (lambda x: np.fromiter((v * v for v in x), float).sum(), X),
    "float and isinstance": (lambda x: float(x[1]) * (2 if isinstance(x, np.ndarray) else 3), X),
    "a loop that ends by itself": (newton, X),
}


@pytest.mark.parametrize("name", MODELS)
def test_models_in_plain_python(name):
    f, x = MODELS[name]
    assert f(x) == pytest.approx(ds.value_and_grad(f)(x)[0], rel=1e-14)
    assert ds.check_grad(f, x).passed
    eager, compiled = ds.grad(f)(x), ds.jit(ds.grad(f))(x)
    from diffsci.trees import flatten

    for a, b in zip(flatten(eager)[0], flatten(compiled)[0], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_integer_arrays_truncate_as_in_numpy():
    def f(x):
        counts = np.zeros(2, dtype=int)
        counts[0] = x[0] * 10
        return counts.sum() * x[0]

    compiled = ds.jit(ds.value_and_grad(f))
    for x in (X, X * 2):
        value, gradient = compiled(x)
        assert value == f(x)
        np.testing.assert_array_equal(gradient, [int(x[0] * 10), 0.0])


def test_attributes_set_by_methods_stay_set():
    net = Net(user_module.MATRIX)
    ds.grad(net)(X)
    assert net.calls == 2


def test_results_are_instances_of_the_users_classes():
    gradient = ds.grad(lambda p: p.area())(Plate(1.0, 4.0))
    assert type(gradient) is Plate
    assert (gradient.width, gradient.height) == (2.0, 0.25)
    out, _ = ds.vjp(lambda x: Plate(x, 2 * x), 1.0)
    assert type(out) is Plate


def test_nobody_elses_numpy_is_touched():
    zeros, sqrt = id(np.zeros), id(math.sqrt)

    def f(x):
        assert id(sys.modules["numpy"].zeros) == zeros
        return np.sum(np.zeros(2) + x)

    ds.grad(f)(X)
    assert id(np.zeros) == zeros
    assert id(math.sqrt) == sqrt
    assert isinstance(np.zeros(2), np.ndarray)


def lost(x, kept=[]):  # noqa: B006  a leak on purpose
    kept.append(x * 2)
    return kept[0].sum()


class TestErrorsNameTheLine:
    """Each message names this file and says what to write."""

    @pytest.mark.parametrize(
        ("f", "text"),
        [
            (lambda x: np.random.default_rng(0).permutation(x).sum(), "plain NumPy array was asked for"),
            (lambda x: np.trim_zeros(x).sum(), "numpy.trim_zeros is not supported"),
            (lambda x: np.histogram(x, bins="auto")[1].sum(), "their number or their edges"),
            (lambda x: np.vectorize(np.dot, signature="(n),(n)->()")(x, x), "signature"),
            (lambda x: np.nextafter(x, 9.0).sum(), "the ufunc nextafter"),
        ],
    )
    def test_unsupported(self, f, text):
        with pytest.raises(ds.UnsupportedError, match=text) as caught:
            ds.grad(f)(X)
        assert "test_copies.py" in str(caught.value)

    def test_leaked_value(self):
        ds.grad(lost)(X)
        with pytest.raises(ds.TraceError, match="after its function returned"):
            ds.grad(lost)(X)

    def test_plain_array_made_outside(self):
        holder = types.SimpleNamespace(buffer=np.zeros(2))  # an attribute: not seen as a closure's array

        def f(x):
            np.multiply(x, 2, out=holder.buffer)
            return x.sum()

        with pytest.raises(ds.UnsupportedError, match="made outside the traced function"):
            ds.grad(f)(X)

    def test_index_out_of_bounds(self):
        with pytest.raises(IndexError, match=r"test_copies\.py"):
            ds.grad(lambda x: x[5])(X)

    def test_shapes_that_do_not_broadcast(self):
        with pytest.raises(ValueError, match="broadcast"):
            ds.grad(lambda x: np.sum(x + np.zeros(3)))(X)

    @pytest.mark.parametrize("x", [3, np.arange(3), True])
    def test_integers_have_no_derivative(self, x):
        with pytest.raises(TypeError, match="derivatives need floats"):
            ds.grad(lambda v: v * 2.0)(x)

    def test_several_results(self):
        with pytest.raises(TypeError, match="one real number"):
            ds.grad(lambda x: x)(X)

    def test_direction_of_another_shape(self):
        with pytest.raises(ValueError, match="shape"):
            ds.jvp(np.sum, (X,), (np.ones(3),))

    def test_bad_argnums(self):
        with pytest.raises(ValueError, match="argnums=2"):
            ds.grad(np.sum, argnums=2)(X)
