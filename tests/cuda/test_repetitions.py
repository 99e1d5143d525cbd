"""Long programs that repeat themselves: kernels of one iteration, launched once per iteration."""

import numpy as np

from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.steps import all_steps
from diffsci.graph.interpreter import run as interpret
from tests.backends.test_rolling import PROGRAMS, WAYS, X, Y, of
from tests.cuda.running import load, run


def test_repetitions_agree_with_the_interpreter():
    graphs = [of(WAYS[way](f), Y, X) for f in PROGRAMS for way in ("value", "gradient")]
    programs = [cuda_program(graph) for graph in graphs]
    load(programs)
    for graph, program in zip(graphs, programs, strict=True):
        for point in ((Y, X), (0.7 * Y, X**2)):
            status, found = run(program, point)
            assert status == 0
            for got, want in zip(found, interpret(graph, point), strict=True):
                np.testing.assert_allclose(got.reshape(want.shape), want, rtol=1e-11, atol=1e-13)


def test_kernels_do_not_grow_with_the_iterations():
    program = cuda_program(of(PROGRAMS[0], Y, X))
    assert len(all_steps(program.steps)) > 100
    assert len(program.texts) < 10
