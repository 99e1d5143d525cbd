"""Random graphs by kernels, as straight-line code and as loops, against the interpreter."""

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from diffsci.backends.cuda.module import cuda_program
from tests.backends import test_cpu_random_graphs
from tests.backends.common import F8, random_array
from tests.cuda.recorded import loops_only
from tests.cuda.running import compare, load

COUNTS = {"small": 120, "loops": 120, "large": 40}
LARGE = [(600,), (1025,), (5, 300), (300, 5), (40, 70), (1, 513), (2, 33, 40), (70, 3, 9), (257,), ()]


@functools.cache
def random_graphs(mode):
    """Return random graphs: many at once, because a compiler takes its time to start."""
    with pytest.MonkeyPatch.context() as patch:
        if mode == "large":
            patch.setattr(test_cpu_random_graphs, "SHAPES", LARGE)
            patch.setattr(test_cpu_random_graphs, "LARGEST", 50_000)
        return _grown(COUNTS[mode])


def _grown(count):
    found = []

    @settings(
        max_examples=count,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        phases=[Phase.generate],
    )
    @given(st.data())
    def grow(data):
        grower = test_cpu_random_graphs.Grower(data)
        for _ in range(grower.whole(1, 14)):
            grower.grow()
        found.append(grower.finish())

    grow()
    return found


@functools.cache
def random_programs(mode):
    with pytest.MonkeyPatch.context() as patch:
        if mode != "small":
            loops_only(patch)
        return [cuda_program(graph) for graph in random_graphs(mode)]


@pytest.mark.parametrize("mode", COUNTS)
def test_random_graphs(mode):
    programs = random_programs(mode)
    load(programs)
    for graph, program in zip(random_graphs(mode), programs, strict=True):
        rng = np.random.default_rng(len(graph.nodes))
        arrays = [random_array(rng, x.shape, F8) for x in graph.inputs]
        compare(graph, arrays, 1e-9, program)
