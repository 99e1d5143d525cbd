"""Detected patterns: of published problems, of exact ones, and covering the Jacobians of random programs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import diffsci as ds
from diffsci.errors import UnsupportedError
from diffsci.sparse.detection import (
    Pattern,
    detect,
    detect_varying,
    jacobian_pattern,
)
from tests.sparse.detection_cases import (
    SETTINGS,
    STEPS,
    chained,
    covers,
    dense,
    detected,
    graph_of,
    hessian_detected,
    jacobian_at,
    point,
)

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


@pytest.mark.parametrize("full", [[0], [5, 39_999]])
def test_a_few_full_rows_of_many(full):
    n = 40_000
    chosen = np.isin(np.arange(n), full)
    found = detected(lambda x: x**2 * x[0] + np.where(chosen, np.sum(x), 0.0), np.linspace(0.0, 1.0, n))
    expected = np.where(chosen, n, 2)
    expected[0] = n if 0 in full else 1
    assert np.array_equal(np.diff(found.indptr), expected)
    assert np.array_equal(found.indices[found.indptr[7] : found.indptr[8]], [0, 7])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: 0.0 * np.sin(x),
        lambda x: np.zeros_like(x) / x,
        np.sign,
        np.rint,
        np.trunc,
        lambda x: 3.0 * (x > 1),
        lambda x: np.copysign(1.0, x),
        lambda x: np.heaviside(x, 0.5),
        lambda x: x // 0.3,
        ds.stop_gradient,
        lambda x: x.astype(int).astype(float),
        lambda x: np.argsort(x) * 1.0,
        lambda x: np.argmax(x) * np.ones(2),
        lambda x: np.where(x > 1, 2.0, 3.0),
        lambda x: np.where(np.array([True, False, True]), 0.0, 0.0 * x),
        lambda x: x**0,
        lambda x: np.power(x, np.zeros(3)),
        lambda x: np.zeros((3, 3)) @ x,
        lambda x: np.outer(np.zeros(2), x),
        lambda x: np.cumsum(0 * x),
        lambda x: np.sin(x) - np.sin(x),
        lambda x: ds.fori_loop(0, 4, lambda k, y: 0.0 * y, x),
        lambda x: ds.cond(x[0] > 1, lambda y: 0 * y, np.floor, x),
    ],
)
def test_derivatives_that_are_always_zero(f):
    assert detected(f, point(3)).nnz == 0


@pytest.mark.parametrize("f", [lambda x: x / x, lambda x: (x + 1) - x])
def test_terms_that_cancel_count(f):
    """Only equal terms that are subtracted from each other are seen."""
    assert detected(f, point(3)).nnz == 3


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
    with pytest.raises(UnsupportedError, match=r"derivative of np\.cumsum is dense"):
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


# constant entries and local patterns -------------------------------------------------------------------


def constant(graph, active):
    """Tell for every entry of a program with one output whether it is a constant."""
    (whole,), (varying,) = (find(graph, active) for find in (detect, detect_varying))
    return whole.places_in(varying) < 0


def test_constant_entries():
    def f(x):
        return np.array([2 * x[0] + x[1] ** 2, np.sum(x), x[0] * x[1], np.where(x[0] > 1, x[1], x[2])])

    graph, active = graph_of(f, point(3))
    assert constant(graph, active).tolist() == [True, False, True, True, True, False, False, False, False]


@SETTINGS
@given(st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4))
def test_constant_entries_of_random_programs(names):
    f = chained(names)
    graph, active = graph_of(f, point(6))
    flags = constant(graph, active)
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
