"""Cotangents of arrays that are read part by part."""

from __future__ import annotations

import numpy as np
import pytest

import diffsci as ds
from diffsci.tracing import trace_function
from diffsci.transforms import simplify, vjp_graph

N = 12


def elements(y):
    """Every element by itself, one of them in two products."""
    total = y[0] * y[3]
    for k in range(len(y)):
        total = total + (k + 1.0) * y[k] ** 3
    return total


def with_gaps(y):
    """Every second element, and the whole array as well."""
    total = np.sum(np.sin(y))
    for k in range(0, len(y), 2):
        total = total + y[k] * y[k + 1 if k % 4 else k]
    return total


def overlapping(y):
    """Windows that share elements are added as before."""
    return sum(np.sum(y[k : k + 3] ** 2) ** 2 for k in range(len(y) - 2))


def rows(y):
    """Rows of a matrix, last first."""
    x = np.outer(y, y)
    total = 0.0
    for k in reversed(range(len(y))):
        total = total * 0.5 + np.sum(x[k] ** 2)
    return total


def columns(y):
    x = np.outer(y, y)
    return sum(np.sum((k + 1.0) * np.exp(-x[:, k])) for k in range(1, len(y)))


def boxes(y):
    """Single elements of a matrix are apart along two axes."""
    x = np.outer(y, y)
    return sum(x[k, (5 * k) % N] ** 2 for k in range(N))


def strided(y):
    return sum(np.sum(y[k::9] ** (k + 2)) for k in range(9))


FUNCTIONS = [elements, with_gaps, overlapping, rows, columns, boxes, strided]


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_both_modes_agree_to_second_order(f, shift):
    y = np.linspace(0.3, 1.2, N) + shift
    v, w = np.random.default_rng(1).normal(size=(2, N))
    gradient = ds.grad(f)(y)
    assert gradient @ v == pytest.approx(float(ds.jvp(f, (y,), (v,))[1]), rel=1e-12)
    assert np.allclose(ds.jit(ds.grad(f))(y), gradient, rtol=1e-13, atol=1e-14)
    second = ds.jvp(ds.grad(f), (y,), (v,))[1]
    assert np.allclose(ds.grad(lambda x: ds.grad(f)(x) @ v)(y), second, rtol=1e-11, atol=1e-12)
    other = ds.jvp(ds.grad(f), (y,), (w,))[1]
    assert w @ second == pytest.approx(v @ other, rel=1e-11)


def names(f) -> list[str]:
    return [node.name for node in simplify(vjp_graph(trace_function(f, (np.ones(N),)).graph)).nodes]


def test_pieces_side_by_side_are_written_one_after_another():
    for f in (elements, with_gaps, rows, columns):
        assert "pad" not in names(f)
        assert names(f).count("concatenate") == 1
    for f in (overlapping, boxes, strided):
        assert "concatenate" not in names(f)


def test_what_is_read_nowhere_is_not_there():
    """A gap is a structural zero: an infinite slope does not meet it."""

    def f(y):
        root = np.sqrt(y)
        return sum(root[k] for k in range(1, N))

    y = np.linspace(0.0, 1.0, N)
    expected = np.concatenate([[0.0], 0.5 / np.sqrt(y[1:])])
    for gradient in (ds.grad(f)(y), ds.jit(ds.grad(f))(y)):
        np.testing.assert_allclose(gradient, expected, rtol=1e-15)
