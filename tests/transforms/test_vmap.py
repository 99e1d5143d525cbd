"""vmap against a loop over members, under every transformation and around it."""

import numpy as np
import pytest

import diffsci as ds
from tests.transforms.common import MODES, agree

RNG = np.random.default_rng(7)
X = RNG.normal(size=(5, 3))
W = np.array([0.3, -0.4, 0.5])


def smooth(w, x):
    return np.tanh(w @ x) ** 2 + np.sum(np.where(x > 0, x * w, 0.0))


def branching(w, x):
    total = 0.0 * w[0]
    for value in x:
        if value > 0:
            total = total + np.sin(value * w[0])
        else:
            total = total * w[1] + value**2
    return total


def linear_algebra(w, x):
    matrix = np.outer(x, w) + 4.0 * np.eye(3)
    return np.sum(np.linalg.solve(matrix, w) ** 2) + np.log(np.linalg.det(matrix))


def host_loop(w, x):
    return ds.fori_loop(0, 3, lambda i, y: y + np.sin(y * w[0]) + x[1], x[0])


FUNCTIONS = [smooth, branching, linear_algebra, host_loop]


def looped(f):
    return lambda w, xs: np.stack([f(w, x) for x in xs])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_against_a_loop(f, mode):
    def objective(members):
        return lambda w: np.sum(np.cos(members(f)(w, X)))

    found = MODES[mode](objective(lambda f: ds.vmap(f, in_axes=(None, 0))))(W)
    agree(found, MODES[mode](objective(looped))(W))


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_compiled_at_other_members(f):
    compiled = ds.jit(ds.vmap(ds.grad(f, (0, 1)), in_axes=(None, 0)))
    for xs in (X, -X, X[::-1]):
        found = compiled(W, xs)
        for k, x in enumerate(xs):
            for block, expected in zip(found, ds.grad(f, (0, 1))(W, x), strict=True):
                agree(block[k], expected)


def test_members_on_different_branches_are_grouped_once_per_branch():
    seen = []

    def f(x):
        seen.append(1)
        return x**2 if x > 0 else -x

    assert np.array_equal(ds.vmap(f)(np.array([1.0, -2.0, 3.0, -4.0])), [1.0, 2.0, 9.0, 4.0])
    assert len(seen) == 2


def test_nested_axes_and_containers():
    def f(d, k):
        return {"r": d["x"] * k, "n": 7}

    found = ds.vmap(f, ({"x": -1, "y": None}, 0), out_axes={"r": -1, "n": None})(
        {"x": X.T, "y": "name"}, np.arange(5)
    )
    assert np.array_equal(found["r"], X.T * np.arange(5))
    assert found["n"] == 7
    table = ds.vmap(ds.vmap(lambda a, b: a * b, (0, None)), (None, 0))(np.arange(3.0), np.arange(4.0))
    assert np.array_equal(table, np.outer(np.arange(4.0), np.arange(3.0)))


def test_integers_are_data():
    table = np.arange(10.0) ** 2
    picked = ds.jit(ds.vmap(lambda i: table[i] * 2.0))
    assert np.array_equal(picked(np.array([3, 1])), [18.0, 2.0])
    assert np.array_equal(picked(np.array([4, 5])), [32.0, 50.0])


def test_arguments_by_keyword():
    f = ds.vmap(lambda x, *, a: x * a)
    assert np.array_equal(f(W, a=W), W**2)
    assert np.array_equal(f(W, a=2.0), 2.0 * W)


def test_results_that_do_not_depend_on_the_members():
    found = ds.vmap(lambda x: (x, np.sum(W), 3))(np.arange(2.0))
    assert np.array_equal(found[1], [np.sum(W)] * 2)
    assert np.array_equal(found[2], [3, 3])


def test_closures_are_shared_and_differentiated():
    def f(a):
        return np.sum(ds.vmap(lambda x: np.sin(x * a))(W))

    agree(ds.grad(f)(2.0), np.sum(W * np.cos(2.0 * W)))
    agree(ds.vmap(ds.grad(f))(W), [np.sum(W * np.cos(a * W)) for a in W])


def test_single_precision():
    assert ds.vmap(lambda x: np.sin(x) * 2.0)(X.astype(np.float32)).dtype == np.float32


def test_integrations_run_one_by_one():
    from solvers import solve_ivp

    def final(p):
        return solve_ivp(lambda t, y: -p * y**2, (0.0, 1.0), np.array([1.0]), rtol=1e-9, atol=1e-9).y[0, -1]

    p = np.array([0.5, 2.0])
    for f in (final, ds.grad(final)):
        agree(ds.vmap(f)(p), [f(x) for x in p], 1e-13)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ds.vmap(smooth)(W, X), ValueError, "argument 0 has 3, argument 1 has 5"),
        (lambda: ds.vmap(smooth, (None, 0))(X, 1.0), TypeError, "argument 1 is float"),
        (lambda: ds.vmap(smooth, (0, 0, 0))(W, X), ValueError, "in_axes"),
        (lambda: ds.vmap(smooth, (2, 0))(W, X), ValueError, r"argument 0 of shape \(3,\) has no axis 2"),
        (lambda: ds.vmap(lambda x: x, None)(W), ValueError, "no argument is mapped"),
        (lambda: ds.vmap(lambda x: x)(np.zeros((0, 2))), ValueError, "no members"),
        (lambda: ds.vmap(lambda x: x, out_axes=None)(W), ds.TraceError, "differs between members"),
        (lambda: ds.vmap(lambda x: x, out_axes=3)(W), ValueError, "no place for an axis 3"),
        (lambda: ds.vmap(lambda x: x if x > 0 else np.zeros(2))(W), TypeError, "another branch"),
        (lambda: ds.vmap(lambda d: d["a"])({"a": W, "b": X}), ValueError, r"argument 0\['b'\] has 5"),
    ],
)
def test_errors_name_the_leaf(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.filterwarnings("error")
def test_one_program_serves_any_mixture_of_branches():
    compiled = ds.jit(ds.vmap(lambda x: x**2 if x > 0 else -x))
    rng = np.random.default_rng(3)
    for _ in range(40):
        x = rng.normal(size=8)
        assert np.array_equal(compiled(x), np.where(x > 0, x**2, -x))


def test_paths_of_other_members_leave_no_trace():
    """log is infinite at the members that do not take its path; behind a call no mask keeps that away."""

    def f(x):
        return ds.checkpoint(np.log)(x) if x > 0 else 0.0 * x

    def total(x):
        return np.sum(ds.vmap(f)(x))

    x = np.array([2.0, 0.0, -1.0, 4.0])
    for make in (lambda g: g, ds.jit):
        assert np.array_equal(make(ds.grad(total))(x), [0.5, 0.0, 0.0, 0.25])
        assert np.array_equal(make(ds.hessian(total))(x), np.diag([-0.25, 0.0, 0.0, -0.0625]))
        assert make(lambda x: ds.jvp(total, (x,), (x,))[1])(x) == 2.0


def test_many_paths_and_indices_are_grouped():
    table = np.array([1.0, 2.0, 4.0])

    def f(i, x):
        if i < 3:
            return table[i] * x
        for k in range(4, 8):
            if i == k:
                return x**k
        return -x

    picked, x = np.array([0, 2, 4, 5, 6, 7, 3]), 1.5
    expected = np.array([1.5, 6.0, x**4, x**5, x**6, x**7, -1.5])
    for make in (lambda g: g, ds.jit):
        agree(make(ds.vmap(f, (0, None)))(picked, x), expected, 1e-15)
        agree(make(ds.vmap(f, (0, None)))(picked[::-1], x), expected[::-1], 1e-15)


def test_branching_members_in_a_rolled_loop():
    def piece(x):
        return 0.1 * x**2 if x > 0 else -0.5 * x

    def rolled(x):
        return np.sum(ds.fori_loop(0, 4, lambda i, y: ds.vmap(piece)(y) - 0.2, x))

    def plain(x):
        for _ in range(4):
            x = np.array([piece(v) for v in x]) - 0.2
        return np.sum(x)

    x = np.array([1.0, -1.0, 0.5])
    for make in (lambda f: f, ds.jit):
        agree(make(ds.value_and_grad(rolled))(x)[1], ds.grad(plain)(x))
