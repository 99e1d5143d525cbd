"""Double-double arithmetic and sines of every double, against mpmath."""

import mpmath as mp
import numpy as np
import pytest

from diffsci.primitives.special import angles
from diffsci.primitives.special import doubled as dd

RANDOM = np.random.default_rng(7)
OPERATIONS = {"add": mp.fadd, "subtract": mp.fsub, "multiply": mp.fmul, "divide": mp.fdiv}


def doubled(n=500):
    high = RANDOM.normal(size=n) * 10.0 ** RANDOM.uniform(-20, 20, n)
    return dd.quick_two_sum(high, high * RANDOM.uniform(-1, 1, n) * 2.0**-53)


def numbers(x):
    return [mp.mpf(float(high)) + mp.mpf(float(low)) for high, low in zip(*x, strict=True)]


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("cancelling", [False, True])
def test_arithmetic(name, cancelling):
    with mp.workdps(80):
        x, y = doubled(), doubled()
        if cancelling:
            y = -x[0] * (1 + 2.0**-40), x[1]
        found = numbers(getattr(dd, name)(x, y))
        for a, b, c in zip(found, numbers(x), numbers(y), strict=True):
            assert abs(a / OPERATIONS[name](b, c) - 1) < 2.0**-103


def test_errors_are_exact():
    x, y = RANDOM.normal(size=200), RANDOM.normal(size=200) * 1e-9
    with mp.workdps(80):
        for operation, exact in ((dd.two_sum, mp.fadd), (dd.two_product, mp.fmul)):
            for a, b, c in zip(numbers(operation(x, y)), x, y, strict=True):
                assert a == exact(mp.mpf(float(b)), mp.mpf(float(c)))


def test_polynomial():
    coefficients = [dd.nearest(angles.Fraction(1, k)) for k in (1, 3, 7)]
    x = doubled(5)
    with mp.workdps(80):
        for found, t in zip(numbers(dd.polynomial(coefficients, x)), numbers(x), strict=True):
            assert abs(found / (1 + t / 3 + t * t / 7) - 1) < 2.0**-95


# The double that is nearest to a multiple of pi/2 (J.-M. Muller, Elementary Functions, section 11.3).
WORST = 6381956970095103.0 * 2.0**797
X = np.concatenate(
    [
        RANDOM.normal(size=100) * 10,
        2.0 ** RANDOM.uniform(-30, 1023, 200),
        np.rint(2.0 ** RANDOM.uniform(0, 60, 100)) * np.pi / 2,
        [2.0**22, np.nextafter(2.0**22, 0), WORST, 355.0, 1.7e308, 0.5, 1.5, 3.0],
    ]
)


@pytest.mark.parametrize(
    ("reduced", "sine", "cosine"),
    [(angles.radians, mp.sin, mp.cos), (angles.half_turns, mp.sinpi, mp.cospi)],
)
def test_sines_and_cosines(reduced, sine, cosine):
    found = angles.sine_cosine(*reduced(X))
    with mp.workdps(60):
        for numbers_found, exact in zip(map(numbers, found), (sine, cosine), strict=True):
            for x, number in zip(X, numbers_found, strict=True):
                expected = exact(mp.mpf(float(x)))
                assert abs(number - expected) <= 2.0**-98 * abs(expected), x
