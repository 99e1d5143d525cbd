"""Patterns of loops and branches, inside of each other as well."""

import numpy as np
import pytest

import diffsci as ds
from tests.sparse.detection_cases import (
    covers,
    dense,
    detected,
    hessian_detected,
    jacobian_at,
    point,
)


def diffusion(k, x):
    return x + 0.1 * (np.roll(x, 1) - x) * x


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_a_few_steps_reach_a_few_neighbours(steps):
    n = 12
    found = covers(lambda x: ds.fori_loop(0, steps, diffusion, x), n)
    assert found.sum() == n * (steps + 1)


def test_many_steps_reach_everything():
    assert dense(detected(lambda x: ds.fori_loop(0, 200, diffusion, x), point(12))).all()


def test_steps_that_do_not_mix_stay_apart():
    found = detected(lambda x: ds.fori_loop(0, 500, lambda k, y: y - 0.01 * np.sin(y), x), point(9))
    assert np.array_equal(dense(found), np.eye(9, dtype=bool))


def test_many_steps_downstream():
    def step(k, x):
        return x + 0.01 * np.concatenate([[0.0], x[:-1] - x[1:]])

    found = detected(lambda x: ds.fori_loop(0, 500, step, x), point(20))
    assert np.array_equal(dense(found), np.tri(20, dtype=bool))


def test_while_loop():
    def f(x):
        return ds.while_loop(lambda y: np.sum(y) < 50, lambda y: y * 1.5, x)

    assert np.array_equal(covers(f, 5), np.eye(5, dtype=bool))


@pytest.mark.parametrize("length", [5, 90])
@pytest.mark.parametrize("reverse", [False, True])
def test_scan(length, reverse):
    def f(z):
        first, xs = z[:2], z[2:].reshape(length, 2)
        last, ys = ds.scan(lambda c, x: (c + x, c * x**2), first, xs, reverse=reverse)
        return np.concatenate([last, ys.ravel()])

    covers(f, 2 + 2 * length, exact=length < 64)


def test_batched_scan():
    def f(z):
        def one(x):
            return ds.scan(lambda c, x: (c * x, c + x), x[0], x[1:])[1]

        return ds.vmap(one)(z.reshape(3, 5)).ravel()

    covers(f, 15)


def test_derivatives_of_loops():
    def f(x):
        return np.sum(ds.fori_loop(0, 3, diffusion, x))

    n = 9
    found = dense(hessian_detected(f, point(n)))
    true = np.asarray(ds.hessian(f)(point(n))) != 0
    assert not np.any(true & ~found)
    assert found.sum() < n * n


def test_cond():
    def f(x):
        return ds.cond(x[0] > 1, lambda y: np.roll(y, 1) ** 2, lambda y: np.roll(y, 2), x)

    found = dense(detected(f, point(6)))
    assert np.array_equal(
        found, np.roll(np.eye(6), -1, 1).astype(bool) | np.roll(np.eye(6), -2, 1).astype(bool)
    )


def test_custom_rules():
    @ds.custom_jvp
    def f(x):
        return np.roll(x, 1) ** 2

    f.defjvp(lambda primals, tangents: (f(*primals), 2 * np.roll(primals[0], 1) * np.roll(tangents[0], 1)))
    assert np.array_equal(dense(detected(f, point(5))), np.roll(np.eye(5), -1, 1).astype(bool))


# loops inside of other things --------------------------------------------------------------------------

ORDER = np.array([2, 0, 1])


def ensemble(z):
    def one(x):
        return ds.scan(lambda c, y: (c * y, c + y**2), x[0], x[1:], reverse=True)[1]

    return ds.vmap(one)(z.reshape(3, 5)).ravel()


def nested(z):
    def inner(c, row):
        return ds.scan(lambda a, y: (a + y * c[0], a * y), c[1], row)[1]

    return ds.scan(lambda c, row: (c, inner(c, row)), z[:2], z[2:].reshape(3, 4))[1].ravel()


def picking(z):
    def step(k, state):
        place, y = state
        return (place + 1) % 3, y + 0.1 * y[ORDER] * z[place]

    return ds.fori_loop(0, 4, step, (0, z[3:6]))[1]


def branching(z):
    def step(c, x):
        c = ds.cond(x > 1, lambda c: c[::-1] * 2, lambda c: c * x, c)
        return c, c[0]

    return np.concatenate([np.atleast_1d(part) for part in ds.scan(step, z[:2], z[2:])])


def called_by_mean(z):
    return ds.fori_loop(0, 3, lambda k, y: y * np.mean(z[:2]) + z[k], z[2:])


@pytest.mark.parametrize(
    "f", [ensemble, nested, picking, branching, called_by_mean], ids=lambda f: f.__name__
)
def test_loops_inside_of_others(f):
    size = {"ensemble": 15, "nested": 14, "picking": 6, "branching": 7, "called_by_mean": 6}[f.__name__]
    found = dense(detected(f, point(size)))
    gradient = dense(jacobian_of_gradient(f, size))
    for seed in range(4):
        x = point(size, seed)
        assert not np.any((jacobian_at(f, x) != 0) & ~found)
        true = np.asarray(ds.hessian(lambda x: np.sum(np.sin(f(x))))(x)) != 0
        assert not np.any(true & ~gradient)


def jacobian_of_gradient(f, size):
    return hessian_detected(lambda x: np.sum(np.sin(f(x))), point(size))
