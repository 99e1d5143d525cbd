"""What is selected away has no derivative: no NaN in any order, in both modes, outside `jit` and compiled."""

import hypothesis.extra.numpy as arrays
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import diffsci as ds
from tests.edges.masked import ROWS, masked_log, masked_sinc, masked_sqrt

U, V = np.array([0.3, -0.7, 1.1, 0.4]), np.array([1.0, 0.5, -0.2, 0.8])


def along(f, direction):
    return lambda x: ds.jvp(f, (x,), (direction,))[1]


FORMS = {
    "reverse": ds.grad,
    "forward": lambda f: along(f, U),
    "forward over reverse": lambda f: along(ds.grad(f), V),
    "reverse over forward": lambda f: ds.grad(along(f, U)),
    "reverse over reverse": lambda f: ds.grad(lambda x: np.sum(ds.grad(f)(x) * V)),
    "forward over forward": lambda f: along(along(f, U), V),
}
COMPILED = ("reverse", "forward", "forward over reverse")


def weighted(f, x):
    """A generic linear functional of the results."""
    shape = np.shape(f(x))
    weights = np.cos(np.arange(np.prod(shape, dtype=int), dtype=float)).reshape(shape) + 2
    return lambda x: np.sum(f(x) * weights)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "written", "safe", "point"), ROWS, ids=[row[0] for row in ROWS])
def test_as_with_a_safe_operand(name, written, safe, point):
    f, g = weighted(written, point), weighted(safe, point)
    for form, derive in FORMS.items():
        expected = derive(g)(point)
        assert np.isfinite(expected).all()
        np.testing.assert_allclose(derive(f)(point), expected, rtol=1e-10, atol=1e-11, err_msg=form)
        if form in COMPILED:
            found = ds.jit(derive(f))(point)
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-11, err_msg=f"{form}, compiled")
    blocks = [ds.jacobian(h, mode="forward")(point) for h in (written, safe)]
    np.testing.assert_allclose(*blocks, rtol=1e-10, atol=1e-11, err_msg="Jacobian by columns")


def closed(condition, formula):
    return lambda x: np.where(condition(x), formula(np.where(condition(x), x, 1.0)), 0.0)


def is_positive(x):
    return x > 0


def is_not_zero(x):
    return x != 0


# function, first derivative, second derivative
CLOSED = {
    "log": (masked_log, closed(is_positive, lambda x: 1 / x), closed(is_positive, lambda x: -1 / x**2)),
    "sqrt": (
        masked_sqrt,
        closed(is_positive, lambda x: 0.5 / np.sqrt(x)),
        closed(is_positive, lambda x: -0.25 / x**1.5),
    ),
    "sin(x)/x": (
        masked_sinc,
        closed(is_not_zero, lambda x: (x * np.cos(x) - np.sin(x)) / x**2),
        closed(is_not_zero, lambda x: ((2 - x**2) * np.sin(x) - 2 * x * np.cos(x)) / x**3),
    ),
    "1/x**2": (
        lambda x: np.where(x != 0, x**-2.0, 0.0),
        closed(is_not_zero, lambda x: -2 / x**3),
        closed(is_not_zero, lambda x: 6 / x**4),
    ),
}
POINTS = arrays.arrays(
    float, 5, elements=st.sampled_from([0.0, -0.0]) | st.floats(-3, -0.2) | st.floats(0.2, 3)
)


@pytest.mark.parametrize("name", CLOSED)
@settings(max_examples=25, deadline=None)
@given(x=POINTS)
def test_closed_forms(name, x):
    f, first, second = CLOSED[name]
    gradient = ds.grad(lambda x: np.sum(f(x)))
    np.testing.assert_allclose(gradient(x), first(x), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ds.jvp(gradient, (x,), (np.ones(5),))[1], second(x), rtol=1e-9, atol=1e-9)
    found = ds.jacobian(f, mode="forward")(x)
    np.testing.assert_allclose(found, np.diag(first(x)), rtol=1e-11, atol=1e-12)


STRUCTURE = {
    "a slice": lambda x: np.sqrt(x)[1:],
    "an element": lambda x: np.log(x)[1] + np.sqrt(x)[2],
    "a gather": lambda x: np.sqrt(x)[np.array([1, 2, 1])],
    "written over": lambda x: _overwritten(np.sqrt(x)),
    "an operand written over": lambda x: np.sqrt(_overwritten(x.copy())),
    "padded": lambda x: np.sqrt(np.pad(x[1:], 2)),
    "joined with zeros": lambda x: np.cbrt(np.concatenate([np.zeros(2), x[1:]])),
    "rolled": lambda x: np.sqrt(np.roll(x, 1))[2:],
    "unpacked": lambda x: (lambda a, b, c: b * c)(*np.log(x)),
    "divided differences": lambda x: (1 / x)[1:] - x[:-1],
}


def _overwritten(y):
    y[0] = 0.0
    return y


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("f", STRUCTURE.values(), ids=STRUCTURE)
def test_what_is_not_read_or_is_written_over(f):
    """Nothing in the program reads the first element's slope: it is infinite and must not be seen."""
    x, beside = np.array([0.0, 4.0, 9.0]), np.array([1.0, 4.0, 9.0])
    g = weighted(f, beside)
    expected, second = ds.grad(g)(beside), ds.hessian(g)(beside)
    for machine in (lambda h: h, ds.jit):
        np.testing.assert_allclose(machine(ds.grad(g))(x), expected, rtol=1e-14)
        np.testing.assert_allclose(
            machine(ds.jacobian(f, mode="forward"))(x), ds.jacobian(f)(beside), rtol=1e-14
        )
        np.testing.assert_allclose(machine(ds.hessian(g))(x), second, rtol=1e-14)


def test_unit_directions_do_not_meet_infinite_slopes():
    x = np.array([0.0, 4.0])
    for mode in ("forward", "reverse"):
        for machine in (lambda h: h, ds.jit):
            found = machine(ds.jacobian(np.sqrt, mode=mode))(x)
            np.testing.assert_array_equal(found, [[np.inf, 0.0], [0.0, 0.25]])


def test_a_value_that_happens_to_be_zero_masks_nothing():
    for f in (lambda x: np.sqrt(x) ** 2, lambda x: np.sqrt(0.0 * x), lambda x: 0.0 * np.log(x)):
        assert np.isnan(ds.grad(f)(0.0))
        assert np.isnan(ds.jit(ds.grad(f))(0.0))
        assert np.isnan(ds.jvp(f, (0.0,), (1.0,))[1])
    assert np.isnan(ds.jvp(np.sqrt, (0.0,), (0.0,))[1])


CHOSEN = {
    "before": lambda x, data, ok: np.sum((x[ok] - data[ok]) ** 2),
    "where=": lambda x, data, ok: np.sum((x - data) ** 2, where=ok),
    "where": lambda x, data, ok: np.sum(np.where(ok, (x - data) ** 2, 0.0)),
    "nansum": lambda x, data, ok: np.nansum((x - data) ** 2),
}


@pytest.mark.parametrize("name", CHOSEN)
def test_missing_data_among_the_arguments(name):
    x, data = np.array([1.0, 2.0, 4.0]), np.array([np.nan, 1.0, 2.0])
    ok = np.isfinite(data)
    for machine in (lambda h: h, ds.jit):
        found = machine(ds.grad(lambda x, data: CHOSEN[name](x, data, ok), (0, 1)))(x, data)
        np.testing.assert_array_equal(found, [[0.0, 2.0, 4.0], [0.0, -2.0, -4.0]])


def test_programs_of_sums_and_products_pay_nothing():
    """Slices and writes bring no selects into the adjoint of a stencil."""
    from diffsci.tracing import trace_function
    from diffsci.transforms import simplify, vjp_graph

    def step(u):
        v = u.copy()
        v[1:-1] += 0.1 * (u[2:] - 2 * u[1:-1] + u[:-2]) - u[1:-1] ** 3 + np.sin(u[1:-1])
        return np.sum(v**2)

    pulled = simplify(vjp_graph(trace_function(step, (np.ones(50),)).graph))
    assert "select" not in {node.name for node in pulled.nodes}
