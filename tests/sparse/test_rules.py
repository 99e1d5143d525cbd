"""Every primitive: the quick rule of detection says what its places say; constant entries are constant."""

import numpy as np
import pytest

from diffsci.graph import Graph, lookup
from diffsci.sparse.detection import Pattern, detect, detect_varying
from diffsci.sparse.detection.linear import EACH, JOINTLY, ONE
from diffsci.sparse.detection.rules import places_of
from diffsci.sparse.detection.sweep import COMPOSED
from tests.kernel.samples import SAMPLES, graph_of, label
from tests.sparse.detection_cases import dense_jacobian

LINEAR = [
    row for row in SAMPLES if row[0] in JOINTLY | EACH | set(ONE) or lookup(row[0]).family == "structural"
]
PLAIN = [
    row
    for row in SAMPLES
    if callable(places_of(graph_of(*row).nodes[-1].primitive)) and row[0] not in COMPOSED
]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


class Nothing:
    """Nothing is known of any value."""

    def __call__(self, x):
        return None

    nonzero = __call__


def by_places(graph, node, width):
    """The pattern of a graph of one operation with one result, from the places that its rule names."""
    places, start = [], 0
    for x, own in zip(node.inputs, places_of(node.primitive)(node, Nothing()), strict=True):
        if own is not None and x.type.is_float:
            places.append((own[0], own[1] + start))
        start += x.type.size * x.type.is_float
    rows, columns = (np.concatenate([np.zeros(0, int), *(p[k] for p in places)]) for k in (0, 1))
    return Pattern.at(rows, columns, (node.type.size, width))


@pytest.mark.parametrize("sample", PLAIN, ids=label)
def test_quick_rules_say_what_places_say(sample):
    graph = graph_of(*sample)
    node = graph.nodes[-1]
    if isinstance(node.type, tuple) or not node.type.is_float or len(graph.outputs) > 1:
        return
    (found,) = detect(graph)
    if found.shape[1]:
        assert found == by_places(graph, node, found.shape[1])


@pytest.mark.parametrize("sample", LINEAR, ids=label)
@pytest.mark.parametrize("moving", [None, 0, 1])
def test_constant_entries_do_not_move(sample, moving):
    """With all operands active, and with one alone."""
    _, operands, _ = sample
    graph = graph_of(*sample)
    if len(graph.outputs) != 1 or (moving is not None and moving >= len(operands)):
        return
    floats = [k for k, x in enumerate(graph.inputs) if x.type.is_float]
    active = [k in floats and moving in (None, k) for k in range(len(operands))]
    if not any(active):
        return
    found, varying = (find(graph, active)[0] for find in (detect, detect_varying))
    flags = found.places_in(varying) < 0
    chosen = np.concatenate([np.full(graph.inputs[k].type.size, active[k]) for k in floats])
    rng = np.random.default_rng(6)
    entries = []
    for _ in range(2):
        moved = [
            np.asarray(x) * rng.uniform(0.9, 1.1, np.shape(x)) if flag else x
            for x, flag in zip(operands, active, strict=True)
        ]
        whole = dense_jacobian(Graph(graph.inputs, graph.outputs), moved)[:, chosen]
        entries.append(whole[found.rows, found.indices])
    assert np.allclose(entries[0][flags], entries[1][flags], rtol=1e-9, atol=1e-12)
    if sample[0] in JOINTLY and sample[0] not in ("select", "checked"):
        assert flags.all()
