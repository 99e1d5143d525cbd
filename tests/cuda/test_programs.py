"""Primitives, their derivatives and models by kernels, against the interpreter.

Small programs run as straight-line code and, once more, as loops.
"""

import numpy as np
import pytest

from diffsci.graph.interpreter import run as interpret
from tests.backends.common import close
from tests.cuda.corpus import CASES, MODES, programs
from tests.cuda.running import load, run

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def agree(case, program, loose) -> None:
    status, outputs = run(program, [np.array(x, order="C") for x in case.arrays])
    assert status == 0
    wanted = interpret(case.graph, case.arrays)
    for got, want, type_ in zip(outputs, wanted, case.graph.output_types, strict=True):
        assert got.dtype == type_.dtype
        got = got.reshape(type_.shape)
        if loose:  # one of many small numbers may be a difference of others
            scale = np.max(np.abs(want), initial=1.0, where=np.isfinite(want))
            np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13 * scale)
        else:
            close(got, want, case.tolerance)


SLOW = [("derivatives", "small"), ("models", "small")]
ROWS = [
    pytest.param(name, mode, marks=[pytest.mark.slow] if (name, mode) in SLOW else [])
    for name in CASES
    for mode in MODES
]


@pytest.mark.parametrize(("name", "mode"), ROWS)
def test_kernels_agree_with_the_interpreter(name, mode):
    load(programs(name, mode))
    wrong = []
    for case, program in zip(CASES[name](), programs(name, mode), strict=True):
        try:
            agree(case, program, loose=name in ("samples", "derivatives"))
        except AssertionError as error:
            wrong.append(f"{case.name}: {error}")
    assert not wrong, "\n\n".join(wrong)
