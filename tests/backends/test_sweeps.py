"""Nests over the same rows run in turn over a few rows at a time: when they may, and that nothing changes."""

import itertools

import numpy as np
import pytest
import scipy.special
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.backends.expanding import expanded
from diffsci.backends.plan import build, build_plan
from diffsci.backends.plan.program import Nest
from diffsci.backends.plan.sweeps import _Access, _private
from diffsci.tracing import trace_function
from diffsci.transforms.simplify import simplify

R = np.random.default_rng(3)


def softmax(x):
    return scipy.special.softmax(x, axis=1)


def cross_entropy(x):
    return np.sum(scipy.special.logsumexp(x, axis=1) - np.sum(x * np.sin(x), axis=1))


def normalised(x):
    centred = x - np.mean(x, axis=1, keepdims=True)
    return centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)


def neighbours(x):
    """Each row is divided by the sum of the row before: rows are not independent."""
    return x / np.roll(np.sum(np.exp(x), axis=1), 1)[:, None]


def columns(x):
    return x / np.sum(np.exp(x), axis=0)


def sweeps_of(f, x):
    """Return the nests of each sweep of a program."""
    plan = build_plan(expanded(simplify(trace_function(f, (x,)).graph)))
    nests = [step for step in plan.steps if isinstance(step, Nest) and step.sweep is not None]
    return [list(group) for _, group in itertools.groupby(nests, key=lambda nest: id(nest.sweep))]


@pytest.mark.parametrize("f", [softmax, normalised, cross_entropy, ds.value_and_grad(cross_entropy)])
def test_rows_are_done_a_few_at_a_time(f):
    x = R.normal(size=(3000, 200))
    first = sweeps_of(f, x)[0]
    assert len(first) > 1
    assert 8 <= first[0].sweep.chunk < 1500
    assert "rows at a time" in str(ds.jit(f).plan(x))


def test_rows_that_need_others_are_not():
    x = R.normal(size=(3000, 200))
    assert sweeps_of(neighbours, x) == []
    assert sweeps_of(columns, x) == []


SHAPES = [(3001, 200), (2999, 7), (40_000, 3), (9, 20_000)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("f", [softmax, normalised, neighbours, columns, ds.grad(cross_entropy)])
def test_results_are_those_of_the_interpreter_on_any_number_of_threads(f, shape):
    compiled, plain = ds.jit(f), ds.jit(f, backend="numpy")
    before = ds.get_num_threads()
    try:
        for x in (R.normal(size=shape), 3 * R.normal(size=shape)):
            results = []
            for threads in (1, 2, 7):
                ds.set_num_threads(threads)
                results.append(compiled(x))
            assert all(np.array_equal(results[0], other) for other in results[1:])
            np.testing.assert_allclose(results[0], plain(x), rtol=1e-12, atol=1e-13)
    finally:
        ds.set_num_threads(before)


def test_sweeps_cost_no_memory(monkeypatch):
    """Values that live one after another may share memory; in a sweep all of them live at once."""

    def chain(x):
        for _ in range(8):
            x = np.exp(x - np.max(x, axis=1, keepdims=True))
        return x

    x = R.normal(size=(2000, 100))
    graph = expanded(simplify(trace_function(chain, (x,)).graph))
    with_sweeps = build_plan(graph).workspace_bytes
    monkeypatch.setattr(build, "form_sweeps", lambda plan: False)
    assert with_sweeps <= 1.25 * build_plan(graph).workspace_bytes + (1 << 16)


@st.composite
def accesses(draw):
    units, along = draw(st.integers(2, 5)), draw(st.integers(0, 1))
    stride = draw(st.integers(1, 12))

    def access():
        extent = draw(st.integers(1, 4))
        coefficient = draw(st.integers(-30, 30))
        terms, extents = [coefficient, coefficient], [extent, extent]
        terms[along], extents[along] = stride, units
        return _Access((draw(st.integers(0, 40)), *terms), tuple(extents), along)

    return [access() for _ in range(draw(st.integers(1, 3)))], units


def elements(access, row):
    other = 1 - access.along
    start = access.address[0] + access.stride * row
    return {start + access.address[other + 1] * k for k in range(access.extents[other])}


@settings(max_examples=600, deadline=None)
@given(accesses())
def test_private_rows_have_no_element_in_common(found):
    accesses, units = found
    assume(_private(accesses, units))
    for a, b in itertools.product(accesses, repeat=2):
        for i, j in itertools.permutations(range(units), 2):
            assert not elements(a, i) & elements(b, j)


def test_rows_of_usual_arrays_are_private():
    in_rows = _Access((0, 25, 1), (1000, 25), 0)
    sums = _Access((0, 1), (1000,), 0)
    turned = _Access((0, 1000, 1), (25, 1000), 1)
    shifted = _Access((25, 25, 1), (1000, 25), 0)
    assert _private([in_rows, in_rows], 1000)
    assert _private([sums, sums], 1000)
    assert _private([turned, turned, _Access((3000, 1), (1000,), 0)], 1000)
    assert not _private([in_rows, shifted], 1000)
    assert not _private([sums, _Access((1, 1), (1000,), 0)], 1000)
    assert not _private([in_rows, None], 1000)
