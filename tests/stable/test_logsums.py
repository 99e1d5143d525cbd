"""Logistic functions and sums of exponentials: extremes, laws, call forms and the pieces of their values."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

import diffsci as ds
from diffsci import stable
from diffsci.errors import UnsupportedError
from diffsci.primitives.special import logistic, near_one
from tests.stable.rows import check, names

INF, NAN = np.inf, np.nan
RANDOM = np.random.default_rng(11)
real = st.floats(-1e3, 1e3, allow_subnormal=False)


@pytest.mark.parametrize("name", names("rows_logsums"))
def test_targets(name):
    check("rows_logsums", name, 90)


UNARY = "sigmoid log_sigmoid logit softplus logcosh log1mexp".split()
AT_ENDS = [  # name, argument, value, first and second derivative
    ("sigmoid", INF, 1.0, 0.0, 0.0),
    ("sigmoid", -INF, 0.0, 0.0, 0.0),
    ("sigmoid", 40.0, 1.0, 4.248354255291589e-18, -4.248354255291589e-18),
    ("softplus", INF, INF, 1.0, 0.0),
    ("softplus", -INF, 0.0, 0.0, 0.0),
    ("log_sigmoid", INF, 0.0, 0.0, 0.0),
    ("log_sigmoid", -INF, -INF, 1.0, 0.0),
    ("logit", 0.0, -INF, INF, -INF),
    ("logit", 1.0, INF, INF, INF),
    ("logit", -0.1, NAN, NAN, NAN),
    ("logit", 1.1, NAN, NAN, NAN),
    ("logcosh", 0.0, 0.0, 0.0, 1.0),
    ("logcosh", -INF, INF, -1.0, 0.0),
    ("log1mexp", 0.0, -INF, -INF, -INF),
    ("log1mexp", -0.0, -INF, -INF, -INF),
    ("log1mexp", -INF, 0.0, 0.0, 0.0),
    ("log1mexp", 0.5, NAN, NAN, NAN),
]


@pytest.mark.parametrize(("name", "x", "value", "first", "second"), AT_ENDS)
def test_ends(name, x, value, first, second):
    f = getattr(stable, name)
    for run in (lambda g: g, ds.jit):
        found = [run(g)(x) for g in (f, ds.grad(f), ds.grad(ds.grad(f)))]
        np.testing.assert_allclose(found, [value, first, second], rtol=1e-15)


PAIRS_AT_ENDS = [
    ("logaddexp", INF, INF, INF, 0.5, 0.5),
    ("logaddexp", -INF, -INF, -INF, 0.5, 0.5),
    ("logaddexp", -INF, 3.0, 3.0, 0.0, 1.0),
    ("logaddexp", INF, 3.0, INF, 1.0, 0.0),
    ("logsubexp", 3.0, -INF, 3.0, 1.0, 0.0),
    ("logsubexp", 3.0, 3.0, -INF, INF, -INF),
    ("logsubexp", INF, 3.0, INF, 1.0, 0.0),
    ("logsubexp", 1.0, 2.0, NAN, NAN, NAN),
    ("logsubexp", INF, INF, NAN, NAN, NAN),
]


@pytest.mark.parametrize(("name", "x", "y", "value", "in_x", "in_y"), PAIRS_AT_ENDS)
def test_pairs_at_ends(name, x, y, value, in_x, in_y):
    f = getattr(stable, name)
    for run in (lambda g: g, ds.jit):
        np.testing.assert_equal(run(f)(x, y), value)
        np.testing.assert_array_equal(run(ds.grad(f, argnums=(0, 1)))(x, y), (in_x, in_y))


SUMS_AT_ENDS = [  # exponents, their sum's logarithm, shares
    ([INF, 1.0], INF, [1.0, 0.0]),
    ([INF, INF, 0.0], INF, [0.5, 0.5, 0.0]),
    ([-INF, -INF], -INF, [0.5, 0.5]),
    ([-INF, 2.0], 2.0, [0.0, 1.0]),
    ([1e308, -1e308], 1e308, [1.0, 0.0]),
]


@pytest.mark.parametrize(("x", "value", "shares"), SUMS_AT_ENDS)
def test_sums_at_ends(x, value, shares):
    x = np.array(x)
    for run in (lambda g: g, ds.jit):
        assert run(stable.logsumexp)(x) == value
        np.testing.assert_array_equal(run(ds.grad(stable.logsumexp))(x), shares)
        np.testing.assert_array_equal(run(stable.softmax)(x), shares)
        second = run(ds.hessian(stable.logsumexp))(x)
        np.testing.assert_array_equal(second, np.diag(shares) - np.outer(shares, shares))


def test_largest_share_keeps_its_complement():
    x = np.array([0.0, 60.0, -3.0])
    rest = math.exp(-60.0) + math.exp(-63.0)
    for mode in ("forward", "reverse"):
        for run in (lambda g: g, ds.jit):
            slopes = run(ds.jacobian(stable.log_softmax, mode=mode))(x)
            assert slopes[1, 1] == pytest.approx(rest, rel=1e-15)
            shares = run(ds.jacobian(stable.softmax, mode=mode))(x)
            assert shares[1, 1] == pytest.approx(rest, rel=1e-15)
    assert stable.log_softmax(x)[1] == pytest.approx(-rest, rel=1e-15)


def test_nan_goes_through():
    for name in UNARY:
        assert np.isnan(getattr(stable, name)(NAN)), name
    for f in (stable.logaddexp, stable.logsubexp):
        assert np.isnan(f(NAN, -1.0))
        assert np.isnan(f(1.0, NAN))
    for f in (stable.logsumexp, stable.softmax, stable.log_softmax):
        assert np.isnan(f([1.0, NAN])).all()
        assert np.isnan(ds.jit(f)(np.array([NAN, 0.0]))).all()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(real)
def test_laws_of_one(x):
    assert stable.softplus(x) - stable.softplus(-x) == pytest.approx(x, rel=4e-16, abs=1e-15)
    assert stable.log_sigmoid(x) == -stable.softplus(-x)
    assert stable.sigmoid(x) + stable.sigmoid(-x) == pytest.approx(1.0, rel=4e-16)
    assert stable.logcosh(x) == stable.logcosh(-x)
    assert stable.logit(stable.sigmoid(min(x, 0.0))) == pytest.approx(min(x, 0.0), rel=1e-14) or x < -700


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(real, min_size=1, max_size=6))
def test_laws_of_sums(x):
    total = stable.logsumexp(x)
    assert total >= max(x)
    assert np.sum(stable.softmax(x)) == pytest.approx(1.0, rel=1e-15)
    np.testing.assert_allclose(stable.log_softmax(x), np.array(x) - total, rtol=1e-14, atol=1e-12)
    assert stable.logsumexp([*x, -INF]) == pytest.approx(total, rel=1e-15)
    if len(x) == 2:
        assert stable.logaddexp(*x) == stable.logaddexp(*reversed(x))
        assert stable.logaddexp(*x) == pytest.approx(total, rel=1e-15)


SHAPES = [
    ((3,), None),
    ((2, 3), 0),
    ((2, 3), -1),
    ((2, 3, 4), (0, 2)),
    ((2, 3, 4), None),
    ((2, 3), (1,)),
    ((), None),
]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_axes(shape, axis):
    x = RANDOM.normal(size=shape)
    for keepdims in (False, True):
        expected = special.logsumexp(x, axis=axis, keepdims=keepdims and shape != ())
        plain = stable.logsumexp(x, axis=axis, keepdims=keepdims)
        traced = ds.jit(lambda x: stable.logsumexp(x, axis=axis, keepdims=keepdims))(x)  # noqa: B023
        assert np.shape(plain) == np.shape(traced) == np.shape(expected)
        np.testing.assert_allclose(plain, expected, rtol=1e-14)
        np.testing.assert_allclose(traced, expected, rtol=1e-14)
    for name in ("softmax", "log_softmax"):
        f = getattr(stable, name)
        expected = getattr(special, name)(x, axis=axis)
        for found in (f(x, axis=axis), ds.jit(lambda x: f(x, axis=axis))(x)):  # noqa: B023
            assert np.shape(found) == np.shape(expected)
            np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_empty():
    for run in (lambda g: g, ds.jit):
        assert run(stable.logsumexp)(np.zeros(0)) == -INF
        np.testing.assert_array_equal(
            run(lambda x: stable.logsumexp(x, axis=0))(np.zeros((0, 2))), [-INF, -INF]
        )
        assert run(lambda x: stable.logsumexp(x, axis=0))(np.zeros((2, 0))).shape == (0,)
        assert run(stable.softmax)(np.zeros(0)).shape == (0,)
        assert run(stable.log_softmax)(np.zeros((2, 0))).shape == (2, 0)
        assert run(stable.logaddexp)(np.zeros(0), np.zeros(0)).shape == (0,)


def test_kinds_of_arguments():
    assert stable.logsumexp([1, 2]).dtype == np.float64
    assert stable.softmax(np.array([1, 2])).dtype == np.float64
    assert isinstance(stable.sigmoid(1), np.float64)
    assert isinstance(stable.logaddexp(True, 2), np.float64)
    for name in [*UNARY, "logaddexp", "logsubexp", "logsumexp", "softmax", "log_softmax"]:
        f = getattr(stable, name)
        x = [np.float32([-0.25, -0.5])] * (2 if name in ("logaddexp", "logsubexp") else 1)
        assert f(*x).dtype == np.float32, name
        assert ds.jit(f)(*x).dtype == np.float32, name
        assert ds.grad(lambda *x: np.sum(f(*x)))(*x).dtype == np.float32, name  # noqa: B023
    assert stable.logaddexp(np.float32(1), 2).dtype == np.float32
    gradient = ds.grad(lambda x: stable.logsumexp([x, [2 * x, 0.0][0]]))(0.5)
    assert gradient == pytest.approx(1 + stable.sigmoid(0.5), rel=1e-15)


@pytest.mark.parametrize("spelled", [special.logsumexp, stable.logsumexp])
def test_weights(spelled):
    a, b = np.array([0.3, -1.0, 800.0]), np.array([2.0, 0.5, 0.0])
    exact = math.log(2 * math.exp(0.3) + 0.5 * math.exp(-1.0))
    assert spelled(a, b=b) == pytest.approx(exact, rel=1e-15)
    shares = np.array([2 * math.exp(0.3), 0.5 * math.exp(-1.0), 0.0]) / math.exp(exact)
    np.testing.assert_allclose(ds.grad(lambda a: spelled(a, b=b))(a), shares, rtol=1e-14)
    np.testing.assert_allclose(ds.grad(lambda a: spelled(a, b=[2.0, 0.5, 0.0]))(a), shares, rtol=1e-14)
    negative = np.array([1.0, -5.0, 0.0])
    total = math.exp(0.3) - 5 * math.exp(-1.0)
    size, sign = ds.jit(lambda a: spelled(a, b=negative, return_sign=True))(a)
    assert (size, sign) == (pytest.approx(math.log(abs(total)), rel=1e-14), math.copysign(1.0, total))


SPELLINGS = [
    (special.expit, stable.sigmoid),
    (special.log_expit, stable.log_sigmoid),
    (special.softplus, stable.softplus),
    (lambda x: special.logit(special.expit(x)), lambda x: stable.logit(stable.sigmoid(x))),
    (lambda x: np.logaddexp(x, -1.3), lambda x: stable.logaddexp(x, -1.3)),
    (lambda x: special.logsumexp(x, axis=0), lambda x: stable.logsumexp(x, axis=0)),
    (lambda x: special.softmax(x, axis=0), lambda x: stable.softmax(x, axis=0)),
    (lambda x: special.log_softmax(x, axis=0), lambda x: stable.log_softmax(x, axis=0)),
]


@pytest.mark.parametrize(("theirs", "ours"), SPELLINGS)
def test_spellings_reach_the_same_rules(theirs, ours):
    x = RANDOM.normal(size=(4, 3)) * 3
    for run in (lambda g: g, ds.jit):
        for g in (theirs, ours):
            value, slope = run(ds.value_and_grad(lambda x: np.sum(g(x) ** 2)))(x)  # noqa: B023
            np.testing.assert_allclose(value, np.sum(ours(x) ** 2), rtol=1e-15)
            np.testing.assert_allclose(slope, ds.grad(lambda x: np.sum(ours(x) ** 2))(x), rtol=1e-13)


def test_selections():
    x, mask = RANDOM.normal(size=6), np.array([1, 0, 1, 1, 0, 1], bool)

    def f(x):
        chosen = x[x > np.min(x) + 0.1]
        return stable.logsumexp(chosen) + np.sum(stable.softmax(chosen) ** 2)

    kept = x[x > np.min(x) + 0.1]
    assert ds.jit(f)(x) == pytest.approx(
        stable.logsumexp(kept) + np.sum(stable.softmax(kept) ** 2), rel=1e-14
    )
    assert ds.check_grad(f, x).passed
    assert ds.grad(lambda x: stable.logsumexp(x[mask]))(x)[1] == 0.0


def test_error_state_is_left_alone():
    x = np.array([-INF, -750.0, -1.0, -1e-300, -0.0, 0.0, 800.0, INF, NAN])
    with np.errstate(all="raise"):
        before = np.geterr()
        for name in UNARY:
            getattr(stable, name)(x)
        for f in (stable.logaddexp, stable.logsubexp):
            f(x, x[::-1])
        for f in (stable.logsumexp, stable.softmax, stable.log_softmax):
            for some in (x, x[:5], x[:2]):
                f(some)
                ds.grad(lambda x: np.sum(f(x)))(some)  # noqa: B023
        assert np.geterr() == before


def test_refusals():
    with pytest.raises(np.exceptions.AxisError):
        stable.logsumexp([1.0, 2.0], axis=1)
    with pytest.raises(TypeError, match="expected numbers"):
        stable.sigmoid(["a"])
    with pytest.raises(UnsupportedError, match="complex"):
        ds.grad(lambda x: np.real(stable.logsumexp(x * 1j)))(np.ones(2))


def test_near_one():
    """Logarithms of sums that are nearly one, by tables and by integers, of either base and sign."""
    x = -RANDOM.exponential(1.0, 60) - 1e-3
    apart = RANDOM.normal(size=60) * 10.0 ** RANDOM.integers(-18, 0, 60)
    rows = np.stack([x, np.log1p(-np.exp(x)) * (1 + apart)], axis=-1)
    with mp.workdps(60):
        for base, scale in ((None, 1.0), (2, math.log(2.0))):
            found = near_one.log_of_sum(rows / scale, base=base)
            for row, value in zip(rows / scale, found, strict=True):
                total = mp.fsum(mp.mpf(base or mp.e) ** mp.mpf(float(v)) for v in row)
                exact = mp.log(total) / (mp.log(2) if base else 1)
                assert abs(value - exact) < 2.5 * np.spacing(abs(float(exact)))
        assert near_one.log_of_sum_exactly([1.5, 1.2], signs=(1, -1)) == pytest.approx(
            float(mp.log(mp.exp(1.5) - mp.exp(mp.mpf(1.2)))), rel=1e-15
        )
    assert near_one.log_of_sum(np.array([[-1.0, -1.0]]), base=2) == 0.0
    assert near_one.log_of_sum_exactly([-1.0, -1.0], base=2) == 0.0


def test_coefficients_of_logcosh():
    """The polynomial takes the function's values at Chebyshev nodes; its coefficients are rounded."""
    with mp.workdps(60):
        count = len(logistic.LOGCOSH_HALF)
        nodes = [(1 + mp.cos((2 * k + 1) * mp.pi / (2 * count))) / 2 for k in range(count)]
        matrix = mp.matrix(count, count)
        for i, w in enumerate(nodes):
            for j in range(count):
                matrix[i, j] = w**j
        values = mp.matrix([mp.log(mp.cosh(mp.sqrt(w))) / w for w in nodes])
        exact = mp.lu_solve(matrix, values)
    assert [float(c) for c in exact] == list(logistic.LOGCOSH_HALF)
