"""``strict=True`` raises where there is no derivative, names the line, and stays silent elsewhere."""

import inspect

import numpy as np
import pytest

import diffsci as ds
from diffsci.graph.registry import registered
from diffsci.primitives.kinks import KINKS

X = np.array([0.0, 1.0, 2.0])


def crossing(c):
    return np.abs(c) - 1.0


def accumulated(x):
    return ds.scan(lambda c, row: (np.maximum(c, row), c), 1.0, x)[0]


def chosen(x):
    return ds.cond(x[1] > 0, lambda v: np.abs(v[0]), lambda v: v[0], x)


def called(x):
    return ds.jit(lambda y: np.sum(np.abs(y)))(x)


def clipped(x):
    return np.sum(np.clip(x, -1.0, 1.0))


# function, point, what the message says
RAISES = {
    "abs": (lambda x: np.sum(np.abs(x)), X, r"abs .*-1 and 1.*: 0.0 at index 0 .*their mean"),
    "maximum": (lambda x: np.sum(np.maximum(x, 1.0)), X, r"maximum .*: 1.0 at index 1 "),
    "minimum": (lambda x: np.minimum(x[0], x[1] - 1), X, r"minimum "),
    "clip": (clipped, X, r": 1.0 at index 1 "),
    "max": (np.max, np.array([1.0, 3.0, 3.0]), r"max is attained by several entries: 3.0"),
    "argmax": (lambda x: x[np.argmax(x)], np.array([1.0, 3.0, 3.0]), "argmax"),
    "sort": (lambda x: np.sort(x)[0], np.array([1.0, 1.0]), "sort meets equal entries"),
    "median": (np.median, np.array([1.0, 1.0, 0.0]), "sort meets equal entries"),
    "norm": (np.linalg.norm, np.zeros(2), "a norm of nothing but zeros"),
    "std": (np.std, np.ones(3), "a standard deviation of equal values"),
    "hypot": (lambda x: np.hypot(x[0], x[1]), np.zeros(2), "hypot has a corner"),
    "arctan2": (lambda x: np.arctan2(x[0], x[1]), np.zeros(2), "arctan2 is not continuous"),
    "sqrt": (lambda x: np.sum(np.sqrt(x)), X, "sqrt has an infinite slope here: 0.0 at index 0"),
    "power": (lambda x: np.sum(x ** np.array([0.5, 2.0, 2.0])), X, "power has an infinite slope"),
    "arccos": (lambda x: np.arccos(x[1]), X, "arccos has an infinite slope"),
    "floor": (lambda x: np.sum(x * np.floor(x)), X, r"floor jumps here.*\(and at 2 more\)"),
    "round": (lambda x: np.sum(x * np.round(x + 0.5)), X, "round jumps here"),
    "mod": (lambda x: np.sum(np.mod(x, 2.0)), X, "mod jumps here"),
    "int": (lambda x: x[0] * int(x[1]), X, "jumps here"),
    "astype": (lambda x: np.sum(x * x.astype(int)), X, "int jumps here"),
    "sign": (lambda x: np.sum(x * np.sign(x - 1)), X, "sign jumps here"),
    "heaviside": (lambda x: np.sum(np.heaviside(x, 0.5)), X, "a choice compares equal values"),
    "where with a kink": (lambda x: np.sum(np.where(x >= 1, 2 * x - 1, x)), X, r"a choice .* at index 1 "),
    "where with a jump": (lambda x: np.sum(np.where(x > 1, x + 1, x)), X, "a choice"),
    "where of two conditions": (
        lambda x: np.sum(np.where((x > -1) & (x < 2), x, 0.0)),
        X,
        r"a choice .*index 2 ",
    ),
    "select": (lambda x: np.sum(np.select([x > 1, x > -1], [x**2, x], 0.0)), X - 1, r"a choice"),
    "mask assignment": (lambda x: _assigned(x), X, "a choice"),
    "a matrix of them": (
        lambda x: np.sum(np.abs(np.outer(x, x + 1))),
        X,
        r"index \(0, 0\) \(and at 2 more\)",
    ),
    "a call": (called, X, "abs"),
    "a branch": (chosen, X, "abs"),
    "a fori_loop": (lambda x: ds.fori_loop(0, 3, lambda k, c: crossing(c), x)[0], np.array([2.0]), "abs"),
    "a scan": (accumulated, np.array([0.0, 2.0, 2.0]), "maximum"),
    "a while_loop": (
        lambda x: ds.while_loop(lambda c: c < 9, lambda c: c + 1 + abs(c - 2), x[1]),
        X + 1,
        "abs",
    ),
    "vmap": (lambda x: np.sum(ds.vmap(np.abs)(x)), X, "abs"),
}

SILENT = {
    "away from kinks": (lambda x: np.sum(np.abs(x) + np.floor(x) + np.sqrt(x)), X + 0.3),
    "a smooth join": (lambda x: np.sum(np.where(x > 0, x**2, -(x**2))), X),
    "a smooth join elsewhere": (lambda x: np.sum(np.where(x < 1, x**2, 2 * x - 1)), X),
    "a smooth square": (lambda x: np.sum(np.abs(x**2)), X),
    "a smooth maximum": (lambda x: np.sum(np.maximum(x**2, 0.0)), X),
    "equal operands": (lambda x: np.sum(np.maximum(x, x)), X),
    "the same entry twice": (lambda x: np.max(x[np.array([0, 2, 2])]), X),
    "a comparison of data": (lambda x: np.sum(np.where(np.arange(3.0) > 1, x, -x)), X),
    "a comparison of sizes": (lambda x: np.sum(np.where(np.abs(x) < 1.5, x, -x)), X),
    "whole parts of indices": (lambda x: np.arange(4.0)[int(np.floor(x[1]))] * x[0], X + 0.5),
    "masked away": (lambda x: np.sum(np.where(x > 0.5, np.sqrt(np.abs(x)), 0.0)), X),
    "masked before": (lambda x: np.sum(np.abs(np.where(x > 0.5, x, 0.0))), X),
    "not read": (lambda x: np.sum(np.sqrt(x)[1:]), X),
    "written over": (lambda x: _written(np.abs(x)), X),
    "not moving": (lambda x: np.sum(x * np.abs(np.array([0.0, 1.0, 2.0]))), X),
    "stopped": (lambda x: np.sum(x * ds.stop_gradient(np.floor(x))), X),
    "the other branch": (lambda x: ds.cond(x[0] > 1, lambda v: np.abs(v[0]), lambda v: v[0], x), X),
    "whole numbers in a loop": (lambda x: ds.fori_loop(0, 3, lambda k, c: c * (1.0 + k // 2), x)[1], X),
    "a tie that cancels": (lambda x: np.sum(np.where(x != 0, np.sin(x) / x, 1.0)), X),
}


def _assigned(x):
    y = -x
    y[x >= 1] = 1.0
    return np.sum(y)


def _written(y):
    y[0] = 1.0
    return np.sum(y)


def sparse(f, strict=False):
    return ds.sparse_jacobian(f, mode="forward", strict=strict, backend="numpy")


DERIVATIVES = {
    "grad": lambda f: ds.grad(f, strict=True),
    "value_and_grad": lambda f: lambda x: ds.value_and_grad(f, strict=True)(x)[1],
    "jvp": lambda f: lambda x: ds.jvp(f, (x,), (np.ones_like(x),), strict=True)[1],
    "vjp": lambda f: lambda x: ds.vjp(f, x, strict=True)[1](1.0)[0],
    "linearize": lambda f: lambda x: ds.linearize(f, x, strict=True)[1](np.ones_like(x)),
    "jacobian by columns": lambda f: ds.jacobian(f, mode="forward", strict=True),
    "jacobian by rows": lambda f: ds.jacobian(f, mode="reverse", strict=True),
    "sparse jacobian": lambda f: lambda x: sparse(f, strict=True)(x).toarray()[0],
}
PLAIN = {
    "grad": ds.grad,
    "value_and_grad": lambda f: lambda x: ds.value_and_grad(f)(x)[1],
    "jvp": lambda f: lambda x: ds.jvp(f, (x,), (np.ones_like(x),))[1],
    "vjp": lambda f: lambda x: ds.vjp(f, x)[1](1.0)[0],
    "linearize": lambda f: lambda x: ds.linearize(f, x)[1](np.ones_like(x)),
    "jacobian by columns": lambda f: ds.jacobian(f, mode="forward"),
    "jacobian by rows": lambda f: ds.jacobian(f, mode="reverse"),
    "sparse jacobian": lambda f: lambda x: sparse(f)(x).toarray()[0],
}


@pytest.mark.parametrize("name", RAISES)
def test_kinks_raise(name):
    f, x, message = RAISES[name]
    for derive in DERIVATIVES.values():
        with pytest.raises(ds.KinkError, match=message):
            derive(f)(x)
    with pytest.raises(ds.KinkError, match=message):
        ds.jit(ds.grad(f, strict=True))(x)


@pytest.mark.parametrize("name", SILENT)
def test_no_false_alarm(name):
    f, x = SILENT[name]
    for key, derive in DERIVATIVES.items():
        np.testing.assert_array_equal(derive(f)(x), PLAIN[key](f)(x), err_msg=key)
    np.testing.assert_allclose(ds.jit(ds.grad(f, strict=True))(x), ds.grad(f)(x), rtol=1e-14)


def test_a_compiled_derivative_raises_at_the_second_point_only():
    slope = ds.jit(ds.grad(lambda x: np.sum(np.abs(x)), strict=True))
    np.testing.assert_array_equal(slope(X + 1), [1, 1, 1])
    with pytest.raises(ds.KinkError):
        slope(X)
    np.testing.assert_array_equal(slope(X - 3), [-1, -1, -1])


def test_the_message_names_the_line():
    line = inspect.getsourcelines(crossing)[1] + 1
    in_loop = RAISES["a fori_loop"]
    for machine in (lambda h: h, ds.jit):
        with pytest.raises(ds.KinkError, match=rf"test_strict\.py:{line} in crossing"):
            machine(ds.grad(lambda x: crossing(x)[0], strict=True))(X)
        with pytest.raises(ds.KinkError, match=rf"test_strict\.py:{line} in crossing"):
            machine(ds.grad(in_loop[0], strict=True))(in_loop[1])


def test_second_order_sees_kinks_of_the_gradient():
    def joined(x):
        return np.sum(np.where(x > 0, x**2, -(x**2)))

    for derive in (ds.hessian(joined, strict=True), lambda x: ds.hvp(joined, (x,), (X,), strict=True)):
        with pytest.raises(ds.KinkError, match="a choice"):
            derive(X)
    np.testing.assert_array_equal(ds.hessian(joined, strict=True)(X + 1), 2 * np.eye(3))
    smooth = ds.hessian(lambda x: np.sum(np.where(x > 0, x**3, -(x**3))), strict=True)
    np.testing.assert_array_equal(smooth(X), np.diag([0.0, 6.0, 12.0]))


@pytest.mark.parametrize("name", ["abs", "max", "where with a kink", "sort", "floor", "a fori_loop", "vmap"])
def test_second_derivatives_raise_where_the_first_is_constant_on_both_sides(name):
    f, x, message = RAISES[name]
    for machine in (lambda h: h, ds.jit):
        with pytest.raises(ds.KinkError, match=message):
            machine(ds.hessian(f, strict=True))(x)
        with pytest.raises(ds.KinkError, match=message):
            machine(lambda x, f=f: ds.hvp(f, (x,), (np.ones_like(x),), strict=True))(x)
    np.testing.assert_array_equal(
        ds.hessian(lambda x: np.sum(np.abs(x)), strict=True)(X + 1), np.zeros((3, 3))
    )


@pytest.mark.parametrize("mode", ["direct", "forward", "reverse", "bidirectional", "dense"])
def test_sparse_jacobians(mode):
    def f(x):
        return np.abs(x[1:] - x[:-1]) * x[:-1]

    jacobian = ds.sparse_jacobian(f, mode=mode, strict=True)
    smooth, kink = np.array([0.0, 1.0, 3.0, 3.5]), np.array([0.0, 1.0, 1.0, 3.5])
    J = jacobian(smooth)
    for at in (lambda x: jacobian(x), lambda x: jacobian(x, out=J), ds.grad(lambda x: jacobian(x).sum())):
        with pytest.raises(ds.KinkError, match=r"abs .*: 0\.0 at index 1 "):
            at(kink)
    np.testing.assert_allclose(jacobian(2 * smooth, out=J).toarray(), ds.jacobian(f)(2 * smooth), rtol=1e-14)


@pytest.mark.parametrize("mode", ["direct", "star", "acyclic", "forward", "dense"])
def test_sparse_hessians(mode):
    """Where slopes jump there are no second derivatives, even if there are none elsewhere."""
    f = RAISES["abs"][0]
    hessian = ds.sparse_hessian(lambda x: f(x[:2]) * x[2], mode=mode, strict=True)
    assert hessian(X + 1).nnz == 4
    straight = ds.sparse_hessian(f, mode=mode, strict=True)
    assert straight(X + 1).nnz == 0
    for derivative in (hessian, straight, ds.jit(lambda x: hessian(x).data)):
        with pytest.raises(ds.KinkError, match=r"abs .*: 0\.0 at index 0 "):
            derivative(X)


def test_checks_survive_further_transformations():
    strict = ds.grad(lambda x: np.sum(np.abs(x) + x**2), strict=True)
    outer = {
        "vmap": lambda x: ds.vmap(strict)(np.stack([x + 1, x])),
        "grad": ds.grad(lambda x: np.sum(strict(x) ** 2)),
        "jvp": lambda x: ds.jvp(strict, (x,), (x,))[1],
        "an unused result": lambda x: ds.grad(lambda x, y: np.sum(np.abs(x) * y), (0, 1), strict=True)(x, x)[
            1
        ],
    }
    for derive in outer.values():
        for machine in (lambda h: h, ds.jit):
            with pytest.raises(ds.KinkError):
                machine(derive)(X)


def test_only_what_is_asked_for():
    def f(x, y):
        return np.sum(np.abs(x) * y**2)

    np.testing.assert_array_equal(ds.grad(f, argnums=1, strict=True)(X, X), 2 * X * X)
    with pytest.raises(ds.KinkError):
        ds.grad(f, argnums=0, strict=True)(X, X)


def test_without_strict_programs_are_the_same():
    from diffsci.tracing import trace_function
    from diffsci.transforms import vjp_graph

    names = {node.name for node in vjp_graph(trace_function(lambda x: np.sum(np.abs(x)), (X,)).graph).nodes}
    assert "checked" not in names


def test_the_table_of_kinks_names_operations():
    assert set(KINKS) <= set(registered())
