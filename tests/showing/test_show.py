"""Shown programs are source that runs and gives the numbers of the program."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special

import diffsci as ds
from diffsci.graph import Graph
from diffsci.graph.interpreter import run
from diffsci.showing import source
from diffsci.transforms import jvp_graph, simplify, vjp_graph
from solvers import solve_ivp
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

ALL = [*SAMPLES, *FLAT]


def executed(graph, inputs):
    found = source(graph).function()(*inputs)
    return found if len(graph.outputs) != 1 else (found,)


def same(graph, inputs):
    expected = run(graph, inputs)
    for value, wanted in zip(executed(graph, inputs), expected, strict=True):
        np.testing.assert_allclose(value, wanted, rtol=1e-15)
        assert np.asarray(value).dtype == wanted.dtype


@pytest.mark.parametrize("sample", ALL, ids=map(label, ALL))
@pytest.mark.filterwarnings("ignore")
def test_every_operation(sample):
    graph = graph_of(*sample)
    inputs = [np.asarray(x) for x in sample[1]]
    if graph.outputs:
        same(graph, inputs)


@pytest.mark.parametrize("sample", SAMPLES, ids=map(label, SAMPLES))
@pytest.mark.filterwarnings("ignore")
def test_derivatives_of_every_operation(sample):
    graph, inputs = graph_of(*sample), [np.asarray(x) for x in sample[1]]
    active = [x.type.is_float for x in graph.inputs]
    try:
        pushed = simplify(jvp_graph(graph, active))
    except ds.UnsupportedError:  # data among the operands, such as the order of a Bessel function
        return
    same(pushed, [*inputs, *(0.5 * x for x, flag in zip(inputs, active, strict=True) if flag)])
    pulled = simplify(vjp_graph(graph, active))
    same(pulled, [*inputs, *(np.full(y.shape, 0.5, y.dtype) for y in graph.outputs if y.type.is_float)])


@dataclass
class Rates:
    slow: float
    fast: np.ndarray


TABLE = np.linspace(0.0, 1.0, 2000)
OFFSET = 0.25


def writes(x, n=3):
    out = np.zeros(n)
    out[0] = np.sin(x[0])
    out[1:] += x[1:] ** 3
    out[out > 0.5] *= 2
    return np.sum(out) + OFFSET


def rolled(x):
    y, rows = ds.scan(lambda c, a: (np.sin(c * x), c * a), x, np.arange(4.0))
    return ds.fori_loop(0, 3, lambda k, z: z * x + k, y) + np.sum(rows)


def searching(x):
    return ds.while_loop(lambda y: y * y > x, lambda y: 0.5 * (y + x / y) - 0.01, x + 1.0)


MODELS = [
    ("writes", writes, (np.array([0.3, 0.9, 1.1]),)),
    ("nested arguments", lambda p, y: p.slow * np.sum(p.fast * y["a"]), (Rates(2.0, np.ones(2)), {"a": 3.0})),
    ("special functions", lambda x: special.gammaln(x) + special.erfcx(x) + special.jv(1.5, x), (2.5,)),
    ("infinite constants", lambda x: np.minimum(x, np.inf) + np.where(x > 0, 0.0, np.nan), (1.0,)),
    ("linear algebra", lambda a: np.linalg.slogdet(a)[1] + np.linalg.inv(a)[0, 1], (np.eye(2) + 0.1,)),
    ("large constants", lambda x: np.interp(x, TABLE, TABLE**2), (0.4,)),
    ("loops", rolled, (0.7,)),
    ("a loop that ends by itself", searching, (2.0,)),
    ("a branch", lambda x: ds.cond(x > 1, np.sin, np.cos, x), (0.5,)),
    ("a root", lambda a: ds.root(lambda x, a: x * x - a, 1.0, a), (2.0,)),
    ("single precision", lambda x: np.exp(x) * 2, (np.ones(3, np.float32),)),
    ("single precision, chosen", lambda x: np.sum(np.where(x > 0, -x, x)), (np.ones(3, np.float32),)),
    ("complex", lambda z: np.abs(z) ** 2, (1.0 + 2.0j,)),
    ("names that are taken", lambda np_, v1, inf: np_ + v1 * inf, (1.0, 2.0, 3.0)),
    ("an integration", lambda k: solve_ivp(lambda t, y: -k * y, (0, 1), [1.0]).y[0, -1], (0.5,)),
    ("fft", lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2), (np.array([1.0, 2.0, 0.5]),)),
]
SCALAR = [row for row in MODELS if row[0] not in ("single precision", "nested arguments")]


def close(text, expected):
    found = text.function()(*text.arguments)
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-14)
    assert np.asarray(found).dtype == np.asarray(expected).dtype


@pytest.mark.parametrize(("f", "args"), [row[1:] for row in MODELS], ids=[row[0] for row in MODELS])
def test_models(f, args):
    close(ds.show(f, *args), f(*args))


@pytest.mark.parametrize(("f", "args"), [row[1:] for row in SCALAR], ids=[row[0] for row in SCALAR])
def test_gradients(f, args):
    gradient = ds.grad(f)
    expected = gradient(*args)
    if np.iscomplexobj(expected):
        expected = np.stack([np.real(expected), np.imag(expected)], -1)
    close(ds.show(gradient, *args), expected)


def test_second_derivatives_of_loops():
    close(ds.show(ds.grad(ds.grad(rolled)), 0.7), ds.grad(ds.grad(rolled))(0.7))


def test_the_source_stands_alone_with_the_users_names_and_lines():
    text = ds.show(ds.grad(writes), np.array([0.3, 0.9, 1.1]))
    assert text.namespace == {}
    assert "def writes(x, outside_0):" in text
    line = writes.__code__.co_firstlineno + 2
    assert "np.cos(" in text
    assert f"# test_show.py:{line}" in text
    found: dict = {}
    exec(text, found)
    np.testing.assert_allclose(found["writes"](*text.arguments), ds.grad(writes)(np.array([0.3, 0.9, 1.1])))


def test_places_of_factorizations_are_no_objects():
    def lowest(a):
        w, v = np.linalg.eigh(a + a.T)
        return w[0] * v[1, 0] ** 2

    a = np.array([[1.0, 0.5], [0.2, 3.0]])
    text = ds.show(ds.grad(lowest), a)
    assert text.namespace == {}
    close(text, ds.grad(lowest)(a))


def test_what_cannot_be_written_is_said():
    text = ds.show(MODELS[-2][1], 0.5)
    assert "object_0" in text.namespace
    assert "\n# object_0, IvpLoop: in .namespace, it cannot be written as source.\n" in text


def test_the_program_can_be_edited_and_run():
    text = ds.show(lambda x: math.exp(x) - 1, 0.5)
    found: dict = {}
    exec(text.replace("np.exp(x)", "np.exp(2 * x)"), found)
    assert found["program"](0.5) == math.exp(1.0) - 1


def test_an_empty_program():
    text = ds.show(lambda x: x, 1.0)
    assert text.function()(3.0) == 3.0
    assert isinstance(source(Graph([], [])).function()(), (tuple, type(None)))
