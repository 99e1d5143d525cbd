"""check_all names the law that fails and the judge it asked, and does not blame a model for its kinks."""

import numpy as np
import pytest
from scipy import special

import diffsci as ds
from diffsci.evidence import laws

X = np.array([0.3, 0.8, -0.2])


def smooth(x):
    return np.exp(np.sin(x)) * x[0]


def lines(result, law):
    return [str(check) for check in result.checks if check.law.startswith(law)]


def test_every_law_is_tried():
    result = ds.check_all(smooth, X)
    assert result.passed
    for law in (
        "value", "tangent", "transpose", "second order", "taylor: c[0]", "taylor: c[1]", "taylor: 2 c[2]",
        "pattern", "vmap", "float32: dtypes", "float32: values", "float32: gradients", "compiled", "inputs",
    ):  # fmt: skip
        assert lines(result, law), law


def test_the_judge_is_named():
    assert "complex step:" in lines(ds.check_all(smooth, X), "tangent")[0]
    real_only = ds.check_all(lambda x: special.jv(1.5, 3.0 + x) * x, X)
    assert real_only.passed
    assert "complex step, differences of jv:" in lines(real_only, "tangent")[0]


@pytest.mark.parametrize(
    "kinked",
    [lambda x: np.abs(x - X), lambda x: np.maximum(x, X), lambda x: np.max(np.stack([x, 2.0 * x - X]))],
)
def test_kinks_are_no_failures(kinked):
    result = ds.check_all(kinked, X, jit=False)
    assert result.passed, str(result)
    assert "finite differences" in lines(result, "tangent")[0]
    assert "kink" in lines(result, "second order")[0]


def test_zeros_that_do_not_move_are_no_kinks():
    result = ds.check_all(lambda x: x * np.abs(np.array([0.0, 1.0, 2.0])) + np.hypot(0.0, 0.0), X)
    assert "complex step" in lines(result, "tangent")[0]


def test_branches_differ_between_members():
    def branching(x):
        return x * 2.0 if x[0] > 0.3 else np.sin(x)

    assert ds.check_all(branching, X).passed


def wrong_taylor(f, primals, directions, order):
    return [2.0 * c for c in TAYLOR(f, primals, directions, order)]


TAYLOR = ds.taylor


def test_a_wrong_series_is_found(monkeypatch):
    monkeypatch.setattr(ds, "taylor", wrong_taylor)
    assert {law.split(" (")[0] for law in ds.check_all(smooth, X, jit=False).failed} == {
        "taylor: c[0] = value",
        "taylor: c[1] = tangent",
        "taylor: 2 c[2] = second derivative",
    }


def test_a_wrong_pattern_is_found(monkeypatch):
    monkeypatch.setattr(
        laws, "pattern", lambda graph, flags: [0 * matrix for matrix in PATTERN(graph, flags)]
    )
    result = ds.check_all(smooth, X, jit=False)
    assert result.failed == ("pattern covers the Jacobian",)
    assert "5 nonzero entries outside" in lines(result, "pattern")[0]


PATTERN = laws.pattern


def test_models_that_refuse_single_precision_are_judged_without():
    def decay(x):
        return ds.scan(lambda c, k: (c * k, c[0]), x, np.array([0.9, 0.8]))[1]

    result = ds.check_all(decay, X)
    assert result.passed
    (line,) = lines(result, "float32")
    assert "TraceError without derivatives" in line


def test_single_precision_that_numpy_keeps():
    """A model that makes float64 of float32 by itself is judged as NumPy does it."""
    assert ds.check_all(lambda x: x.astype(np.float64) * np.arange(3.0), X).passed
    assert ds.check_all(lambda x: x * 1e-3, X.astype(np.float32)).passed
