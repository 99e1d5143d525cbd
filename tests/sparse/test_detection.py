"""Detected patterns: of published problems, of exact ones, and covering the Jacobians of random programs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.errors import UnsupportedError
from diffsci.sparse.detection import (
    Pattern,
    constant_entries,
    hessian_pattern,
    jacobian_pattern,
)
from diffsci.tracing import trace_function

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def graph_of(f, *args):
    """The graph, and which of its inputs are arguments: others are read from outside."""
    traced = trace_function(f, args)
    count = len(traced.graph.inputs) - len(traced.captures)
    return traced.graph, [k < count for k in range(len(traced.graph.inputs))]


def detected(f, *args):
    return jacobian_pattern(*graph_of(f, *args))


def hessian_detected(f, *args):
    return hessian_pattern(*graph_of(f, *args))


def jacobian_at(f, x):
    return np.asarray(ds.jacobian(f)(x)).reshape(-1, x.size)


def dense(pattern):
    return pattern.csr().toarray()


def point(n, seed=0):
    return np.random.default_rng(seed).uniform(0.3, 1.7, n)


def covers(f, n, exact=True):
    """The pattern has all nonzeros at two points; where it is exact, no others."""
    found = dense(detected(f, point(n)))
    seen = np.zeros_like(found)
    for seed in (1, 2):
        true = jacobian_at(f, point(n, seed)) != 0
        assert not np.any(true & ~found)
        seen |= true
    if exact:
        assert np.array_equal(seen, found)
    return found


# the steps of random programs --------------------------------------------------------------------------

MIX = np.array([[1.0, 0, 2, 0, 0, 0], [0, 3, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0], [2, 0, 0, 0, 0, 1],
                [0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 2]])  # fmt: skip
PICK = np.array([4, 0, 0, 5, 2, 3])

STEPS = {
    "sin": np.sin,
    "square": lambda x: x * x,
    "roll": lambda x: np.roll(x, 2),
    "flip": lambda x: x[::-1],
    "difference": lambda x: np.concatenate([x[1:] - x[:-1], x[:1]]),
    "pad": lambda x: np.pad(x[1:4], (1, 2)),
    "gather": lambda x: x[PICK],
    "mix": lambda x: MIX @ x,
    "outer": lambda x: (x[:2, None] * x[None, 3:]).ravel(),
    "transpose": lambda x: x.reshape(2, 3).T.ravel(),
    "sum": lambda x: x * np.sum(x[:2]),
    "rows": lambda x: x + np.repeat(np.sum(x.reshape(3, 2), axis=1), 2),
    "cumsum": np.cumsum,
    "where": lambda x: np.where(x > 0.5, x, np.roll(x, 1)),
    "maximum": lambda x: np.maximum(x, 0.3),
    "store": lambda x: stored(x),
    "cond": lambda x: ds.cond(x[1] > 0.4, lambda y: y[::-1] * 2, lambda y: np.cos(y), x),
    "scan": lambda x: ds.scan(lambda c, z: (c * z, c + z), x[0], x)[1],
    "while": lambda x: ds.while_loop(lambda y: np.sum(y * y) < 4, lambda y: 2 * y + 0.5, x),
    "loop": lambda x: ds.fori_loop(0, 2, lambda k, y: y + 0.2 * np.roll(y, 1), x),
    "detach": lambda x: x + np.floor(x),
}


def stored(x):
    out = np.zeros(6)
    out[::2] = x[:3] ** 2
    out[1] = x[5]
    return out


def chained(names):
    def f(x):
        for name in names:
            x = STEPS[name](x)
        return x

    return f


# published problems ------------------------------------------------------------------------------------


def brusselator(n):
    def f(y):
        u, v = y.reshape(n, n, 2)[..., 0], y.reshape(n, n, 2)[..., 1]

        def laplacian(w):
            return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4 * w

        du = 1 + u**2 * v - 4.4 * u + 10 * laplacian(u)
        dv = 3.4 * u - u**2 * v + 10 * laplacian(v)
        return np.stack([du, dv], -1).ravel()

    return f


def test_brusselator():
    found = covers(brusselator(6), 72)
    assert found.sum() == 6 * 72
    assert detected(brusselator(32), point(2048)).nnz == 12288


def heat(n):
    def f(y):
        u = np.pad(y.reshape(n, n, n), 1)
        inner = u[1:-1, 1:-1, 1:-1]
        faces = u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1] + u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1]
        return (faces + u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2] - 6 * inner).ravel()

    return f


def test_seven_point_stencil():
    n = 4
    assert covers(heat(n), n**3).sum() == 7 * n**3 - 6 * n**2
    large = detected(heat(30), point(27000))
    assert (large.nnz, large.indices.dtype) == (7 * 27000 - 6 * 900, np.int32)


@pytest.mark.parametrize("half", [1, 3])
def test_band(half):
    def f(x):
        padded = np.pad(x, half)
        return sum(padded[k : k + x.size] for k in range(2 * half + 1)) ** 2

    n = 20
    i, j = np.indices((n, n))
    assert np.array_equal(covers(f, n), abs(i - j) <= half)


def test_arrow():
    def f(x):
        return np.concatenate([[np.sum(x * x)], x[1:] ** 2 + x[0]])

    n = 300
    found = detected(f, point(n))
    assert found.nnz == 3 * n - 2
    assert np.array_equal(dense(found), jacobian_at(f, point(n)) != 0)


def bundle(n, m, p):
    camera_of, point_of = np.arange(p) % n, np.arange(p) % m

    def f(z):
        cameras = z[: 11 * n].reshape(n, 11)[camera_of]
        points = z[11 * n : 11 * n + 3 * m].reshape(m, 3)[point_of]
        weights = z[11 * n + 3 * m :]
        r, x = cameras[:, :3], points - cameras[:, 3:6]
        angle = np.sqrt(np.sum(r**2, axis=1))[:, None]
        axis = r / angle
        along = np.sum(axis * x, axis=1)[:, None]
        turned = x * np.cos(angle) + np.cross(axis, x) * np.sin(angle) + axis * along * (1 - np.cos(angle))
        image = turned[:, :2] / turned[:, 2:]
        squared = np.sum(image**2, axis=1)
        distorted = image * (1 + cameras[:, 9] * squared + cameras[:, 10] * squared**2)[:, None]
        errors = weights[:, None] * (distorted * cameras[:, 6:7] + cameras[:, 7:9])
        return np.concatenate([errors.ravel(), 1 - weights**2])

    return f, 11 * n + 3 * m + p


def test_bundle_adjustment():
    f, size = bundle(3, 4, 12)
    found = covers(f, size)
    assert found.sum() == 29 * 12  # 14 in each of two rows: x does not see the principal point's y; 1 weight


# exactness ---------------------------------------------------------------------------------------------


def test_zero_derivatives_and_constants_leave_nothing():
    n = 6
    weights = np.array([0.0, 1, 0, 2, 0, 3])

    def f(x):
        return np.floor(x) + np.sign(x) * (x > 0.5) + (x - x) + np.zeros(n) * x

    assert detected(f, point(n)).nnz == 0
    masked = detected(lambda x: np.array([0.0, 1, 0, 2, 0, 3]) * x, point(n))
    assert np.array_equal(np.flatnonzero(dense(masked).diagonal()), np.flatnonzero(weights))


def test_a_matrix_of_constants_with_zeros():
    table = np.array([[1.0, 0, 0], [0, 0, 2], [0, 3, 4]])
    graph, active = graph_of(lambda x: np.array(table) @ x, point(3))
    captured = {k: table for k, flag in enumerate(active) if not flag}
    assert np.array_equal(dense(jacobian_pattern(graph, active, known=captured)), table != 0)
    assert dense(jacobian_pattern(graph, active)).all()


def test_both_sides_of_a_choice_count():
    def f(x):
        return np.where(x > 1, x[::-1], x)

    n = 5
    found = dense(detected(f, point(n)))
    assert np.array_equal(found, np.eye(n, dtype=bool) | np.eye(n, dtype=bool)[::-1])


def test_gathers_know_their_indices():
    index = np.array([3, 3, 0, 1])
    found = detected(lambda x: x[index] ** 2, point(5))
    assert found.indices.tolist() == [3, 3, 0, 1]
    graph, _ = graph_of(lambda x, i: x[i] ** 2, point(5), index)
    assert dense(jacobian_pattern(graph)).all()  # whatever the indices are
    assert jacobian_pattern(graph, known={1: index}) == found


def test_scattered_sums():
    index = np.array([0, 2, 2, 2, 4])

    def f(x):
        out = np.zeros(6)
        np.add.at(out, index, x**2)
        return out

    covers(f, 5)


@pytest.mark.parametrize("n", [7, 20, 50, 200])
def test_sums_of_many_numbers(n):
    def f(x):
        numbers = [x[k] ** 2 for k in range(n)]
        first = sum(numbers[: n // 2]) * sum(numbers[n // 3 :])
        return first + sum(numbers[::2])

    assert detected(f, point(n)).nnz == n


def test_several_inputs_and_outputs():
    found = dense(detected(lambda a, b: (a * b, np.sum(b)), point(3), point(3)))
    eye = np.eye(3, dtype=bool)
    assert np.array_equal(found[:3], np.hstack([eye, eye]))
    assert np.array_equal(found[3], [False] * 3 + [True] * 3)


@pytest.mark.parametrize("n", [0, 1])
def test_small_inputs(n):
    assert detected(lambda x: x**2, point(n)).shape == (n, n)
    assert detected(lambda x: np.sum(x), point(n)).shape == (1, n)


def test_dense_programs():
    n = 130
    rotation = np.random.default_rng(3).standard_normal((n, n))
    assert dense(detected(lambda x: np.tanh(rotation @ np.tanh(rotation @ x)), point(n))).all()
    assert dense(detected(lambda x: x / np.sqrt(np.sum(x * x)), point(n))).all()


def test_patterns_too_large_for_memory_name_the_line():
    with pytest.raises(UnsupportedError, match=r"dense.*test_detection\.py:\d+"):
        detected(lambda x: x / np.sqrt(np.sum(x * x)), point(10**6))
    with pytest.raises(UnsupportedError, match=r"cumsum is dense"):
        detected(np.cumsum, point(10**6))


@pytest.mark.parametrize("n", [5, 3000])
def test_running_sums(n):
    found = detected(lambda x: np.cumsum(x.reshape(n, 1, 2), axis=0)[::-1].ravel(), point(2 * n))
    assert found.nnz == n * (n + 1)
    assert found.indices[:3].tolist() == [0, 2, 4]


def test_systems_solved_side_by_side():
    matrices = np.random.default_rng(5).standard_normal((4, 3, 3)) + 5 * np.eye(3)
    found = covers(lambda x: np.linalg.solve(matrices, x.reshape(4, 3, 1)).ravel(), 12)
    assert np.array_equal(found, np.kron(np.eye(4, dtype=bool), np.ones((3, 3), dtype=bool)))
    large = np.eye(1000)
    assert detected(lambda x: np.linalg.solve(large, x), point(1000)).nnz == 10**6


# Hessians ----------------------------------------------------------------------------------------------


def test_hessian_of_neighbours():
    n = 8
    i, j = np.indices((n, n))
    found = dense(hessian_detected(lambda x: np.sum(x[1:] * x[:-1]) + 3 * np.sum(x), point(n)))
    assert np.array_equal(found, abs(i - j) == 1)


def test_hessian_of_rosenbrock():
    n = 9
    i, j = np.indices((n, n))

    def f(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    assert np.array_equal(dense(hessian_detected(f, point(n))), abs(i - j) <= 1)


def test_hessian_of_a_linear_function_is_empty():
    assert hessian_detected(lambda x: 3 * np.sum(x) + x[0], point(5)).nnz == 0


def test_hessian_of_a_norm_is_full():
    assert dense(hessian_detected(lambda x: np.sqrt(np.sum(x * x)), point(70))).all()


def test_hessian_needs_one_number():
    graph, active = graph_of(lambda x: x**2, point(3))
    with pytest.raises(ValueError, match="one real number"):
        hessian_pattern(graph, active)


# constant entries and local patterns -------------------------------------------------------------------


def test_constant_entries():
    def f(x):
        return np.array([2 * x[0] + x[1] ** 2, np.sum(x), x[0] * x[1], np.where(x[0] > 1, x[1], x[2])])

    graph, active = graph_of(f, point(3))
    (flags,) = constant_entries(graph, active)
    assert flags.tolist() == [True, False, True, True, True, False, False, False, False]


@SETTINGS
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4))
def test_constant_entries_of_random_programs(names):
    f = chained(names)
    graph, active = graph_of(f, point(6))
    (flags,) = constant_entries(graph, active)
    found = jacobian_pattern(graph, active)
    entries = [jacobian_at(f, point(6, seed))[found.rows, found.indices] for seed in (3, 4)]
    assert np.allclose(*(e[flags] for e in entries), rtol=1e-12, atol=1e-12), names


def test_pattern_at_a_point():
    def f(x):
        return np.where(x > 1, x[::-1], x) + x[0] * x

    x = np.array([0.0, 2.0, 3.0])
    graph, active = graph_of(f, x)
    local = dense(jacobian_pattern(graph, active, at=[x]))
    assert np.array_equal(local, [[True, False, False], [True, True, False], [True, False, False]])
    assert dense(jacobian_pattern(graph, active)).sum() > local.sum()


# loops and branches ------------------------------------------------------------------------------------


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


@SETTINGS
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=5), st.integers(0, 99))
def test_random_programs(names, seed):
    f = chained(names)
    covered = dense(detected(f, point(6)))
    for k in range(2):
        assert not np.any((jacobian_at(f, point(6, seed + k)) != 0) & ~covered), names


@SETTINGS
@given(st.lists(st.sampled_from(sorted(set(STEPS) - {"while", "cond"})), min_size=1, max_size=4))
def test_random_hessians(names):
    def f(x):
        for name in names:
            x = STEPS[name](x)
        return np.sum(x[1:] * np.cos(x[1:]))

    found = dense(hessian_detected(f, point(6)))
    assert not np.any((np.asarray(ds.hessian(f)(point(6))) != 0) & ~found), names


def test_pattern_values():
    p = Pattern.of(np.array([[0, 1, 1], [0, 0, 0]]))
    assert (p.shape, p.nnz, p.indptr.tolist(), p.indices.tolist()) == ((2, 3), 2, [0, 2, 2], [1, 2])
    assert p == Pattern.at([0, 0, 0], [2, 1, 2], (2, 3))
    assert p.csr(np.array([5.0, 6.0])).toarray()[0].tolist() == [0, 5, 6]
    with pytest.raises(ValueError, match="one value for each entry"):
        p.csr(np.ones(3))
    rows, columns = Pattern.of(np.eye(2, 3)).missing(p)
    assert (rows.tolist(), columns.tolist()) == ([0, 0], [1, 2])


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
