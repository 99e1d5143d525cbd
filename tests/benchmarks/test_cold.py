"""What is compiled beside peers is the same function."""

import numpy as np
import pytest

from benchmarks import cold


@pytest.mark.parametrize("case", ["pollu", "generated"])
def test_casadi_computes_what_we_do(case):
    pytest.importorskip("casadi")
    (mine, args), (theirs, same) = cold.ours(case), cold.of_casadi(case)
    assert all(np.array_equal(a, b) for a, b in zip(args, same, strict=True))
    out, (dy, dk) = mine(*args)
    found, back = (np.asarray(x).ravel() for x in theirs(*args))
    for got, want in ((out, found), (np.concatenate([dy, dk]), back)):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12 * np.abs(want).max())
