"""Random graphs by kernels, as straight-line code and as loops, against the interpreter."""

import functools

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from diffsci.backends.cuda.module import cuda_program
from tests.backends.common import F8, random_array
from tests.backends.test_cpu_random_graphs import Grower
from tests.cuda.recorded import loops_only
from tests.cuda.running import compare, load

COUNT = 120


@functools.cache
def random_graphs():
    """Return random graphs: many at once, because a compiler takes its time to start."""
    found = []

    @settings(
        max_examples=COUNT,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        phases=[Phase.generate],
    )
    @given(st.data())
    def grow(data):
        grower = Grower(data)
        for _ in range(grower.whole(1, 14)):
            grower.grow()
        found.append(grower.finish())

    grow()
    return found


@functools.cache
def random_programs(mode):
    with pytest.MonkeyPatch.context() as patch:
        if mode == "loops":
            loops_only(patch)
        return [cuda_program(graph) for graph in random_graphs()]


@pytest.mark.parametrize("mode", ["small", "loops"])
def test_random_graphs(mode):
    programs = random_programs(mode)
    load(programs)
    for graph, program in zip(random_graphs(), programs, strict=True):
        rng = np.random.default_rng(len(graph.nodes))
        arrays = [random_array(rng, x.shape, F8) for x in graph.inputs]
        compare(graph, arrays, 1e-9, program)
