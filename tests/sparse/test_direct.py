"""Directly evaluated Jacobians equal dense ones: stencils, gathers, sums, masks, second derivatives."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.sparse.direct import Refusal, direct
from diffsci.tracing import trace_function
from diffsci.tracing.trace import apply_graph
from tests.sparse.direct_cases import check, dense, made, values

RNG = np.random.default_rng(7)


def laplacian(u):
    """Periodic five-point sum."""
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u


def brusselator_blocks(y):
    """Both species one after the other."""
    n = int(np.sqrt(y.size // 2))
    u, v = y.reshape(2, n, n)
    du = 1.0 + u * u * v - 4.4 * u + 0.1 * laplacian(u)
    dv = 3.4 * u - u * u * v + 0.1 * laplacian(v)
    return np.concatenate([du.ravel(), dv.ravel()])


def brusselator_points(y):
    """Both species of a point beside each other, written into an array."""
    n = int(np.sqrt(y.size // 2))
    points = y.reshape(n, n, 2)
    u, v = points[..., 0], points[..., 1]
    out = np.empty_like(points)
    out[..., 0] = 1.0 + u * u * v - 4.4 * u + 0.1 * laplacian(u)
    out[..., 1] = 3.4 * u - u * u * v + 0.1 * laplacian(v)
    return out.reshape(-1)


def three_species(y):
    """Open boundaries by slices, three species, one of them without diffusion."""
    a, b, c = y.reshape(3, -1)
    out = np.zeros((3, a.size))
    out[0, 1:-1] = a[2:] - 2 * a[1:-1] + a[:-2] + a[1:-1] * b[1:-1]
    out[0, 0], out[0, -1] = a[1] - a[0], a[-2] ** 2
    out[1] = b * c - np.sin(a)
    out[2, 1:] = (c[1:] - c[:-1]) * b[1:]
    return out


def heat(u):
    """Seven-point stencil inside of a padded box, nonlinear conductivity."""
    w = np.pad(u, 1)
    inner = w[1:-1, 1:-1, 1:-1]
    total = w[2:, 1:-1, 1:-1] + w[:-2, 1:-1, 1:-1] + w[1:-1, 2:, 1:-1] + w[1:-1, :-2, 1:-1]
    return (total + w[1:-1, 1:-1, 2:] + w[1:-1, 1:-1, :-2] - 6 * inner) * (1.0 + inner**2)


def burgers(u):
    """Upwind differences of either sign of the speed."""
    left, right = u - np.roll(u, 1), np.roll(u, -1) - u
    return -np.where(u > 0, u * left, u * right) + 0.01 * (right - left)


@pytest.mark.parametrize(
    ("f", "shape", "entries"),
    [
        (brusselator_blocks, (2 * 12 * 12,), 12 * 12 * 2 * 6),
        (brusselator_blocks, (2 * 2 * 2,), 2 * 2 * 2 * 4),
        (brusselator_points, (2 * 7 * 7,), 7 * 7 * 2 * 6),
        (three_species, (3 * 30,), None),
        (heat, (6, 5, 7), 7 * 210 - 2 * (6 * 5 + 5 * 7 + 6 * 7)),
        (burgers, (40,), 120),
    ],
)
def test_stencils(f, shape, entries):
    found = check(f, RNG.uniform(0.5, 2.0, shape) * RNG.choice([-1.0, 1.0], shape))
    assert entries is None or found.pattern.nnz == entries


def test_stencils_of_many_points_go_into_loops_over_boxes():
    found = check(brusselator_blocks, RNG.uniform(0.5, 2.0, 2 * 30 * 30))
    data = found.graph.outputs[0]
    assert data.name == "place"
    assert len(data.inputs) == 2 * 9 * 6  # species, boxes, entries of a row


def test_residuals_by_gathers():
    places, other = RNG.integers(0, 9, 40), RNG.integers(0, 12, 40)

    def residuals(cameras, points, weights):
        x = points[other] - cameras[places, :3]
        image = x[:, :2] / x[:, 2:] * (1.0 + cameras[places, 3:4] * np.sum(x[:, :2] ** 2, axis=1)[:, None])
        return np.concatenate([(weights[:, None] * image).ravel(), 1.0 - weights**2])

    args = RNG.uniform(1.0, 2.0, (9, 4)), RNG.uniform(3.0, 4.0, (12, 3)), RNG.uniform(1.0, 2.0, 40)
    found = check(residuals, *args)
    assert found.pattern.nnz == 40 * 2 * (4 + 3 + 1) + 40


def test_gathers_in_any_order():
    i, j = RNG.integers(0, 20, 50), RNG.integers(0, 20, 50)
    check(lambda x: x[i] * np.sin(x[j]) + x[i] ** 2, RNG.normal(size=20))


def test_assembly_adds_up_what_meets():
    i, j = RNG.integers(0, 20, 50), RNG.integers(0, 20, 50)

    def forces(x):
        out = np.zeros(20)
        np.add.at(out, i, np.sin(x[i] - x[j]))
        np.add.at(out, j, np.cos(x[i] * x[j]))
        return out

    check(forces, RNG.normal(size=20))
    check(lambda x: np.exp(forces(x))[3:] * x[3:], RNG.normal(size=20))


def test_sums_and_products_with_constants():
    matrix = np.where(RNG.uniform(size=(8, 30)) < 0.3, RNG.normal(size=(8, 30)), 0.0)
    check(lambda x: matrix @ x**2, RNG.normal(size=30))
    check(lambda x: np.sum(x.reshape(6, 5) ** 2, axis=1) * x[:6], RNG.normal(size=30))
    check(lambda x: np.sum(x**3), RNG.normal(size=30))
    check(lambda x: np.einsum("ij,kj->ik", x.reshape(10, 3), matrix[:4, :3]), RNG.normal(size=30))
    check(lambda x: np.linalg.norm(x.reshape(10, 3), axis=1), RNG.normal(size=30))
    check(lambda x: np.max(x.reshape(10, 3), axis=1), RNG.normal(size=30))


def test_convolutions_with_few_numbers_are_stencils():
    found = check(lambda x: np.convolve(x**2, [1.0, -2.0, 1.0], "same"), RNG.normal(size=20))
    assert found.pattern.nnz == 58
    check(lambda x: np.convolve([2.0, 0.0, 3.0, 4.0, 5.0], np.sin(x)), RNG.normal(size=4))


def test_many_more_entries_than_places_are_refused():
    first, second = RNG.normal(size=(300, 300)), RNG.normal(size=(300, 300))
    found, _ = made(lambda x: first @ np.tanh(second @ x), RNG.normal(size=300))
    assert isinstance(found, Refusal)
    assert "entries" in found.reason


def test_results_written_element_by_element():
    def reactions(y):
        out = np.zeros_like(y)
        for k in range(40):
            a, b, c = (7 * k) % 60, (11 * k + 3) % 60, (13 * k + 1) % 60
            rate = y[a] * y[b]
            out[a] -= rate
            out[b] += rate * y[c]
        return out

    found = check(reactions, RNG.normal(size=60))
    assert len(found.graph.nodes) < 2000

    def written(y):
        out = np.empty(30)
        out[::2] = y[:15] ** 2
        out[1::2] = np.sin(y[15:])
        out[10:20] *= y[3:13]
        out[4] = out[5] + out[12]
        return out

    check(written, RNG.normal(size=30))


def test_what_is_selected_away_is_no_nan():
    def masked(x):
        return np.where(x > 0, np.log(x), 0.0) * np.roll(x, 1)

    x = np.array([1.0, 0.0, 2.0, -1.0, 0.0, 3.0] * 4)
    found, inputs = made(masked, x)
    matrix = dense(found, values(found, inputs))
    assert np.isfinite(matrix).all()
    np.testing.assert_array_equal(matrix, ds.jacobian(masked)(x))


def test_terms_that_meet_after_a_cut_are_all_selected():
    def cut(x):
        both = (x[[0, 1, 2]] * x[[0, 2, 1]])[:1]
        return np.where(both > 0, both, np.sin(x[2:]))

    found, inputs = made(cut, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(dense(found, values(found, inputs)), [[2.0, 0.0, 0.0]])


def test_infinite_slopes_stay_in_their_places():
    def roots(x):
        return np.concatenate([np.sqrt(x[:3]), x[3:] ** 2]) + np.concatenate([x[:3], np.sqrt(x[3:])])

    x = np.array([0.0, 1.0, 4.0, 0.0, 1.0, 9.0])
    found, inputs = made(roots, x)
    np.testing.assert_array_equal(
        dense(found, values(found, inputs)), np.diag(np.diag(ds.jacobian(roots)(x)))
    )


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def extended(x):
    return np.sum(100.0 * (x[1::2] - x[::2] ** 2) ** 2 + (1.0 - x[::2]) ** 2)


@pytest.mark.parametrize(("f", "n", "entries"), [(rosenbrock, 50, 148), (extended, 500, 1000)])
def test_hessians(f, n, entries):
    found = check(ds.grad(f), RNG.normal(size=n))
    assert found.pattern.nnz == entries


def test_hessian_of_a_sum_over_gathered_pairs():
    i, j = RNG.integers(0, 15, 60), RNG.integers(0, 15, 60)
    check(ds.grad(lambda x: np.sum(np.cos(x[i] - x[j]) * x[i])), RNG.normal(size=15))


def test_single_precision_stays():
    x = RNG.uniform(0.5, 2.0, 2 * 6 * 6).astype(np.float32)
    found = check(lambda y: brusselator_blocks(y) * np.float32(1.5), x, rtol=1e-5)
    assert found.graph.outputs[0].dtype == np.float32


def test_several_arguments_and_results():
    def f(x, y):
        return x[1:] * y, {"sum": np.sum(y), "count": np.argmax(x)}, 3.0 * y

    x, y = RNG.normal(size=5), RNG.normal(size=4)
    found, inputs = made(f, x, y)
    matrix = dense(found, values(found, inputs))
    blocks = [np.hstack([np.diag(y), np.diag(x[1:])]), np.array([[0.0] * 5 + [1.0] * 4])]
    wanted = [np.pad(blocks[0], ((0, 0), (1, 0))), *blocks[1:], np.hstack([np.zeros((4, 5)), 3 * np.eye(4)])]
    np.testing.assert_allclose(matrix, np.vstack(wanted))


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_and_one(n):
    check(lambda x: 2.0 * x, np.ones(n))
    check(lambda x: np.roll(x, 1) * x, np.ones(n))
    check(lambda x: np.zeros(3) + 0.0 * np.sum(x), np.ones(n))


def test_derivatives_of_the_entries():
    found, (x,) = made(brusselator_blocks, RNG.uniform(0.5, 2.0, 2 * 4 * 4))

    def entries(x):
        return apply_graph(found.graph, [x])[0]

    weights, direction = RNG.normal(size=found.pattern.nnz), RNG.normal(size=x.size)
    step = 1e-30
    (moved,) = (entries_at(found, x + 1j * step * direction).imag / step,)
    np.testing.assert_allclose(ds.jvp(entries, (x,), (direction,))[1], moved, atol=1e-13)
    gradient = ds.jit(ds.grad(lambda x: np.sum(weights * entries(x))))(x)
    np.testing.assert_allclose(gradient @ direction, weights @ moved, rtol=1e-12)


def entries_at(found, x):
    """Complex step through the interpreter."""
    from diffsci.graph import interpreter

    return interpreter.run(found.graph, [x])[0]


def test_functions_called_as_programs_are_written_out():
    slope = ds.jit(lambda u: np.roll(u, -1) - np.roll(u, 1))

    @ds.custom_jvp
    def square(u):
        return u * u

    square.defjvp(lambda primals, tangents: (square(*primals), 2.0 * primals[0] * tangents[0]))
    found = check(lambda u: square(u) * slope(u), RNG.normal(size=12))
    assert found.pattern.nnz == 36


def test_what_has_no_structure_is_refused_by_name_and_line():
    def solved(x):
        return np.linalg.solve(np.diag(x) + 1.0, x)

    x = np.arange(1.0, 6.0)
    found = direct(trace_function(solved, (x,)).graph)
    assert isinstance(found, Refusal)
    assert "solve" in found.reason
    assert found.location is not None
    assert found.location.line == solved.__code__.co_firstlineno + 1


def test_an_index_that_is_not_known_is_refused():
    index = np.array([0, 2, 1])
    traced = trace_function(lambda x, index: x[index], (np.ones(3), index))
    assert isinstance(direct(traced.graph), Refusal)
    found = direct(traced.graph, [True, False], {1: index})
    np.testing.assert_array_equal(found.pattern.indices, index)
