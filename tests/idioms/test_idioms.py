"""Models written as their authors write them give the plain value and the right derivatives, eager and
compiled.
"""

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
    assert "finite differences" not in str(result)  # judged by the complex step, at 1e-11


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
