"""Stencils: regions, blocks of rows and threads give what NumPy gives, whatever the size of the grid."""

import numpy as np
import pytest

import diffsci as ds
from benchmarks.stencil_models import MODELS
from diffsci.backends.cpu import get_num_threads, program, set_num_threads
from diffsci.native import cache

NAMES = [model.name for model in MODELS]


@pytest.fixture
def forked(monkeypatch):
    """Every loop may fork, and nothing comes from the disk."""
    monkeypatch.setattr("diffsci.backends.cpu.module._FORK_NANOSECONDS", 0)
    monkeypatch.setattr(program, "_memory", {})
    monkeypatch.setattr(cache, "read", lambda key: None)
    monkeypatch.setattr(cache, "write", lambda key, description, code: None)
    before = get_num_threads()
    yield
    set_num_threads(before)


def point(model, side):
    rng = np.random.default_rng(side)
    shapes = (model.state, *model.data, model.state)
    return [rng.standard_normal(tuple(n or side + k for k, n in enumerate(shape))) for shape in shapes]


def functions(model):
    """The right-hand side, the pullback, and the pullback together with a sum over all points."""

    def pullback(y, *rest):
        *data, ct = rest
        return ds.vjp(lambda state: model.function(state, *data), y)[1](ct)[0]

    def both(y, *rest):
        *data, ct = rest
        value, back = ds.vjp(lambda state: model.function(state, *data), y)
        return back(ct)[0], np.sum(value * ct), np.max(value)

    return (lambda y, *rest: model.function(y, *rest[:-1])), pullback, both


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
@pytest.mark.parametrize("side", [5, 19, 34])
def test_values_and_pullbacks(model, side):
    arrays = point(model, side)
    value, pullback, both = functions(model)
    np.testing.assert_allclose(ds.jit(value)(*arrays), value(*arrays), rtol=1e-12, atol=1e-12)
    expected = pullback(*arrays)  # outside of jit: operation by operation in NumPy
    np.testing.assert_allclose(ds.jit(pullback)(*arrays), expected, rtol=1e-12, atol=1e-12)
    found, total, most = ds.jit(both)(*arrays)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    values = value(*arrays)
    np.testing.assert_allclose(total, np.sum(values * arrays[-1]), rtol=1e-10)
    np.testing.assert_allclose(most, np.max(values), rtol=1e-12)


@pytest.mark.parametrize("model", MODELS, ids=NAMES)
def test_threads_do_not_change_a_bit(model, forked):
    arrays = point(model, 21)
    for function in functions(model):
        jitted, results = ds.jit(function), []
        for threads in (1, 2, 3, 7):
            set_num_threads(threads)
            found = jitted(*arrays)
            results.append(
                [np.asarray(x).tobytes() for x in (found if isinstance(found, tuple) else [found])]
            )
        assert results.count(results[0]) == 4
