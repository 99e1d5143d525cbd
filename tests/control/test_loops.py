"""The corners of rolled loops: types, empty loops, closures, checkpoints, compiled and not."""

import math

import numpy as np
import pytest

import diffsci as ds
from diffsci.control import rolled
from diffsci.schedules import RecomputeAll, StoreAll, Uniform

XS = np.linspace(0.2, 1.4, 9)
SCALE = 1.5


def chain(x, xs, checkpoint=None):
    def body(c, x):
        c = np.sin(c * x) + c
        return c, c * x

    return ds.scan(body, x, xs, checkpoint=checkpoint)


def weighed(x, xs, checkpoint=None):
    c, ys = chain(x, xs, checkpoint)
    return np.sum(c) + np.sum(ys**2)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("slots", [1, 2, 5, 9, 20, Uniform, RecomputeAll, StoreAll])
def test_checkpoints_change_no_bit(slots, compiled):
    start = np.array([0.3, -0.2])
    rows = np.stack([XS, XS[::-1]], axis=1)
    wrap = ds.jit if compiled else (lambda f: f)
    found = wrap(ds.value_and_grad(lambda x, xs: weighed(x, xs, slots), (0, 1)))(start, rows)
    expected = wrap(ds.value_and_grad(weighed, (0, 1)))(start, rows)
    assert found[0] == expected[0]
    for a, b in zip(found[1], expected[1], strict=True):
        assert np.array_equal(a, b)


def test_checkpointed_while_loop():
    def root(a, checkpoint=None):
        def far(x):
            return abs(x**3 - a) > 1e-14 * a

        return ds.while_loop(far, lambda x: x - 0.1 * (x - a / x**2), a, checkpoint)

    for slots in (1, 3, 1000, Uniform, RecomputeAll, StoreAll):
        assert ds.grad(lambda a: root(a, slots))(5.0) == ds.grad(root)(5.0)  # noqa: B023
    assert ds.grad(root)(5.0) == pytest.approx(5.0 ** (-2 / 3) / 3, rel=1e-11)


def test_checkpoints_bound_the_states_kept(monkeypatch):
    kept = []
    keep = rolled.RolledTape.keep

    def instrumented(self, body, machine, stored):
        kept.append(stored)
        keep(self, body, machine, stored)

    monkeypatch.setattr(rolled.RolledTape, "keep", instrumented)
    long = np.linspace(0, 1, 400)
    for wrap in (lambda f: f, ds.jit):
        kept.clear()
        wrap(ds.grad(lambda x: weighed(x, long, 7)))(0.3)
        assert 0 < max(kept, default=0) <= 7
    kept.clear()
    ds.grad(lambda x: weighed(x, long))(0.3)
    assert max(kept) == 400


def test_a_value_alone_keeps_nothing(monkeypatch):
    monkeypatch.setattr(rolled.RolledTape, "keep", lambda *_: pytest.fail("kept"))
    assert np.isfinite(weighed(0.3, XS))
    assert np.isfinite(ds.jit(weighed)(0.3, XS))


@pytest.mark.parametrize("compiled", [False, True])
def test_no_steps(compiled):
    wrap = ds.jit if compiled else (lambda f: f)
    c, ys = wrap(chain)(np.array([1.0, 2.0]), np.zeros((0, 2)))
    assert np.array_equal(c, [1.0, 2.0])
    assert ys.shape == (0, 2)
    assert wrap(ds.grad(lambda x: ds.fori_loop(3, 3, lambda i, c: c * x, x * x)))(3.0) == 6.0
    assert wrap(ds.grad(lambda x: ds.while_loop(lambda c: c < 0, lambda c: c * x, x * x)))(3.0) == 6.0


def test_one_step():
    assert ds.grad(lambda x: weighed(x, np.array([0.7])))(0.4) == pytest.approx(
        ds.grad(lambda x: np.sin(0.7 * x) + x + ((np.sin(0.7 * x) + x) * 0.7) ** 2)(0.4), rel=1e-14
    )


def test_outside_a_trace():
    c, ys = chain(0.3, XS)
    assert type(c) is np.float64
    assert ys.shape == XS.shape
    assert ds.fori_loop(0, 4, lambda i, s: s + i, 0) == 6
    start = np.zeros(3)

    def body(i, y):
        y[i] = i
        return y

    assert np.array_equal(ds.fori_loop(0, 3, body, start), [0, 1, 2])
    assert not start.any()


def test_single_precision():
    start, rows = np.float32([0.3, -0.2]), np.float32(np.stack([XS, XS], axis=1))
    for wrap in (lambda f: f, ds.jit):
        c, ys = wrap(chain)(start, rows)
        assert c.dtype == ys.dtype == np.float32
        gradient = wrap(ds.grad(weighed))(start, rows)
        assert gradient.dtype == np.float32
        double = ds.grad(weighed)(start.astype(float), rows.astype(float))
        np.testing.assert_allclose(gradient, double, rtol=1e-4)


@pytest.mark.parametrize("upper", [3, lambda x: np.floor(x[0] + 3)], ids=["known", "found"])
def test_the_integer_of_a_step_promotes_as_pythons_own(upper):
    def model(x):
        steps = upper(x) if callable(upper) else upper
        return ds.fori_loop(0, steps, lambda i, c: c * (i / 3) + i * x + c**i, x)

    x = np.float32([0.3, 0.7])
    expected = x
    for i in range(3):
        expected = expected * (i / 3) + i * x + expected**i
    found, tangent = ds.jvp(model, (x,), (x,))
    assert found.dtype == tangent.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_python_numbers_become_what_the_body_makes_of_them():
    assert ds.scan(lambda s, x: (s + x, None), 0, XS)[0] == pytest.approx(np.sum(XS))
    total = ds.scan(lambda s, x: (s + x, None), 0, np.float32(XS))[0]
    assert total.dtype == np.float32
    assert ds.fori_loop(0, 3, lambda i, c: (c[0] + 1, c[1] * 2.0), (0, 1))[0].dtype == np.int64


def test_empty_arrays_are_carried():
    c, _ = ds.scan(lambda c, x: ({"e": c["e"] * x, "v": c["v"] + x}, None), {"e": np.zeros(0), "v": 0.0}, XS)
    assert c["e"].shape == (0,)

    def f(x):
        return ds.scan(lambda c, r: ((c[0] * r, c[1] * r), None), (np.zeros((0, 2)), x), XS)[0][1]

    assert ds.grad(f)(2.0) == pytest.approx(np.prod(XS))


def test_closures_over_traced_values_and_globals():
    def f(a, b):
        c = a * b

        def body(s, x):
            return s + np.sin(c * x) * SCALE, a * x

        s, ys = ds.scan(body, b, XS)
        return s * c + np.sum(ys)

    def unrolled(a, b):
        s, total = b, 0.0
        for x in XS:
            s, total = s + np.sin(a * b * x) * SCALE, total + a * x
        return s * a * b + total

    for wrap in (lambda f: f, ds.jit):
        found = wrap(ds.grad(f, (0, 1)))(0.7, 1.3)
        np.testing.assert_allclose(found, ds.grad(unrolled, (0, 1))(0.7, 1.3), rtol=1e-13)


def test_globals_are_read_again(monkeypatch):
    fast = ds.jit(lambda x: ds.scan(lambda s, x: (s + x * SCALE, None), 0.0, x)[0])
    before = fast(XS)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert fast(XS) == pytest.approx(2 * before)


def test_bounds_that_depend_on_values():
    def power(x, n):
        return ds.fori_loop(0, n, lambda i, p: p * x, 1.0)

    fast = ds.jit(ds.grad(lambda x, n: power(x, np.sum(n))))
    for n in (3, 5):
        assert fast(2.0, np.array([n])) == pytest.approx(n * 2.0 ** (n - 1))


def test_results_without_rows():
    carry, ys = ds.scan(lambda c, x: (c * 2, (None, c)), 1.0, length=4)
    assert carry == 16
    assert ys[0] is None
    assert np.array_equal(ys[1], [1, 2, 4, 8])


def test_long_loops_are_compiled_also_outside_jit():
    rows = np.linspace(0, 1, 200_000)

    def total(x):
        return ds.scan(lambda s, r: (s + np.sin(x * r), None), 0.0, rows)[0]

    assert ds.grad(total)(0.5) == pytest.approx(np.sum(rows * np.cos(0.5 * rows)), rel=1e-12)


def test_masked_values_stay_out_of_derivatives():
    """where(x > 0, log(x), 0) in a step: no NaN from the side not taken."""
    rows = np.array([0.5, 0.0, 2.0])

    def total(x):
        return ds.scan(lambda s, r: (s + np.where(r * x > 0, np.log(r * x), 0.0), None), 0.0, rows)[0]

    for wrap in (lambda f: f, ds.jit):
        assert wrap(ds.grad(total))(2.0) == pytest.approx(1.0)
        assert wrap(ds.grad(ds.grad(total)))(2.0) == pytest.approx(-0.5)


def test_exceptions_of_a_step():
    """What the model raises in a step is raised by the loop, also by a compiled one, wherever it happens."""

    def model(x):
        def body(c, r):
            if c > 100.0:
                raise OverflowError("population exploded")
            return c * x + math.sqrt(r), None

        return ds.scan(body, 1.0, XS)[0]

    for wrap in (lambda f: f, ds.jit):
        fast = wrap(model)
        assert np.isfinite(fast(1.1))
        with pytest.raises(OverflowError, match="exploded"):
            fast(9.0)
        assert np.isfinite(fast(1.2))
    with pytest.raises(ValueError, match="math domain error"):
        ds.jit(lambda x: ds.scan(lambda c, r: (c - 0.5, math.sqrt(c)), x, XS)[0])(1.2)


def test_numbers_promote_as_in_the_steps_behind_the_first():
    """A Python number that becomes a double takes single precision along, from the first step on."""
    single, double = np.float32([1.0, 2.0]), np.array([0.5, 0.25])
    _, ys = ds.scan(lambda c, x: (c * x, c * single), 1.0, double)
    assert ys.dtype == np.float64
    _, ys = ds.scan(lambda c, x: (c * 0.5, c * single), 1.0, double)
    assert ys.dtype == np.float32


def test_exceptions_that_cannot_be_copied():
    class Exploded(Exception):
        def __init__(self, kind, size):
            super().__init__(f"{kind} exploded at {size}")

    def body(c, x):
        if c > 5.0:
            raise Exploded("population", 5)
        return c * 2, None

    with pytest.raises(Exploded, match="population exploded"):
        ds.scan(body, 1.0, XS)
