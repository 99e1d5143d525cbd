"""Every primitive at random operands: derivatives, Taylor coefficients and pattern by its record."""

import functools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from diffsci.evidence.analytic import NotAnalytic, run_analytic
from diffsci.graph import Builder, Graph, Type, interpreter
from diffsci.sparse import pattern
from diffsci.tracing import trace_function
from diffsci.transforms import inline, jvp_graph, taylor_graph, vjp_graph
from tests.kernel.samples import DOMAINS, FLAT, SAMPLES, graph_of, label
from tests.laws.test_random_programs import PROGRAMS, point, run

SETTINGS = settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)
CELLS = 1 << 12
STEP = 1e-30

# Their Jacobian is nonzero wherever the pattern is, at operands in general position.
EXACT = frozenset(
    "neg abs exp expm1 log log1p sqrt sin tanh sigmoid convert add sub mul div pow hypot logaddexp broadcast"
    " reshape transpose slice pad set_slice flip roll concatenate take put put_add sum cumsum contract"
    " convolve".split()
)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
every_sample = pytest.mark.parametrize("sample", SAMPLES, ids=label)


def is_float(x):
    return np.asarray(x).dtype.kind == "f"


@st.composite
def operands_like(draw, sample):
    """Operands in the domain of the primitive; without one, those of the sample, varied by 10 %."""
    name, operands, _ = sample
    intervals = iter(DOMAINS.get(name, ()))
    return [drawn(draw, x, next(intervals, None)) if is_float(x) else x for x in operands]


def drawn(draw, x, interval):
    x = np.asarray(x)
    cells = draw(st.lists(st.integers(0, CELLS - 1), min_size=x.size, max_size=x.size))
    unit = ((np.array(cells, dtype=float) + 0.5) / CELLS).reshape(x.shape)
    if interval is None:
        return x * (0.95 + 0.1 * unit)
    low, high = interval
    return low + (high - low) * unit


def directions(values, seed):
    """One direction per float operand: entries of both signs, none small."""
    rng = np.random.default_rng(seed)
    shapes = [np.shape(x) for x in values if is_float(x)]
    return [rng.choice([-1.0, 1.0], shape) * rng.uniform(0.5, 1.0, shape) for shape in shapes]


def moved(operands, steps, h):
    """Return the operands with the float ones moved along a direction."""
    pending = iter(steps)
    return [x + h * next(pending) if is_float(x) else x for x in operands]


def richardson(f, h=1e-3):
    """Central difference extrapolated twice: error O(h**6)."""
    d = [(f(h / 2**k) - f(-h / 2**k)) / (2 * h / 2**k) for k in range(3)]
    first = [(4 * d[k + 1] - d[k]) / 3 for k in range(2)]
    return (16 * first[1] - first[0]) / 15


@functools.cache
def programs(position):
    """The program of a sample and what is derived from it."""
    graph = graph_of(*SAMPLES[position])
    return graph, jvp_graph(graph), vjp_graph(graph)


def of(sample):
    return programs(next(k for k, other in enumerate(SAMPLES) if other is sample))


def slope(graph, operands, steps):
    """The derivative along a direction and its relative accuracy: complex step, differences at a kink."""
    approximate = set()
    try:
        outputs = run_analytic(graph, moved(operands, steps, 1j * STEP), approximate)
        return [np.imag(y) / STEP for y in outputs], 1e-9 if approximate else 1e-11
    except NotAnalytic:

        def along(k):
            return richardson(lambda h: interpreter.run(graph, moved(operands, steps, h))[k])

        return [along(k) for k in range(len(graph.outputs))], 2e-9


def close(found, expected, rtol, scale=1e-3):
    size = max(float(np.max(np.abs(expected), initial=0.0)), scale)
    assert np.shape(found) == np.shape(expected)
    assert np.all(np.abs(np.asarray(found) - expected) <= rtol * size), (found, expected)


def inner(xs, ys):
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


def size_of(xs, ys):
    return sum(float(np.sum(np.abs(x * y))) for x, y in zip(xs, ys, strict=True))


@every_sample
@SETTINGS
@given(st.data())
def test_tangent_and_transpose(sample, data):
    graph, pushed, pulled = of(sample)
    operands = data.draw(operands_like(sample))
    before = [np.array(x) for x in operands]
    v, count = directions(operands, 1), len(graph.outputs)
    expected, accuracy = slope(graph, operands, v)
    outputs = interpreter.run(pushed, [*operands, *v])
    floats = [k for k, y in enumerate(graph.outputs) if y.type.is_float]
    tangents = outputs[count:]
    for k, tangent in zip(floats, tangents, strict=True):
        close(tangent, expected[k], accuracy)
    w = directions([np.zeros(graph.outputs[k].shape) for k in floats], 2)
    gradient = interpreter.run(pulled, [*operands, *w])[count:]
    allowed = 1e-13 * (size_of(gradient, v) + size_of(w, tangents) + 1e-3)
    assert abs(inner(w, tangents) - inner(gradient, v)) <= allowed
    for x, old in zip(operands, before, strict=True):
        assert np.array_equal(x, old)


@every_sample
@SETTINGS
@given(st.data())
def test_second_order(sample, data):
    """The derivative of the gradient by the complex step; both modes over reverse mode agree with it."""
    graph, _, pulled = of(sample)
    operands = data.draw(operands_like(sample))
    u, v, count = directions(operands, 3), directions(operands, 4), len(graph.outputs)
    w = directions([np.zeros(y.shape) for y in graph.outputs if y.type.is_float], 5)
    still = [np.zeros_like(x) for x in w]
    inputs = [*operands, *w]
    moving, accuracy = slope(pulled, inputs, [*v, *still])
    expected = inner(u, moving[count:])
    forward = interpreter.run(jvp_graph(pulled), [*inputs, *v, *still])[-len(u) :]
    seeds = [np.zeros(y.shape) for y in graph.outputs if y.type.is_float] + u
    reverse = interpreter.run(vjp_graph(pulled), [*inputs, *seeds])[count + len(u) :][: len(u)]
    size = size_of(u, forward) + abs(expected) + inner(map(np.abs, u), map(np.abs, v))
    assert abs(inner(u, forward) - expected) <= 10 * accuracy * size
    assert abs(inner(reverse, v) - inner(u, forward)) <= 1e-11 * size


def line(graph, operands, steps):
    """The program of t -> f(x + t v)."""
    b = Builder()
    t = b.input(Type((), np.dtype(float)))
    pending = iter(steps)

    def place(x):
        if not is_float(x):
            return b.const(x)
        v = next(pending)
        return b.add(b.const(x), b.mul(b.const(v), b.broadcast(t, shape=v.shape, axes=())))

    return Graph([t], inline(b, graph, [place(np.asarray(x)) for x in operands])[0])


@every_sample
@settings(SETTINGS, max_examples=1)
@given(st.data())
def test_taylor_equals_nested_tangents(sample, data):
    operands = data.draw(operands_like(sample))
    v = directions(operands, 6)
    graph = line(of(sample)[0], operands, v)
    floats = sum(y.type.is_float for y in graph.outputs)
    found = interpreter.run(taylor_graph(graph, 3), [0.0, 1.0, 0.0, 0.0])[len(graph.outputs) :]
    nested = Graph(graph.inputs, [y for y in graph.outputs if y.type.is_float])
    for order in (1, 2, 3):
        outputs = jvp_graph(nested, [True, *[False] * (order - 1)])
        nested = Graph(outputs.inputs, outputs.outputs[floats:])
        expected = interpreter.run(nested, [0.0, *[1.0] * order])
        for c, y in zip(found[floats * (order - 1) : floats * order], expected, strict=True):
            close(c, y / math.factorial(order), 1e-11, scale=1e-2)


def jacobian(graph, operands):
    """Columns for the float operands, one after the other; rows for each output."""
    pushed = jvp_graph(graph)
    count = len(graph.outputs)
    zeros = [np.zeros(np.shape(x)) for x in operands if is_float(x)]
    columns = []
    for k, zero in enumerate(zeros):
        for place in range(zero.size):
            unit = zero.copy()
            unit.flat[place] = 1.0
            seeds = [*zeros[:k], unit, *zeros[k + 1 :]]
            columns.append(interpreter.run(pushed, [*operands, *seeds])[count:])
    return [np.stack([np.ravel(c[k]) for c in columns], axis=1) for k in range(len(pushed.outputs) - count)]


def with_constants(sample):
    """The program of a sample with its integers and booleans as constants."""
    name, operands, params = sample
    b = Builder()
    nodes = [b.input(Type.of(x)) if is_float(x) else b.const(x) for x in operands]
    node = b.emit(name, *nodes, **params)
    several = isinstance(node.type, tuple)
    outputs = [b.project(node, index=k) for k in range(len(node.type))] if several else [node]
    return Graph([x for x in nodes if not x.is_const], outputs)


@pytest.mark.parametrize("sample", SAMPLES + FLAT, ids=label)
@settings(SETTINGS, max_examples=1)
@given(st.data())
def test_pattern_covers_the_jacobian(sample, data):
    operands = data.draw(operands_like(sample))
    graph = graph_of(*sample)
    floats = [k for k, y in enumerate(graph.outputs) if y.type.is_float]
    if not floats or not any(map(is_float, operands)):
        return
    fixed = with_constants(sample)
    fewer = [x for x in operands if is_float(x)]
    for k, true in enumerate(jacobian(graph, operands)):
        general, special = pattern(graph)[floats[k]].toarray(), pattern(fixed)[floats[k]].toarray()
        assert general.dtype == bool
        assert not np.any((true != 0) & ~general)
        assert not np.any(special & ~general)
        assert not np.any((jacobian(fixed, fewer)[k] != 0) & ~special)
        if sample[0] in EXACT:
            assert np.array_equal(true != 0, special)


@settings(SETTINGS, max_examples=40)
@given(PROGRAMS)
def test_pattern_covers_the_jacobian_of_random_programs(choices):
    x = point(choices)
    graph = trace_function(lambda x: run(choices, x), (x,)).graph
    for found, true in zip(pattern(graph), jacobian(graph, [x]), strict=True):
        assert not np.any((true != 0) & ~found.toarray())
