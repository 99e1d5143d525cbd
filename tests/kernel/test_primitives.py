"""Every primitive record: tangent against central differences, transpose, second order, batching."""

import numpy as np
import pytest

import diffsci
from diffsci.graph import interpreter, registered
from diffsci.transforms import batch_graph, jvp_graph, simplify, vjp_graph
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

# Tested by name elsewhere.
EXEMPT = {"input", "const", "project", *(f"host_{k}" for k in ("run", "jvp", "vjp", "hvp"))}

assert diffsci


def test_every_primitive_has_a_sample():
    covered = {sample[0] for sample in SAMPLES + FLAT}
    assert set(registered()) - covered == EXEMPT


@pytest.mark.parametrize("name", sorted(set(registered()) - EXEMPT))
def test_records_are_complete(name):
    record = registered()[name]
    assert record.jvp is not None
    assert record.batch is not None
    assert record.__doc__


def floats(values):
    return [np.asarray(v) for v in values if np.asarray(v).dtype.kind == "f"]


def directions(values, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=np.shape(v)) for v in floats(values)]


def moved(operands, steps, h):
    """Return the operands with the float ones moved along a direction."""
    pending = iter(steps)
    return [x + h * next(pending) if np.asarray(x).dtype.kind == "f" else x for x in operands]


def richardson(f, h=1e-3):
    """Central difference extrapolated twice: error O(h**6)."""
    d = [(f(h / 2**k) - f(-h / 2**k)) / (2 * h / 2**k) for k in range(3)]
    first = [(4 * d[k + 1] - d[k]) / 3 for k in range(2)]
    return (16 * first[1] - first[0]) / 15


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_tangent(sample):
    graph, operands = graph_of(*sample), sample[1]
    steps = directions(operands, 1)
    count = len(graph.outputs)
    tangents = interpreter.run(jvp_graph(graph), [*operands, *steps])[count:]
    for k, tangent in enumerate(tangents):
        expected = richardson(lambda h, k=k: interpreter.run(graph, moved(operands, steps, h))[k])
        np.testing.assert_allclose(tangent, expected, rtol=2e-9, atol=2e-9)


def inner(xs, ys):
    return sum(float(np.sum(x * y)) for x, y in zip(xs, ys, strict=True))


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_transpose(sample):
    graph, operands = graph_of(*sample), sample[1]
    count = len(graph.outputs)
    steps = directions(operands, 2)
    tangents = interpreter.run(jvp_graph(graph), [*operands, *steps])[count:]
    weights = directions([np.zeros(y.shape) for y in graph.outputs], 3)
    pulled = interpreter.run(vjp_graph(graph), [*operands, *weights])[count:]
    assert inner(weights, tangents) == pytest.approx(inner(pulled, steps), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_forward_over_reverse_equals_reverse_over_reverse(sample):
    """Both give the Hessian of <w, f>, and the Hessian is symmetric."""
    graph, operands = graph_of(*sample), sample[1]
    count = len(graph.outputs)
    weights = directions([np.zeros(y.shape) for y in graph.outputs], 4)
    u, v = directions(operands, 5), directions(operands, 6)
    reverse = vjp_graph(graph)
    still = [np.zeros_like(w) for w in weights]

    def hessian_times(direction):
        pushed = jvp_graph(reverse)
        return interpreter.run(pushed, [*operands, *weights, *direction, *still])[-len(direction) :]

    def hessian_from_reverse(direction):
        twice = vjp_graph(reverse)
        cts = [np.zeros(y.shape) for y in graph.outputs] + direction
        outputs = interpreter.run(twice, [*operands, *weights, *cts])
        return outputs[count + len(direction) :][: len(direction)]

    uv = inner(hessian_times(u), v)
    assert uv == pytest.approx(inner(hessian_times(v), u), rel=1e-10, abs=1e-10)
    assert uv == pytest.approx(inner(hessian_from_reverse(u), v), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("sample", FLAT, ids=label)
def test_flat_primitives_have_no_tangent(sample):
    graph, operands = graph_of(*sample), sample[1]
    for tangent in interpreter.run(jvp_graph(graph), [*operands, *directions(operands, 1)])[1:]:
        assert not tangent.any()


def subsets(count):
    return range(1, 2**count)


@pytest.mark.parametrize("sample", SAMPLES + FLAT, ids=label)
def test_batch(sample):
    """A batched program equals the program on each member, whichever operands are batched."""
    graph, operands = graph_of(*sample), [np.asarray(x) for x in sample[1]]
    size = 3
    rng = np.random.default_rng(7)
    for chosen in subsets(len(operands)):
        flags = [bool(chosen >> k & 1) for k in range(len(operands))]
        members = [varied(rng, x, size) if flag else x for x, flag in zip(operands, flags, strict=True)]
        batched = interpreter.run(batch_graph(graph, flags, size), members)
        for k in range(size):
            own = [m[k] if flag else m for m, flag in zip(members, flags, strict=True)]
            for together, alone in zip(batched, interpreter.run(graph, own), strict=True):
                np.testing.assert_allclose(together[k], alone, rtol=1e-13)


def varied(rng, x, size):
    if x.dtype.kind == "f":
        return x * rng.uniform(0.95, 1.05, (size, *x.shape))
    return np.stack([np.roll(x, k) for k in range(size)])


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_simplify_keeps_the_meaning_of_derivatives(sample):
    graph, operands = graph_of(*sample), sample[1]
    weights = directions([np.zeros(y.shape) for y in graph.outputs], 8)
    reverse = vjp_graph(graph)
    plain = interpreter.run(reverse, [*operands, *weights])
    for a, b in zip(plain, interpreter.run(simplify(reverse), [*operands, *weights]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)
