"""Special functions as statements of native programs, by SciPy's own C functions."""

import subprocess
import sys

import numpy as np
import pytest

from diffsci.backends.cpu import compile_graph, set_num_threads
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import CallbackStep
from diffsci.backends.plan.special import SPECIAL
from diffsci.graph import registry
from diffsci.graph.interpreter import run
from diffsci.native import addresses
from tests.backends.common import F4, F8, compare, one_op, type_of

REGISTERED = sorted(SPECIAL & registry.registered().keys())


def rng():
    return np.random.default_rng(3)


def graph_of(name, shape, dtype=F8):
    """The graph of one function, with as many arguments as it takes."""
    for count in range(1, 5):
        try:
            return one_op(name, [type_of(shape, dtype)] * count)
        except TypeError:
            continue
    raise AssertionError(name)


def arguments(graph, dtype=F8):
    """Points inside, at, and outside of the domains."""
    points = [rng().uniform(0.05, 0.95, t.shape) for t in graph.input_types]
    for k, x in enumerate(points):
        flat = x.reshape(-1)
        if flat.size > 20:
            flat[:9] = [0.0, 1.0, -0.5, 2.5, 30.0, -3.0, np.inf, np.nan, 700.0]
            flat[:9] = np.roll(flat[:9], k)
    return [x.astype(dtype) for x in points]


def test_the_table_is_that_of_the_primitives():
    assert set(REGISTERED) == SPECIAL


@pytest.mark.parametrize("name", REGISTERED)
def test_against_scipy(name):
    for shape in ((), (37,)):
        graph = graph_of(name, shape)
        assert not any(isinstance(step, CallbackStep) for step in build_plan(graph).steps)
        inputs = arguments(graph)
        status, (got,) = compile_graph(graph).run(inputs)
        assert status == 0
        np.testing.assert_allclose(got, run(graph, inputs)[0], rtol=1e-15)


@pytest.mark.parametrize("name", ["rgamma", "jv", "betainc"])
def test_single_precision_is_computed_in_double(name):
    graph = graph_of(name, (37,), F4)
    inputs = arguments(graph, F4)
    double = compile_graph(graph_of(name, (37,))).run([x.astype(F8) for x in inputs])[1][0]
    np.testing.assert_array_equal(compile_graph(graph).run(inputs)[1][0], double.astype(F4))


def test_on_several_threads(monkeypatch):
    monkeypatch.setattr("diffsci.backends.cpu.module._FORK_NANOSECONDS", 0)
    graph = graph_of("jv", (10_007,))
    set_num_threads(4)
    try:
        compare(graph, arguments(graph), 1e-15)
    finally:
        set_num_threads(2)


def test_errors_are_quiet(capfd):
    graph = graph_of("gammaln", (37,))
    assert compile_graph(graph).run([np.full(37, -1.0)])[1][0][0] == np.inf
    assert capfd.readouterr() == ("", "")


def test_unknown_functions_are_named():
    with pytest.raises(OSError, match="no C function 'jv' with the signature"):
        addresses.library_address(addresses.special_symbol("jv", 3))


def test_scipy_is_imported_only_when_needed():
    code = "import sys, diffsci.backends.cpu; assert 'scipy.special.cython_special' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
