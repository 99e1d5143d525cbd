"""Every primitive by kernels, as straight-line code and as loops, against the interpreter.

The graphs are those of the tests of the CPU.
"""

import pytest

import tests.backends.test_cpu_primitives as primitives
from tests.cuda.recorded import loops_only, recorded
from tests.cuda.running import compare, prepared

# They look at more than results.
LEFT_OUT = (
    "test_index_out_of_range_fails_and_reads_nothing_wild",
    "test_singular_matrices_give_no_number_and_no_crash",
)


@pytest.mark.parametrize("mode", ["small", "loops"])
def test_primitives(mode, monkeypatch):
    if mode == "loops":
        loops_only(monkeypatch)
    cases = recorded(primitives, LEFT_OUT)
    assert len(cases) > 500
    wrong = []
    for case, program in zip(cases, prepared(case.graph for case in cases), strict=True):
        try:
            compare(case.graph, case.arrays, case.tolerance, program)
        except AssertionError as error:
            wrong.append(f"{case.name}: {error}")
    assert not wrong, "\n\n".join(wrong)
