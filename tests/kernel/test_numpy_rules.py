"""NumPy's rules in the corners: memory order, booleans, stacks of systems, signed zeros, remainders."""

import math

import numpy as np
import pytest

import diffsci as ds
from diffsci.trees import flatten

X = np.array([0.5, -1.2, 2.0])
M = np.arange(12.0).reshape(3, 4) / 7 - 0.6
T = np.arange(24.0).reshape(2, 3, 4) / 7 - 0.6


def same_as_numpy(f, *args):
    """Value, shape and dtype of plain NumPy, at two points on the same compiled objects."""
    modes = (ds.jit(f), ds.jit(f, backend="numpy"), lambda *a: ds.vjp(f, *a)[0])
    for scale in (1, -1):
        point = [np.array(x * scale if x.dtype.kind == "f" else x, order="C") for x in map(np.asarray, args)]
        expected = flatten(f(*(x.copy() for x in point)))[0]
        for mode in modes:
            found = flatten(mode(*(x.copy() for x in point)))[0]
            for a, b in zip(found, expected, strict=True):
                a, b = np.asarray(a), np.asarray(b)
                assert (a.shape, a.dtype) == (b.shape, b.dtype)
                np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


class TestMemoryOrder:
    """NumPy keeps the order of memory through elementwise work, so reshape() copies where it would not."""

    @pytest.mark.parametrize(
        "make",
        [
            lambda x: np.sin(x.T),
            lambda x: x.T + x.T * 2,
            lambda x: x.T + np.ones(x.T.shape),
            lambda x: x.T.copy(),
            lambda x: np.copy(x.T),
            lambda x: np.array(x.T),
            lambda x: x.T.astype(float),
            lambda x: np.where(x.T > 0, x.T, 0.0),
            lambda x: np.zeros_like(x.T) + 1.0,
            lambda x: np.full_like(x.T, 2.0),
            lambda x: x[::-1] * 2,
            lambda x: x[:, 1:] * 2,
            lambda x: -x.T,
            lambda x: np.clip(x.T, 0.0, 1.0),
            lambda x: np.moveaxis(x, 0, -1) * 2.0,
            lambda x: np.swapaxes(x, 0, 1) ** 2,
        ],
    )
    @pytest.mark.parametrize("x", [M, T, M[:1]])
    def test_views_and_copies(self, make, x):
        def f(x):
            y = make(x)
            flat, turned = y.reshape(-1), y.T.reshape(-1)
            y[0] = 5.0
            second = y.ravel()
            second[1] = 7.0
            return flat * 1, turned * 1, y * 1

        same_as_numpy(f, x)

    def test_flat_writes_through(self):
        def f(x):
            y = x.copy()
            y.T.flat[1] = 5.0
            y.T.flat[3:5] = 7.0
            y[::2, ::-1].flat[1:3] = 9.0
            return y, y.T.flat[2], y.T.flat[1:3], sum(v for v in y.T.flat)

        same_as_numpy(f, M)

    def test_flat_is_set(self):
        def f(x):
            y = x.copy()
            y.T.flat = np.arange(12.0)
            return y * x

        same_as_numpy(f, M)


class TestBooleans:
    def test_arithmetic_is_logic(self):
        def kinds(m, x):
            return m + m, m * m, np.maximum(m, ~m), m * True, m + 1, sum(m), m / 2, m * x

        same_as_numpy(kinds, X > 0, X)
        same_as_numpy(lambda x: 2.0 * ((x > 0) + (x > 1)), X)

    def test_product_of_masks_is_a_mask(self):
        same_as_numpy(lambda x: x[(x > -3) * (x < 3)], X)

    def test_no_subtraction(self):
        with pytest.raises(TypeError, match=r"boolean subtract.*test_numpy_rules\.py"):
            ds.jit(lambda m: m - m)(X > 0)


class TestLinearAlgebra:
    @pytest.mark.parametrize(
        "shapes",
        [((3, 3, 3), (3, 3)), ((2, 3, 3), (3,)), ((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 3, 3), (3, 2)),
         ((3, 3), (2, 3, 1)), ((1, 1), (1,)), ((0, 0), (0,))],
    )  # fmt: skip
    def test_stacks_as_in_numpy_2(self, shapes):
        rng = np.random.default_rng(0)
        same_as_numpy(lambda a, b: np.linalg.solve(a, b), *(rng.normal(size=shape) for shape in shapes))

    def test_rows_are_no_stack_of_vectors(self):
        with pytest.raises(ValueError, match="do not fit"):
            ds.jit(lambda a, b: np.linalg.solve(a, b))(np.ones((2, 3, 3)), np.ones((2, 3)))


class TestSpecialValues:
    def test_minus_from_zero_has_the_sign_of_numpy(self):
        same_as_numpy(lambda y: np.arctan2(0 - y, -1.0), np.array([0.0, -0.0, 1.0]))

    def test_not_a_number(self):
        values = np.array([1.0, np.inf, np.nan])
        same_as_numpy(
            lambda a: (
                np.isclose(a, a),
                np.isclose(a, a, equal_nan=True),
                np.array_equal(a, a, equal_nan=True),
                np.allclose(a, np.inf),
                np.heaviside(a, 0.5),
            ),
            values,
        )

    def test_reduce_of_lists(self):
        same_as_numpy(lambda x: (np.maximum.reduce([x, 1 - x]), np.add.reduce([x, x**2])), X)
        same_as_numpy(lambda x: np.logical_and.reduce([x > 0, x < 1]), X)

    def test_math_is_double(self):
        x = np.array([0.5, 1.5], np.float32)
        for f in (lambda x: math.exp(x[0]), lambda x: math.exp(x[0]) * x):
            expected = np.asarray(f(x))
            for found in (ds.jit(f)(x), ds.vjp(f, x)[0]):
                assert np.asarray(found).dtype == expected.dtype
                np.testing.assert_allclose(found, expected, rtol=1e-7 if expected.ndim else 1e-15)


class TestKinks:
    @pytest.mark.parametrize("derivative", [ds.grad, lambda f: ds.jit(ds.grad(f))])
    def test_remainder_by_a_step_that_rounds(self, derivative):
        # 1.0 / 0.1 rounds to 10, but 1.0 % 0.1 is 1.0 - 9 * 0.1
        assert derivative(lambda y: 1.0 % y)(0.1) == -9.0
        assert derivative(lambda y: np.fmod(-7.0, y))(2.0) == 3.0

    def test_copysign_at_zero(self):
        assert ds.grad(lambda x: np.copysign(x, 1.0))(0.0) == 0.0
        assert ds.grad(lambda x: np.copysign(x, -1.0))(-2.0) == 1.0


class TestMessages:
    @pytest.mark.parametrize(
        "f",
        [
            lambda x: {0.5: 1.0}[x[0]],
            lambda x: len({x[0]}),
            lambda x: [1.0, 2.0][x[0]],
            lambda x: x.copy().sort(),
            lambda x: x.view(np.int64).sum(),
            lambda x: x.no_such_thing,
        ],
    )
    def test_names_the_line(self, f):
        with pytest.raises(
            (TypeError, AttributeError, ds.UnsupportedError), match=r"test_numpy_rules\.py:\d+"
        ):
            ds.grad(f)(X)

    def test_view_of_everything(self):
        def f(x):
            y = x.copy()
            y.view()[0] = 3.0
            return y

        same_as_numpy(f, X)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("sqrt", -1.0),
        ("log", 0.0),
        ("log10", -2.0),
        ("log1p", -1.0),
        ("asin", 2.0),
        ("atanh", -1.0),
        ("acosh", 0.5),
    ],
)
def test_math_raises_outside_its_domain_as_in_python(name, bad):
    def f(x):
        try:
            return getattr(math, name)(x) * x
        except ValueError:
            return 7.0 * x

    assert ds.value_and_grad(f)(bad) == (7.0 * bad, 7.0)
    compiled = ds.jit(ds.grad(f))
    inside = 1.5 if name == "acosh" else 0.5
    for x in (bad, inside, bad):
        assert compiled(x) == pytest.approx(ds.grad(f)(x), rel=1e-14)
    with pytest.raises(ValueError, match=r"math domain error.*test_numpy_rules\.py"):
        ds.grad(lambda x: getattr(math, name)(x))(bad)
