"""The gate: every primitive has a sample and every rule; what values, batches and native code must keep.

Derivatives, Taylor coefficients and patterns are tried at random operands in tests/laws/test_conformance.py.
"""

import numpy as np
import pytest

import diffsci
from diffsci import coverage
from diffsci.backends.executables import build
from diffsci.graph import interpreter, registered
from diffsci.transforms import batch_graph, jvp_graph, simplify, vjp_graph
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

# Carried by the transformations themselves, or met in derivatives and batches of the sample of host_run.
EXEMPT = {*coverage.CARRIED, *coverage.LOWERED, "host_jvp", "host_vjp", "host_hvp", "host_spread"}
# Their parameters fix the types of their operands.
TYPED = {"convert", "call", "cond", "custom", "custom_tangent", "root", "operator_solve", "host_run"}
RECORDS = {record.name: record for record in coverage.coverage()}

assert diffsci
every_sample = pytest.mark.parametrize("sample", SAMPLES + FLAT, ids=label)
every_smooth_sample = pytest.mark.parametrize("sample", SAMPLES, ids=label)


def test_every_primitive_has_a_sample():
    covered = {sample[0] for sample in SAMPLES + FLAT}
    assert set(registered()) - covered == EXEMPT


def test_samples_stand_in_the_right_table():
    assert all(RECORDS[name].differentiable for name, *_ in SAMPLES)
    assert not any(RECORDS[name].differentiable for name, *_ in FLAT)


@pytest.mark.parametrize("name", sorted(RECORDS))
def test_no_rule_is_missing(name):
    assert not RECORDS[name].missing


def test_the_printed_table_says_so():
    text = coverage.table(list(RECORDS.values()))
    assert "MISSING" not in text
    totals = dict(line.split(maxsplit=1) for line in text.splitlines()[-len(coverage.RULES) :])
    assert all(totals[rule].endswith("100.0 %") for rule in coverage.RULES if rule != "native")


def floats(values):
    return [np.asarray(v) for v in values if np.asarray(v).dtype.kind == "f"]


def directions(values, seed):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=np.shape(v)) for v in floats(values)]


def weights_of(graph, seed):
    return directions([np.zeros(y.shape) for y in graph.outputs if y.type.is_float], seed)


@every_sample
def test_value_has_the_declared_type_and_leaves_operands_alone(sample):
    graph = graph_of(*sample)
    operands = [np.array(x) for x in sample[1]]
    for x in operands:
        x.flags.writeable = False  # a write would raise
    for found, type_ in zip(interpreter.run(graph, operands), graph.output_types, strict=True):
        assert (found.shape, found.dtype) == (type_.shape, type_.dtype)


@every_smooth_sample
def test_single_precision_is_kept(sample):
    """Values and tangents in float32, close to those in float64."""
    name, operands, params = sample
    if name in TYPED:
        return
    arrays = [np.asarray(x) for x in operands]
    single = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in arrays]
    steps = directions(operands, 1)
    graph, same = graph_of(name, single, params), graph_of(*sample)
    expected = interpreter.run(jvp_graph(same), [*operands, *steps])
    found = interpreter.run(jvp_graph(graph), [*single, *(v.astype(np.float32) for v in steps)])
    for a, b, type_ in zip(found, expected, jvp_graph(same).output_types, strict=True):
        assert a.dtype == (np.float32 if type_.is_float else type_.dtype)
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4 * (1 + np.max(np.abs(b), initial=0.0)))


@pytest.mark.parametrize("sample", FLAT, ids=label)
def test_flat_primitives_have_no_tangent(sample):
    graph, operands = graph_of(*sample), sample[1]
    count = len(graph.outputs)
    for tangent in interpreter.run(jvp_graph(graph), [*operands, *directions(operands, 1)])[count:]:
        assert not tangent.any()


def subsets(count):
    return range(1, 2**count)


@every_sample
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
                np.testing.assert_allclose(together[k], alone, rtol=1e-12, atol=1e-13)


def varied(rng, x, size):
    if x.dtype.kind == "f":
        return x * rng.uniform(0.95, 1.05, (size, *x.shape))
    return np.stack([np.roll(x, k) for k in range(size)])


@every_smooth_sample
def test_simplify_keeps_the_meaning_of_derivatives(sample):
    graph, operands = graph_of(*sample), sample[1]
    reverse = vjp_graph(graph)
    inputs = [*operands, *weights_of(graph, 8)]
    plain = interpreter.run(reverse, inputs)
    for a, b in zip(plain, interpreter.run(simplify(reverse), inputs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)


@every_sample
def test_native_code_is_the_interpreter(sample):
    """The same compiled object at two points: value and gradient."""
    graph, operands = graph_of(*sample), [np.asarray(x) for x in sample[1]]
    reverse = vjp_graph(graph)
    program = build(reverse, "numba")
    weights = weights_of(graph, 9)
    nearby = [0.97 * x if x.dtype.kind == "f" else x for x in operands]
    for point in (operands, nearby):
        inputs = [*point, *weights]
        status, outputs = program.run(inputs)
        assert status == 0
        for a, b in zip(outputs, interpreter.run(reverse, inputs), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13 * (1 + np.max(np.abs(b), initial=0.0)))
