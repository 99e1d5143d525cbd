"""Branches and loops of Python under jit: right on every path, bounded, and a warning names the line."""

import math
import warnings

import numpy as np
import pytest

import diffsci as ds
from diffsci.jit import MAX_PATHS

LEVEL = 1


def newton(a):
    x = a
    while abs(x * x - a) > 1e-12 * a:
        x = (x + a / x) / 2
    return x


def paths_of(fast):
    return sum(map(len, fast._paths.values()))


def test_an_iteration_whose_length_depends_on_values():
    fast, slope = ds.jit(newton), ds.jit(ds.grad(newton))
    for a in (2.0, 3.0, 1e6, 1e-6, 2.5, 2.0):
        assert fast(a) == pytest.approx(math.sqrt(a), rel=1e-12)
        assert slope(a) == pytest.approx(0.5 / math.sqrt(a), rel=1e-6)
    assert paths_of(fast) < 6


def test_as_many_paths_as_allowed_and_a_warning():
    @ds.jit
    def floor(x):
        whole = 0
        while x >= 1.0:
            x = x - 1.0
            whole += 1
        return x + whole

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for k in range(MAX_PATHS):
            assert floor(k + 0.5) == k + 0.5
    with pytest.warns(UserWarning, match=r"test_guards\.py:\d+.*while_loop") as caught:
        assert floor(MAX_PATHS + 0.5) == MAX_PATHS + 0.5
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once is enough
        assert floor(MAX_PATHS + 1.5) == MAX_PATHS + 1.5
        assert floor(3.5) == 3.5
    assert paths_of(floor) == MAX_PATHS


def test_integers_read_from_outside_that_change_at_every_call(monkeypatch):
    fast = ds.jit(lambda x: x * LEVEL)

    def every_level():
        for level in range(MAX_PATHS + 2):
            monkeypatch.setitem(globals(), "LEVEL", level)
            assert fast(2.0) == 2.0 * level

    with pytest.warns(UserWarning, match=r"integers.*argument"):
        every_level()


def test_a_branch_that_rounding_decides():
    """exp(log(x)) == x holds or not by the last digit: one of the two answers comes, and a warning."""

    @ds.jit
    def fussy(x):
        return x * 2 if np.sum(np.exp(np.log(x)) == x) % 2 == 0 else -x

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for k in range(10):
            x = np.random.default_rng(k).uniform(1, 9, 30)
            found = fussy(x)
            assert np.array_equal(found, 2 * x) or np.array_equal(found, -x)
    assert all("rounding decides" in str(w.message) for w in caught)


def test_a_result_whose_shape_depends_on_a_branch():
    @ds.jit
    def doubled(x):
        return np.concatenate([x, x]) if x[0] > 0 else x[:1]

    for _ in range(2):
        assert doubled(np.ones(2)).shape == (4,)
        assert doubled(-np.ones(2)).shape == (1,)
    kept = ds.jit(lambda x: x[x > 0] * 2)
    for x in (np.array([1.0, -1, 2]), np.array([1.0, 1, 2]), np.array([-1.0, -1, -2])):
        assert np.array_equal(kept(x), x[x > 0] * 2)
        gradient = ds.jit(ds.grad(lambda x: np.sum(x[x > 0] * 2)))(x)
        assert np.array_equal(gradient, 2.0 * (x > 0))


def test_exceptions_are_paths():
    @ds.jit
    def strict(x):
        if x < 0:
            raise KeyError("negative")
        return math.log(x + 1) * 2

    for _ in range(2):
        assert strict(1.0) == pytest.approx(2 * math.log(2))
        with pytest.raises(KeyError, match="negative"):
            strict(-2.0)


@pytest.mark.parametrize("name", ["sqrt", "log", "log1p", "acos", "atanh"])
def test_math_raises_outside_its_domain_also_when_compiled(name):
    function = getattr(math, name)
    fast = ds.jit(lambda x: function(x) + 1)
    assert math.isclose(fast(0.5), function(0.5) + 1, rel_tol=1e-15)
    with pytest.raises(ValueError, match=r"math domain error.*test_guards\.py"):
        fast(-2.0)
    assert fast(0.25) == function(0.25) + 1


def test_jitted_functions_inside_jitted_functions_and_loops():
    @ds.jit
    def inner(x):
        return np.sqrt(x) if x > 1 else x * x

    outer = ds.jit(lambda x: inner(x) + inner(x / 4))
    for x in (8.0, 2.0, 0.5, 8.0):
        assert outer(x) == pytest.approx(
            (math.sqrt(x) if x > 1 else x * x) + (math.sqrt(x / 4) if x / 4 > 1 else (x / 4) ** 2)
        )
    rolled = ds.jit(lambda x: ds.fori_loop(0, 4, lambda i, c: inner(c) * 3, x))
    for start in (8.0, 0.1):
        c = start
        for _ in range(4):
            c = (math.sqrt(c) if c > 1 else c * c) * 3
        assert rolled(start) == pytest.approx(c)
