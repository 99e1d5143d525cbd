"""Every primitive: its pattern covers the numbers, and is no wider unless it is declared to be."""

from dataclasses import replace

import numpy as np
import pytest

from diffsci.graph import Builder, Graph, Type, registered
from diffsci.sparse.detection import detect, jacobian_pattern, rule_of
from diffsci.sparse.detection.forms import Rows, finished, rows_of, words_of
from diffsci.sparse.detection.known import Known
from diffsci.sparse.detection.sweep import Scope, active_inputs, sweep
from diffsci.transforms import vjp_graph
from tests.kernel.samples import SAMPLES, graph_of, label
from tests.sparse.detection_cases import dense_jacobian, gradient_graph

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# Which of several elements counts is a matter of values: of comparisons, indices, signs of derivatives, or
# zeros among the samples.
BY_VALUE = frozenset(
    "cond maximum minimum mod fmod select max min sort tie_average take put put_add prod cumprod "
    "eval_legendre eval_chebyt eval_chebyu eval_laguerre eval_hermite eval_hermitenorm "
    "eval_gegenbauer eval_genlaguerre eval_jacobi hyp1f1 hyp2f1 hyperu shared_by_equals values_moved "
    "values_alone".split()
)
# Everything in a member of a stack is taken to depend on everything in it: triangular factors, minors that
# leave a row and a column out, zeros in transforms of few numbers, derivatives of polynomials, and operations
# that only derivatives of others use.
MEMBERS = frozenset(
    "fft rfft irfft dct cofactors cholesky qr lu eigh eig hermitian_eigh gap_quotient polyval "
    "polyval_transposed repaired host_run".split()
)


def numbers(graph, operands, points=3):
    """Where Jacobians at some points have numbers that are more than roundings."""
    rng, seen = np.random.default_rng(3), False
    for _ in range(points):
        steps = [rng.uniform(0.95, 1.05, np.shape(x)) for x in operands]
        moved = [
            x * h if np.asarray(x).dtype.kind == "f" else x for x, h in zip(operands, steps, strict=True)
        ]
        found = abs(np.nan_to_num(dense_jacobian(graph, moved)))
        seen = seen | (found > 1e-12 * max(1.0, found.max(initial=0.0)))
    return seen


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_patterns_cover_the_numbers(sample):
    graph = graph_of(*sample)
    found = jacobian_pattern(graph).csr().toarray()
    seen = numbers(graph, sample[1])
    assert not np.any(seen & ~found)
    if sample[0] not in BY_VALUE | MEMBERS:
        assert np.array_equal(seen, found)


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_patterns_of_gradients_cover_the_numbers(sample):
    graph = sines(graph_of(*sample))
    gradient = gradient_graph(graph)
    if gradient.outputs:
        found = jacobian_pattern(gradient).csr().toarray()
        assert not np.any(numbers(gradient, sample[1], points=1) & ~found)


def sines(graph):
    """The sum of the sines of all results, so that second derivatives are there."""
    b = Builder()
    b.adopt(graph.nodes)
    total = b.zeros(Type((), np.dtype(float)))
    for y in graph.outputs:
        part = b.sum(b.sin(y), axes=tuple(range(len(y.shape))))
        total = b.add(total, b.convert(part, dtype=total.dtype))
    return Graph(graph.inputs, [total])


FORMS = {
    "rows": lambda part, width: Rows(rows_of(part, width), part.shape),
    "words": lambda part, width: words_of(part, width),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_forms_of_dependences_agree(sample, form):
    """Index maps, rows and bit sets go through an operation alike."""
    graph = graph_of(*sample)
    inputs, width = active_inputs(graph.input_types, [x.type.is_float for x in graph.inputs])
    kept = [x if x.all is None else replace(x, all=FORMS[form](x.all, width)) for x in inputs]
    found = sweep(graph, kept, Scope(Known(graph), width))
    patterns = [finished(own.all, y.type.size, width) for own, y in zip(found, graph.outputs, strict=True)]
    assert patterns == detect(graph)


def test_every_primitive_has_a_rule():
    """What has no derivative needs none."""
    missing = [
        name
        for name, primitive in registered().items()
        if primitive.jvp not in (None, "zero") and rule_of(primitive) is None
    ]
    assert missing == []


@pytest.mark.parametrize("sample", SAMPLES, ids=label)
def test_pullbacks_are_transposed_tangents(sample):
    """The pattern of the pullback, by cotangents, is that of the Jacobian the other way round."""
    graph = graph_of(*sample)
    pulled = vjp_graph(graph)
    count = len(graph.inputs)
    active = [k >= count for k in range(len(pulled.inputs))]
    back = detect(pulled, active)[len(graph.outputs) :]
    assert len(back) == sum(x.type.is_float for x in graph.inputs)
    seen = numbers(graph, sample[1], points=1)
    whole = np.concatenate([p.csr().toarray() for p in back]) if back else np.zeros(seen.T.shape, dtype=bool)
    assert not np.any(seen.T & ~whole)
