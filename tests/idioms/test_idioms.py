"""Models written as their authors write them give the plain value and the right derivatives, eager and
compiled.
"""

import mpmath
import numpy as np
import pytest

import diffsci as ds
from diffsci.evidence import check_all
from diffsci.trees import flatten
from tests.idioms.models import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_model(name):
    function, point = MODELS[name]
    result = check_all(function, *point)
    assert result.passed, str(result)
    if name not in ON_NUMBERS:
        assert "differences" not in str(result)  # judged by the complex step alone, at 1e-11


def bessel_and_error(r, width):
    return mpmath.besselj(0, 2 * r) * mpmath.erf(r / width)


def gamma_value(shape, rate):
    data = [mpmath.mpf(x) for x in ("0.8", "1.4", "2.2", "0.5")]
    terms = [(shape - 1) * mpmath.log(x) - rate * x for x in data]
    return 4 * (shape * mpmath.log(rate) - mpmath.loggamma(shape)) + mpmath.fsum(terms)


# SciPy's functions in these have no complex version that keeps a tiny imaginary part: mpmath is the judge.
ON_NUMBERS = {
    "special_functions": (bessel_and_error, (0.9, 0.6)),
    "gamma_likelihood": (gamma_value, (2.3, 1.7)),
}


@pytest.mark.parametrize("name", ON_NUMBERS)
def test_model_against_mpmath(name):
    """First and second derivatives in both arguments."""
    judge, point = ON_NUMBERS[name]

    def model(*args):
        found = MODELS[name][0](*args)
        return found[0] if isinstance(found, tuple) else found

    for transform in (lambda f: f, ds.jit):
        first = transform(ds.grad(model, argnums=(0, 1)))(*point)
        second = transform(ds.hessian(model, argnums=(0, 1)))(*point)
        with mpmath.workdps(50):
            for i in range(2):
                order = tuple(int(k == i) for k in range(2))
                assert float(first[i]) == pytest.approx(float(mpmath.diff(judge, point, order)), rel=1e-11)
                for j in range(2):
                    order = tuple(int(k == i) + int(k == j) for k in range(2))
                    expected = float(mpmath.diff(judge, point, order))
                    assert float(second[i][j]) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize("name", MODELS)
def test_the_users_function_is_untouched(name):
    """Tracing rebuilds functions privately: the original keeps computing with plain NumPy."""
    function, point = MODELS[name]
    expected = flatten(function(*point))[0]
    ds.vjp(function, *point)
    after = flatten(function(*point))[0]
    for leaf, plain in zip(after, expected, strict=True):
        assert type(leaf) is type(plain)
        np.testing.assert_array_equal(leaf, plain)
