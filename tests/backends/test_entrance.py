"""The direct way into compiled programs: it is taken only by arguments that the code was made for."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.cpu import program


def scaled(x, s):
    return np.sin(x) * s


def direct_of(function, *args):
    function(*args)
    assert function._direct is not None
    return function._direct


X = np.linspace(0.1, 1.0, 6)


@pytest.mark.parametrize(
    "args",
    [
        (X.astype(np.float32), 2.0),
        (X.astype(">f8"), 2.0),
        (np.arange(6), 2.0),
        (X[::2], 2.0),
        (np.linspace(0, 1, 12)[::2], 2.0),
        (X.reshape(2, 3), 2.0),
        (X[:5], 2.0),
        (np.float64(1.0), 2.0),
        (X.tolist(), 2.0),
        (X, 2),
        (X, np.float64(2.0)),
        (X, np.array(2.0)),
        (X.view(np.recarray), 2.0),
        (X,),
        (X, 2.0, 3.0),
        (),
        (2.0, X),
    ],
    ids=range(17),
)
def test_other_arguments_are_left_alone(args):
    assert direct_of(ds.jit(scaled), X, 2.0)(args) is None


@pytest.mark.parametrize(
    "x", [X, X.copy(), X[:3], X[:0], np.ones((2, 3)), np.ones((3, 0, 2)), np.array(0.5), np.ones((1, 1))]
)
def test_arguments_that_fit_are_taken(x):
    direct = direct_of(ds.jit(scaled), x, 2.0)
    for s in (2.0, -1.5):
        np.testing.assert_allclose(direct((x, s)), np.sin(x) * s, rtol=1e-15)
    frozen = np.array(x)
    frozen.flags.writeable = False
    np.testing.assert_allclose(direct((frozen, 3.0)), np.sin(x) * 3.0, rtol=1e-15)


def test_results_are_what_the_function_returns():
    function = ds.jit(lambda x, s: {"sum": np.sum(x) * s, "all": [x, s * 2]})
    for _ in range(3):
        found = function(X, 2.0)
        assert type(found["sum"]) is np.float64
        assert found["sum"] == pytest.approx(np.sum(X) * 2)
        np.testing.assert_array_equal(found["all"][0], X)
        assert found["all"][1] == 4.0
    assert type(ds.jit(np.sum)(X)) is np.float64


def test_results_that_are_held_are_not_written_again():
    function = ds.jit(scaled)
    held = [function(X, float(k)) for k in range(20)]
    for k, y in enumerate(held):
        np.testing.assert_allclose(y, np.sin(X) * k, rtol=1e-15)


def test_another_branch_is_found():
    function = ds.jit(lambda x: x * 2 if x[0] > 0 else x * 3)
    for sign in (1.0, -1.0, -1.0, 1.0, -1.0):
        np.testing.assert_array_equal(function(X * sign), X * sign * (2 if sign > 0 else 3))


def test_an_index_out_of_range_is_said():
    def picked(x, k):
        return x[k.astype(int)] * 2.0

    function = ds.jit(picked)
    function(X, np.zeros(2))
    with pytest.raises(IndexError, match="out of bounds"):
        function(X, np.full(2, 100.0))
    np.testing.assert_array_equal(function(X, np.ones(2)), X[[1, 1]] * 2)


def test_values_from_outside_are_read_at_every_call():
    outside = {"s": 2.0}
    function = ds.jit(lambda x: x * outside["s"])
    np.testing.assert_array_equal(function(X), X * 2)
    outside["s"] = 5.0
    np.testing.assert_array_equal(function(X), X * 5)


def doubled(x):
    return x * 2


def tripled(x):
    return x * 3


def closed_over(helper, count):
    def inner(x):
        return helper(x) + count

    def put(new_helper, new_count):
        nonlocal helper, count
        helper, count = new_helper, new_count

    def drop():
        nonlocal count
        del count

    return inner, put, drop


def in_scope():
    scope = {"helper": doubled, "count": 3}
    exec("def inner(x): return helper(x) + count", scope)

    def put(helper, count):
        scope.update(helper=helper, count=count)

    return scope["inner"], put, lambda: scope.pop("count")


@pytest.mark.parametrize("make", [lambda: closed_over(doubled, 3), in_scope], ids=["cells", "names"])
def test_objects_outside_are_looked_at_before_each_run(make):
    inner, put, drop = make()
    function = ds.jit(inner)
    np.testing.assert_array_equal(function(X), X * 2 + 3)
    direct = function._direct
    assert direct((X,)) is not None
    for helper, count in ((tripled, 3), (doubled, 4), (doubled, 3), (doubled, 1000), (tripled, True)):
        put(helper, count)
        assert (direct((X,)) is None) is (helper is not doubled or count != 3)
        np.testing.assert_array_equal(function(X), helper(X) + count)
        np.testing.assert_array_equal(function(X), helper(X) + count)
    put(doubled, int("1000"))  # another object with the same value
    np.testing.assert_array_equal(function(X), X * 2 + 1000)
    drop()
    assert direct((X,)) is None
    with pytest.raises((NameError, KeyError, ValueError)):
        function(X)


def test_objects_with_equality_of_their_own_are_told_apart():
    class Scale:
        def __init__(self, s):
            self.s = s

        def __eq__(self, other):
            return True

        def __hash__(self):
            return 0

        def __call__(self, x):
            return x * self.s

    scale = Scale(2.0)
    function = ds.jit(lambda x: scale(x))
    np.testing.assert_array_equal(function(X), X * 2)
    scale = Scale(3.0)
    np.testing.assert_array_equal(function(X), X * 3)


def test_calls_from_several_threads_have_their_own_memory():
    function = ds.jit(lambda x, s: np.cumsum(np.linalg.solve(np.outer(x, x) + s * np.eye(6), x)))
    expected = {s: function(X, s) for s in (1.0, 2.0, 3.0, 4.0)}
    wrong = []

    def work(s):
        wrong.extend(1 for _ in range(300) if not np.array_equal(function(X, s), expected[s]))

    threads = [threading.Thread(target=work, args=(s,)) for s in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


FILLED = np.zeros(40)


@pytest.mark.parametrize(
    "y",
    [
        FILLED[:5],
        FILLED[:12:2],
        FILLED[:6].reshape(2, 3),
        FILLED[:6].astype(np.float32),
        FILLED[:6].astype(">f8"),
        FILLED[:6].view(np.int64),
        FILLED[:6].view(np.recarray),
        np.ma.array(FILLED[:6]),
        np.frombuffer(bytes(48)),
        np.frombuffer(bytearray(49), np.uint8)[1:].view(float),
        [0.0] * 6,
        None,
    ],
    ids=range(12),
)
def test_results_are_written_only_where_they_fit(y):
    before = FILLED.copy()
    fill = ds.jit(scaled).lower(X, 2.0).filler((X, 2.0))
    assert fill((X, 2.0), (y,)) != 0
    np.testing.assert_array_equal(FILLED, before)


def test_results_are_not_written_where_arguments_are_read():
    function = ds.jit(lambda x, w: np.cumsum(x) * w)
    fill = function.lower(X, X).filler((X, X))
    memory = np.zeros(40)
    x, w = memory[10:16], memory[30:36]
    for start in range(35):
        memory[:] = np.arange(40)
        wanted = function(x, w)
        y = memory[start : start + 6]
        apart = not np.may_share_memory(x, y) and not np.may_share_memory(w, y)
        assert (fill((x, w), (y,)) == 0) is apart
        np.testing.assert_array_equal(y, wanted if apart else np.arange(start, start + 6))


def test_functions_of_a_program_live_as_long_as_they_are_held():
    calls = [ds.jit(lambda x, k=k: x * k).lower(X).filler((X,)) for k in (2.0, 3.0)]
    program._memory.clear()
    gc.collect()
    y = np.zeros_like(X)
    for k, call in zip((2.0, 3.0), calls, strict=True):
        assert call((X,), (y,)) == 0
        np.testing.assert_array_equal(y, X * k)


def test_long_programs_let_other_threads_run():
    texts = {n: ds.jit(np.sin).source(np.ones(n)) for n in (10, 1_000_000)}
    assert "PyEval_SaveThread" not in texts[10]
    assert "PyEval_SaveThread" in texts[1_000_000]


def test_without_a_known_layout_of_objects(monkeypatch):
    monkeypatch.setattr(program, "layout", lambda: None)
    function = ds.jit(ds.value_and_grad(lambda x, s: np.sum(np.sin(x)) * s))
    for s in (2.0, 3.0):
        value, gradient = function(X, s)
        assert value == pytest.approx(np.sum(np.sin(X)) * s)
        np.testing.assert_allclose(gradient, np.cos(X) * s, rtol=1e-15)
    assert function._direct is None


def test_outputs_of_many_sizes():
    function = ds.jit(lambda x: (x[:1], x[0], np.outer(x, x), x > 0.5, np.argmax(x)))
    first, number, outer, flags, where = function(X)
    for found in (first, number, outer, flags, where):
        assert not isinstance(found, tuple)
    np.testing.assert_array_equal(outer, np.outer(X, X))
    np.testing.assert_array_equal(flags, X > 0.5)
    assert where == 5
