"""Every primitive's samples and their derivatives by kernels, against the interpreter."""

import numpy as np
import pytest

from diffsci.graph.interpreter import run as interpret
from diffsci.transforms import jvp_graph, simplify, vjp_graph
from tests.cuda.recorded import Case, loops_only
from tests.cuda.running import prepared, run
from tests.kernel.samples import FLAT, SAMPLES, graph_of, label

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def values():
    return [Case(label(s), graph_of(*s), [np.asarray(x) for x in s[1]]) for s in SAMPLES + FLAT]


def derivatives():
    rng = np.random.default_rng(4)
    for sample in SAMPLES:
        graph, operands = graph_of(*sample), [np.asarray(x) for x in sample[1]]
        active = [t.is_float for t in graph.input_types]
        tangents = [rng.normal(size=t.shape) for t in graph.input_types if t.is_float]
        cotangents = [rng.normal(size=t.shape) for t in graph.output_types if t.is_float]
        yield Case(f"jvp {label(sample)}", simplify(jvp_graph(graph, active)), [*operands, *tangents])
        yield Case(f"vjp {label(sample)}", simplify(vjp_graph(graph, active)), [*operands, *cotangents])


def agree(case, program) -> None:
    status, outputs = run(program, [np.array(x, order="C") for x in case.arrays])
    assert status == 0
    for got, want, type_ in zip(
        outputs, interpret(case.graph, case.arrays), case.graph.output_types, strict=True
    ):
        assert got.dtype == type_.dtype
        got, scale = got.reshape(type_.shape), np.max(np.abs(want), initial=1.0, where=np.isfinite(want))
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13 * scale)


@pytest.mark.parametrize("mode", ["small", "loops"])
@pytest.mark.parametrize("cases", [values, derivatives])
def test_samples(cases, mode, monkeypatch):
    if mode == "loops":
        loops_only(monkeypatch)
    found = list(cases())
    wrong = []
    for case, program in zip(found, prepared(case.graph for case in found), strict=True):
        try:
            agree(case, program)
        except AssertionError as error:
            wrong.append(f"{case.name}: {error}")
    assert not wrong, "\n\n".join(wrong)
