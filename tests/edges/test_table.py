"""The published table of edges holds: both modes, both orders, outside `jit` and compiled."""

from pathlib import Path

import numpy as np
import pytest
from scipy import special

import diffsci as ds
from tests.edges.page import page
from tests.edges.table import ROWS

each = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


def function(row):
    return eval(f"lambda x: {row.source}", {"np": np, "special": special})


def total(row):
    f = function(row)
    return lambda x: np.sum(f(x))


def slope(f):
    """The sum of all first derivatives, in forward mode."""
    return lambda x: ds.jvp(f, (x,), (np.ones_like(x),))[1]


def forward(f):
    """The gradient of a scalar function by columns."""
    return ds.jacobian(f, mode="forward")


FIRST = {"reverse": ds.grad, "forward": forward}
SECOND = {
    "forward over reverse": lambda f: slope(ds.grad(f)),
    "reverse over forward": lambda f: ds.grad(slope(f)),
    "reverse over reverse": lambda f: ds.grad(lambda x: np.sum(ds.grad(f)(x))),
    "forward over forward": lambda f: forward(slope(f)),
}
MACHINES = {"eager": lambda f: f, "compiled": ds.jit}


def check(form, row, expected):
    for machine in MACHINES.values():
        found = machine(form(total(row)))(np.array(row.point, float))
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


@each
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_value(row):
    f, x = function(row), np.array(row.point, float)
    for found in (f(x), ds.jit(f)(x), ds.value_and_grad(total(row))(x)[0]):
        expected = np.sum(row.value) if found is not None and np.shape(found) == () else row.value
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-15)


@each
@pytest.mark.parametrize("mode", FIRST)
def test_first_derivative(row, mode):
    if isinstance(row.first, str):
        assert not np.isfinite(ds.grad(total(row))(np.array(row.point, float))).any()
        return
    check(FIRST[mode], row, row.first)


@each
@pytest.mark.parametrize("nesting", SECOND)
def test_second_derivative(row, nesting):
    if not isinstance(row.second, str):
        check(SECOND[nesting], row, row.second)


@each
def test_strict(row):
    x = np.array(row.point, float)
    for machine in MACHINES.values():
        strict = machine(ds.grad(total(row), strict=True))
        if row.kink:
            with pytest.raises(ds.KinkError):
                strict(x)
        elif not isinstance(row.first, str):
            np.testing.assert_allclose(strict(x), row.first, rtol=1e-12, atol=1e-15)


def test_third_derivative_of_a_square_at_zero():
    third = ds.grad(ds.grad(ds.grad(lambda x: x**2.0)))
    assert float(third(0.0)) == 0.0


def test_the_page_is_made_from_the_table():
    written = Path(__file__).parents[2] / "docs" / "edges.md"
    message = "out of date: python -m tests.edges.page > docs/edges.md"
    assert written.read_text(encoding="utf-8") == page(), message
