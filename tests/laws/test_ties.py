"""Equal entries share derivatives equally, whatever the sorting method; kinks take the mean of both sides."""

import numpy as np
import pytest

import diffsci as ds

TIED = np.array([2.0, 1.0, 2.0, 5.0, 2.0])
THIRD = 1 / 3

ROWS = [
    ("max", lambda x: np.max(x[:3]), [0.5, 0.0, 0.5, 0.0, 0.0]),
    ("sort", lambda x: np.sort(x)[2], [THIRD, 0.0, THIRD, 0.0, THIRD]),
    ("sorted sum", lambda x: np.sort(x) @ [0.0, 3.0, 0.0, 6.0, 7.0], [3.0, 0.0, 3.0, 7.0, 3.0]),
    ("partition", lambda x: np.partition(x, 1)[1], [THIRD, 0.0, THIRD, 0.0, THIRD]),
    ("median", lambda x: np.median(x), [THIRD, 0.0, THIRD, 0.0, THIRD]),
    ("percentile", lambda x: np.percentile(x, 30.0), [THIRD, 0.0, THIRD, 0.0, THIRD]),
    ("unique", lambda x: np.unique(x)[1], [THIRD, 0.0, THIRD, 0.0, THIRD]),
    ("nanmedian", lambda x: np.nanmedian(x), [THIRD, 0.0, THIRD, 0.0, THIRD]),
    ("sort of lanes", lambda x: np.sort(np.stack([x, -x]), axis=1)[1, 1], [-THIRD, 0.0, -THIRD, 0.0, -THIRD]),
    ("interp at a point", lambda x: np.interp(x[1], [0.0, 1.0, 2.0], [0.0, 1.0, 5.0]), [0, 2.5, 0, 0, 0]),
    ("interp at the end", lambda x: np.interp(x[0], [0.0, 1.0, 2.0], [0.0, 1.0, 5.0]), [2.0, 0, 0, 0, 0]),
    ("interp outside", lambda x: np.interp(x[3], [0.0, 1.0, 2.0], [0.0, 1.0, 5.0]), [0, 0, 0, 0, 0]),
]


@pytest.mark.parametrize(("name", "f", "slopes"), ROWS, ids=[row[0] for row in ROWS])
def test_ties(name, f, slopes):
    np.testing.assert_allclose(ds.grad(f)(TIED), slopes, rtol=1e-14)
    np.testing.assert_allclose(ds.jit(ds.grad(f))(TIED), slopes, rtol=1e-14)
    directional = ds.jvp(f, (TIED,), (np.arange(5.0),))[1]
    np.testing.assert_allclose(directional, np.dot(slopes, np.arange(5.0)), rtol=1e-14)
    assert not ds.hessian(f)(TIED).any()
